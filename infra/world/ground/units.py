"""Units: what a pixel belongs to. Pixels of one unit share one spectrum on a given day."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from infra.world.noise import generator


class Kind(IntEnum):
    """What grows or lies on a unit."""

    RIVER = 0
    LAKE = 1
    ASPHALT = 2
    LANE = 3
    ROOF_RED = 4
    ROOF_GREY = 5
    ROOF_BRIGHT = 6
    GARDEN = 7
    TREES = 8
    GRAVEL = 9
    CONIFER = 10
    DECIDUOUS = 11
    MEADOW = 12
    CEREAL_BARE = 13
    CEREAL_STUBBLE = 14
    CEREAL_COVER = 15
    RAPE = 16
    MAIZE = 17
    BEET = 18
    POTATO = 19


MATERIALS = tuple(kind for kind in Kind if kind < Kind.CONIFER)
"""Kinds with one unit each, whose number is the kind's own."""

STANDS = 48
"""Units of each kind of forest."""

ARABLE = {
    Kind.CEREAL_BARE: 0.13,
    Kind.CEREAL_STUBBLE: 0.12,
    Kind.CEREAL_COVER: 0.12,
    Kind.RAPE: 0.09,
    Kind.MAIZE: 0.24,
    Kind.BEET: 0.07,
    Kind.POTATO: 0.05,
    Kind.MEADOW: 0.18,
}
"""Share of what is grown on dry, level land."""

CONIFER_BASE = len(MATERIALS)
DECIDUOUS_BASE = CONIFER_BASE + STANDS
PARCEL_BASE = DECIDUOUS_BASE + STANDS


@dataclass(frozen=True, kw_only=True)
class Units:
    """All units: materials, forest stands, then parcels. Every array is `(unit,)`.

    Attributes:
        kind: a `Kind`.
        shift: days by which its year runs late.
        bright: factor on all bands.
        soil: factor on bare soil.
        lush: factor on green cover.
        phase: 0 to 1, where it is in a cycle of mowing.
    """

    kind: NDArray[np.uint8]
    shift: NDArray[np.float64]
    bright: NDArray[np.float64]
    soil: NDArray[np.float64]
    lush: NDArray[np.float64]
    phase: NDArray[np.float64]


def plant(seed: int, wet: NDArray[np.bool_], high: NDArray[np.bool_]) -> Units:
    """Decide what grows on every unit.

    Args:
        seed: of the world.
        wet: `(parcel,)` whether a parcel lies in the valley, mostly too wet for the plough.
        high: `(parcel,)` whether it lies in the hills, where only grass grows.
    """
    rng = generator(seed, "units")
    count = wet.size
    arable = rng.choice(list(ARABLE), size=count, p=list(ARABLE.values())).astype(np.uint8)
    grass = high | (wet & (rng.random(count) < 0.75))
    kind = np.concatenate(
        [
            np.array(MATERIALS, dtype=np.uint8),
            np.full(STANDS, Kind.CONIFER, dtype=np.uint8),
            np.full(STANDS, Kind.DECIDUOUS, dtype=np.uint8),
            np.where(grass, np.uint8(Kind.MEADOW), arable),
        ]
    )
    fixed = len(MATERIALS)
    total = kind.size
    spread = np.where(np.arange(total) < fixed, 0.0, 1.0)
    return Units(
        kind=kind,
        shift=spread * np.clip(rng.normal(0, 6.5, total), -15, 15),
        bright=np.exp(spread * np.clip(rng.normal(0, 0.05, total), -0.12, 0.12)),
        soil=np.exp(spread * np.clip(rng.normal(0, 0.17, total), -0.4, 0.4)),
        lush=1 - spread * np.clip(np.abs(rng.normal(0, 0.07, total)), 0, 0.3),
        phase=rng.random(total),
    )
