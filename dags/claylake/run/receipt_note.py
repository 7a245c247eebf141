"""The receipt as a few lines of markdown, for the note of an Airflow run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claylake.run.remarks import reasons

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claylake.run.receipt import Receipt

LONGEST: Final = 1000
"""Airflow keeps this many characters of a note."""
_MOST_REMARKS: Final = 3
_WARNING: Final = 200


def note(receipt: Receipt) -> str:
    """Outcome, counts, failures, cost, and where the report is; at most 1,000 characters."""
    lines = [f"**{receipt.aoi} {receipt.period}: {receipt.outcome}**", *_work(receipt)]
    if receipt.failed:
        lines.append(f"**Failed: {_reasons(receipt.failed)}**; a later run of the month tries again")
    lines += [f"**{_cut(remark, _WARNING)}**" for remark in receipt.remarks[:_MOST_REMARKS]]
    if receipt.warnings:
        lines.append(_warned(receipt.warnings))
    lines.append(_cost(receipt))
    if receipt.report:
        lines.append(f"[Report]({receipt.report})")
    if receipt.kept_year:
        lines.append(f"To keep: {receipt.kept_year.text}")
    return _cut("  \n".join(lines), LONGEST)


def _work(receipt: Receipt) -> list[str]:
    lines = []
    if receipt.cluster_id is None:
        lines.append(
            f"{receipt.scenes_found:,} scenes in the catalogue; estimate: {receipt.estimate_chips:,} chips, "
            f"{receipt.estimate_usd:.2f} USD"
        )
    else:
        rate = f" ({receipt.chips_per_second:.1f}/s)" if receipt.chips_per_second else ""
        rejected = f", {_reasons(receipt.rejected)} rejected" if receipt.rejected else ""
        lines.append(
            f"{receipt.scenes:,} scenes, {receipt.km2:,.0f} km²: {receipt.chips:,} chips{rate}, "
            f"{receipt.vectors:,} vectors{rejected}"
        )
    if receipt.unusable:
        lines.append(
            f"**Scenes left out as unusable: {_reasons(receipt.unusable)}**; the log of task `plan` names each"
        )
    if receipt.month_chips is not None:
        lines.append(f"Published: {receipt.month_chips:,} chips, {receipt.month_vectors or 0:,} vectors in all")
    return lines


def _cost(receipt: Receipt) -> str:
    if receipt.cluster_id is None:
        return "No cluster, no cost"
    each = f", {receipt.usd_per_1000_chips:.2f} per 1,000 chips" if receipt.usd_per_1000_chips is not None else ""
    hours = receipt.cluster_seconds / 3600
    nodes, spot = sum(receipt.instance_hours.values()), sum(receipt.spot_hours.values())
    fallback = ", ".join(f"{hours:.1f} h of {kind}" for kind, hours in sorted(receipt.fallback_hours.items()))
    instead = f"; **no spot capacity, so on demand instead: {fallback}**" if fallback else ""
    return (
        f"About {receipt.usd:.2f} USD{each}; {receipt.kwh:.2f} kWh; "
        f"cluster {receipt.cluster_id} {receipt.cluster_state}, {hours:.1f} h, {receipt.layout}, "
        f"{spot:.1f} of {nodes:.1f} instance-hours spot{instead}"
    )


def _warned(warnings: Sequence[str]) -> str:
    """The first warning, in short, and how many others there are."""
    others = f"; {len(warnings) - 1} more" if len(warnings) > 1 else ""
    return f"**Warning: {_cut(warnings[0], _WARNING)}{others}** (all in receipt.json)"


def _reasons(counts: Mapping[str, int]) -> str:
    """The sum, and the most frequent first, e.g. ``12 (cloud 10, nodata 2)``."""
    return f"{sum(counts.values()):,} ({reasons(counts)})"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
