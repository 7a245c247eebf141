"""Which digital numbers a scene's files hold, and how chips get the same ones from all of them.

Since processing baseline 04.00 (25 January 2022) ESA adds 1000 to the DN of L2A products
(Sentinel-2 Products Specification Document, BOA_ADD_OFFSET). Earth Search removes it from most
items of `sentinel-2-l2a` and from none of `sentinel-2-c1-l2a`, and its flag is not always right:
pixels are checked too. A pixel that is clear, valid and below 1000 cannot carry the offset.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from claylake.vocabulary import COLLECTION_C1, SCL_NOT_CLEAR

if TYPE_CHECKING:
    from claylake.catalogue.scene import Scene

AS_PUBLISHED = "as_published"
MINUS_1000 = "minus_1000"
OFFSET_DN = 1000
FIRST_BASELINE_WITH_OFFSET = (4, 0)
LARGEST_LOW_FRACTION = 0.001
"""More clear pixels below 1000 than this refute a remaining offset. Their absence proves nothing."""
CONTRADICTION = "radiometry"
"""Reason code of chips whose scene's pixels contradict its metadata."""


@dataclass(frozen=True, kw_only=True)
class RadiometryDecision:
    """What is done to a scene's DN (`as_published` or `minus_1000`), and by which rule."""

    radiometry: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Pixels of a scene at 10 m that are clear by SCL and valid, and those of them below 1000 in any band."""

    clear_pixels: int = 0
    below_1000: int = 0

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(
            clear_pixels=self.clear_pixels + other.clear_pixels, below_1000=self.below_1000 + other.below_1000
        )

    @property
    def low_fraction(self) -> float:
        """Of the clear pixels, those below 1000; 0 where nothing is clear."""
        return self.below_1000 / self.clear_pixels if self.clear_pixels else 0.0

    def contradicts(self, decision: RadiometryDecision) -> bool:
        """Whether these pixels cannot be what the decision takes them for."""
        return decision.radiometry == MINUS_1000 and self.low_fraction > LARGEST_LOW_FRACTION


def decide_radiometry(scene: Scene) -> RadiometryDecision:
    """Decide from collection, flag and baseline; `Evidence` may contradict later.

    An l2a scene without a readable baseline is taken to be of the baseline of its time.
    """
    if scene.collection == COLLECTION_C1:
        return RadiometryDecision(radiometry=MINUS_1000, rule="c1 keeps the offset")
    if scene.boa_offset_applied:
        return RadiometryDecision(radiometry=AS_PUBLISHED, rule="l2a, flagged as removed")
    baseline = _baseline(scene.baseline)
    if baseline is None:
        recent = (scene.pass_start.year, scene.pass_start.month, scene.pass_start.day) >= (2022, 1, 25)
        rule = f"l2a, no baseline, pass {'since' if recent else 'before'} 2022-01-25"
        return RadiometryDecision(radiometry=MINUS_1000 if recent else AS_PUBLISHED, rule=rule)
    if baseline < FIRST_BASELINE_WITH_OFFSET:
        return RadiometryDecision(radiometry=AS_PUBLISHED, rule="l2a, baseline before 04.00")
    return RadiometryDecision(radiometry=MINUS_1000, rule="l2a, baseline from 04.00 on, not flagged as removed")


def evidence_document(scene: Scene, decision: RadiometryDecision, evidence: Evidence) -> dict[str, object]:
    """The decision and its evidence, as the scenes table keeps them (JSON).

    Args:
        scene: whose metadata the decision rests on.
        decision: as `decide_radiometry` gives it.
        evidence: of the pixels of the scene that were read.
    """
    return {
        "collection": scene.collection,
        "baseline": scene.baseline,
        "boa_offset_applied": scene.boa_offset_applied,
        "rule": decision.rule,
        **asdict(evidence),
        "contradiction": evidence.contradicts(decision),
    }


def evidence_of(raw: NDArray[np.uint16], scl: NDArray[np.uint8]) -> Evidence:
    """The evidence of one cell's pixels.

    Args:
        raw: uint16 (band, row, col), DN as stored.
        scl: uint8 (row, col) at half the resolution.
    """
    unclear = np.isin(scl, SCL_NOT_CLEAR).repeat(2, axis=0).repeat(2, axis=1)
    clear = valid(raw) & ~unclear
    # A lone 0 is a band without data at the swath's edge, not a dark pixel.
    low = ((raw < OFFSET_DN) & (raw > 0)).any(axis=0)
    return Evidence(clear_pixels=int(np.count_nonzero(clear)), below_1000=int(np.count_nonzero(clear & low)))


def valid(raw: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Where a pixel of (band, row, col) holds data: nodata is 0 in all bands."""
    mask: NDArray[np.bool_] = np.asarray(raw.any(axis=0))
    return mask


def harmonise(raw: NDArray[np.uint16], decision: RadiometryDecision) -> NDArray[np.uint16]:
    """DN as without an offset: valid pixels >= 1 in every band, nodata 0 in all.

    Args:
        raw: uint16 (band, row, col), DN as stored; not changed.
        decision: the scene's.

    Returns:
        A new, contiguous uint16 array of the same shape.
    """
    offset = OFFSET_DN if decision.radiometry == MINUS_1000 else 0
    # Clamped before subtracting: uint16 would wrap around.
    pixels: NDArray[np.uint16] = np.maximum(raw, np.uint16(offset + 1))
    pixels -= np.uint16(offset)
    pixels *= valid(raw)
    return pixels


def _baseline(text: str | None) -> tuple[int, int] | None:
    parts = (text or "").split(".")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        return None
    return int(parts[0]), int(parts[1])
