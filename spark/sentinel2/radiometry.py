"""Which digital numbers a scene's files hold, and how chips get the same ones from all of them.

Since processing baseline 04.00 (25 January 2022) ESA adds 1000 to the DN of L2A products
(Sentinel-2 Products Specification Document, BOA_ADD_OFFSET). Earth Search removes it from most
items of `sentinel-2-l2a` and from none of `sentinel-2-c1-l2a`, and its flag is not always right.

So three things speak, in this order: what a person has set for the scene or its collection; its pixels, where these
refute that the offset is still in them (a pixel that is clear, valid and below 1000 cannot carry it); its metadata.
Pixels prove only that direction. Where metadata contradict each other and pixels prove nothing, nothing is decided.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from claylake.vocabulary import AS_PUBLISHED, COLLECTION_C1, MINUS_1000, SCL_NOT_CLEAR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claylake.catalogue.scene import Scene

OFFSET_DN = 1000
FIRST_BASELINE_WITH_OFFSET = (4, 0)
FIRST_DAY_WITH_OFFSET = (2022, 1, 25)
LARGEST_LOW_FRACTION = 0.001
"""More clear pixels below 1000 than this refute a remaining offset. Their absence proves nothing.

Real scenes with the offset still in them had up to 0.00042 (clear water, deep shade), harmonised ones 0.81 to 0.99.
"""
CONTRADICTION = "radiometry"
"""Reason code of scenes whose metadata contradict each other, while their pixels decide nothing."""
PIXELS = "pixels"
"""Rule of a scene whose pixels refute the offset that its metadata imply, or are in doubt of."""


@dataclass(frozen=True, kw_only=True)
class RadiometryDecision:
    """What is done to a scene's DN (`as_published` or `minus_1000`), and by which rule.

    `doubt`: what in the metadata contradicts the decision; None where nothing does.
    """

    radiometry: str
    rule: str
    doubt: str | None = None


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

    @property
    def refutes_offset(self) -> bool:
        """Whether these pixels cannot have the offset in them."""
        return self.low_fraction > LARGEST_LOW_FRACTION


def decide_radiometry(scene: Scene) -> RadiometryDecision:
    """Decide from collection, flag, baseline and date alone.

    An l2a scene without a readable baseline is taken to be of the baseline of its time.
    """
    baseline, day = _baseline(scene.baseline), scene.pass_start.date()
    recent = (day.year, day.month, day.day) >= FIRST_DAY_WITH_OFFSET
    old = baseline is not None and baseline < FIRST_BASELINE_WITH_OFFSET
    since = "since" if recent else "before"
    if scene.collection == COLLECTION_C1:
        doubt = None
        if scene.boa_offset_applied:
            doubt = "c1 keeps the offset, and the flag says that it was removed"
        elif old:
            doubt = f"c1 keeps the offset, and baseline {scene.baseline} has none"
        return RadiometryDecision(radiometry=MINUS_1000, rule="c1 keeps the offset", doubt=doubt)
    if scene.boa_offset_applied:
        return RadiometryDecision(radiometry=AS_PUBLISHED, rule="l2a, flagged as removed")
    if baseline is None:
        radiometry = MINUS_1000 if recent else AS_PUBLISHED
        return RadiometryDecision(radiometry=radiometry, rule=f"l2a, no baseline, pass {since} 2022-01-25")
    if old:
        doubt = f"baseline {scene.baseline} has no offset, and passes since 2022-01-25 have one" if recent else None
        return RadiometryDecision(radiometry=AS_PUBLISHED, rule="l2a, baseline before 04.00", doubt=doubt)
    return RadiometryDecision(radiometry=MINUS_1000, rule="l2a, baseline from 04.00 on, not flagged as removed")


def settle(scene: Scene, evidence: Evidence, overrides: Mapping[str, str]) -> RadiometryDecision:
    """Decide from all that is known of a scene.

    Args:
        scene: whose metadata speak last.
        evidence: of the pixels of it that were read so far.
        overrides: radiometry by scene id or collection, as a person has set it; it speaks first.
    """
    for key in (scene.id, scene.collection):
        if key in overrides:
            return RadiometryDecision(radiometry=overrides[key], rule=f"set for {key}")
    decision = decide_radiometry(scene)
    if evidence.refutes_offset and (decision.radiometry == MINUS_1000 or decision.doubt):
        return RadiometryDecision(radiometry=AS_PUBLISHED, rule=PIXELS)
    return decision


def evidence_document(scene: Scene, decision: RadiometryDecision, evidence: Evidence) -> dict[str, object]:
    """The decision and its evidence, as the scenes table keeps them (JSON).

    Args:
        scene: whose metadata the decision rests on.
        decision: as `settle` gives it.
        evidence: of the pixels of the scene that were read.
    """
    metadata = decide_radiometry(scene)
    return {
        "collection": scene.collection,
        "baseline": scene.baseline,
        "boa_offset_applied": scene.boa_offset_applied,
        "rule": decision.rule,
        "metadata_rule": metadata.rule,
        "doubt": metadata.doubt,
        **asdict(evidence),
        "contradiction": evidence.refutes_offset and metadata.radiometry == MINUS_1000,
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


def harmonise(raw: NDArray[np.uint16], radiometry: str) -> NDArray[np.uint16]:
    """DN as without an offset: valid pixels >= 1 in every band, nodata 0 in all.

    Args:
        raw: uint16 (band, row, col), DN as stored; not changed.
        radiometry: what is done to the scene's DN, `AS_PUBLISHED` or `MINUS_1000`.

    Returns:
        A new, contiguous uint16 array of the same shape.
    """
    offset = {AS_PUBLISHED: 0, MINUS_1000: OFFSET_DN}[radiometry]
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
