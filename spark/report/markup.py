"""Pieces of HTML: outcomes in words, numbers, tables."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from claylake.vocabulary import FAILED, OUTCOME_CHIP, REJECTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

REASONS = {
    "rejected:cloud": "too cloudy",
    "rejected:nodata": "too much without data",
    "rejected:not_among_clearest": "not among the clearest passes",
}


def words(outcome: str) -> str:
    """An outcome for people, as ``rejected: too cloudy``."""
    if outcome == OUTCOME_CHIP:
        return "chip"
    kind, _, reason = outcome.partition(":")
    return f"{kind}: {REASONS.get(outcome, reason.replace('_', ' '))}" if reason else kind


def reasons(outcomes: Mapping[str, int], kind: str) -> dict[str, int]:
    """Counts of one kind (``rejected:`` or ``failed:``) by reason in words, the most frequent first."""
    found = {words(name).partition(": ")[2]: n for name, n in outcomes.items() if name.startswith(kind)}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def total(outcomes: Mapping[str, int], kind: str) -> int:
    """How many are of one kind."""
    return sum(n for name, n in outcomes.items() if name.startswith(kind))


def listed(counts: Mapping[str, int]) -> str:
    """``too cloudy 10, unreadable 2``; a dash for nothing. Escaped."""
    return escape(", ".join(f"{reason} {n:,}" for reason, n in counts.items())) or "&ndash;"


def table(heads: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]], caption: str) -> str:
    """A table that scrolls by itself where it is too wide.

    Args:
        heads: heading and class of each column, as they stand in HTML.
        rows: cells, as they stand in HTML.
        caption: says what the table has.
    """
    top = "".join(f'<th scope="col" class="{kind}">{head}</th>' for head, kind in heads)
    lines = [[f'<td class="{kind}">{cell}</td>' for cell, (_, kind) in zip(row, heads, strict=True)] for row in rows]
    body = "\n".join(f"<tr>{''.join(line)}</tr>" for line in lines)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def kind_of(outcome: str) -> str:
    """CSS class of an outcome: the rejections that are common have their own."""
    if outcome == OUTCOME_CHIP:
        return "o-chip"
    if outcome.startswith(FAILED):
        return "o-failed"
    if outcome in REASONS:
        return f"o-{outcome.removeprefix(REJECTED)}"
    return "o-other"
