"""Vector health in words: each number, what it means, and whether it is unusual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claylake.run.reports import VectorHealth

FAR = 3.0
"""Lengths this many times from the median: Clay's last layer norm keeps vectors of ordinary chips much closer."""
FLAT = 3.0
"""Below this nearly all vectors lie in a plane."""
FEW = 20
"""With fewer vectors neither rank nor fit means anything."""
CLOUDY = 0.5
"""Above this share vectors depend most of all on how clear a chip is."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of the table."""

    label: str
    value: str
    verdict: str
    unusual: bool


def lines(health: VectorHealth) -> tuple[Line, ...]:
    """What there is to say of the vectors; nothing where there are none. Limits are rules of thumb, not tests."""
    if not health.vectors:
        return ()
    return (_finite(health), _lengths(health), _duplicates(health), _rank(health), _cloud(health))


def _finite(health: VectorHealth) -> Line:
    bad = health.not_finite
    return Line(
        label="Not finite",
        value=f"{bad:,} of {health.vectors:,}",
        verdict="They must not be used: embed these chips again." if bad else "Every component is a number.",
        unusual=bad > 0,
    )


def _lengths(health: VectorHealth) -> Line:
    least, middle, most = health.norm_min or 0.0, health.norm_median or 0.0, health.norm_max or 0.0
    far = least * FAR < middle or most > middle * FAR
    return Line(
        label="Length, least to greatest (median)",
        value=f"{least:.3g} to {most:.3g} ({middle:.3g})",
        verdict="Some are far shorter or longer than most: look at their chips." if far else "All of one kind.",
        unusual=far,
    )


def _duplicates(health: VectorHealth) -> Line:
    same, other = health.duplicates, health.duplicates_other_pixels
    if other:
        verdict = f"{other:,} of them belong to chips of other pixels: the encoder does not distinguish these."
    elif same:
        verdict = "Their chips have equal pixels, too."
    else:
        verdict = "No two vectors are the same."
    return Line(label="Exact duplicates", value=f"{same:,}", verdict=verdict, unusual=other > 0)


def _rank(health: VectorHealth) -> Line:
    rank = health.effective_rank
    known = rank is not None and health.sampled >= FEW
    flat = known and rank is not None and rank < FLAT
    if not known:
        verdict = "Too few vectors."
    elif flat:
        verdict = "Nearly all vectors differ in the same way: the encoder has collapsed, or the chips are all alike."
    else:
        verdict = "They spread over about so many independent dimensions."
    return Line(
        label="Effective rank",
        value="none" if rank is None else f"{rank:.1f} (from {health.sampled:,} vectors)",
        verdict=verdict,
        unusual=flat,
    )


def _cloud(health: VectorHealth) -> Line:
    share = health.unclear_r2
    cloudy = share is not None and share > CLOUDY
    if share is None:
        verdict = "Too few vectors, or all equally clear."
    elif cloudy:
        verdict = "Vectors depend most of all on how clear a chip is: compare only clear ones, or raise min_clear_frac."
    else:
        verdict = "Mostly, vectors differ by something else than cloud, shadow and nodata."
    return Line(
        label="Cloudiness explained by the vectors",
        value="none" if share is None else f"R² {share:.2f} ({health.components} components)",
        verdict=verdict,
        unusual=cloudy,
    )
