"""Spectra in Sentinel-2's bands, in the order of `BANDS`: what each kind of ground reflects."""

import numpy as np
from numpy.typing import NDArray

from claylake.vocabulary import BANDS
from infra.world.ground.phenology import CALENDAR, cover
from infra.world.ground.units import Kind, Units

Spectrum = tuple[int, ...]

STRAW: Spectrum = (640, 1020, 1420, 1750, 2250, 2500, 2750, 2950, 3250, 2250)
SOIL: Spectrum = (640, 860, 1140, 1320, 1470, 1590, 1740, 1860, 2500, 2150)
SNOW: Spectrum = (8300, 8400, 8300, 8200, 8050, 7900, 7800, 7500, 900, 700)
CLOUD: Spectrum = (6500, 6350, 6350, 6400, 6450, 6500, 6550, 6450, 4300, 3200)
CIRRUS: Spectrum = (1150, 1080, 1050, 1060, 1080, 1090, 1100, 1090, 650, 430)
LEAFLESS: Spectrum = (330, 450, 540, 680, 930, 1040, 1150, 1220, 1520, 1080)
AUTUMN: Spectrum = (260, 520, 560, 1080, 2150, 2600, 2800, 2900, 1700, 850)

LEAVES: dict[Kind, Spectrum] = {
    Kind.RIVER: (400, 560, 390, 350, 260, 240, 220, 200, 110, 80),
    Kind.LAKE: (300, 390, 220, 190, 140, 130, 115, 90, 26, 9),
    Kind.ASPHALT: (800, 900, 960, 1010, 1100, 1150, 1200, 1260, 1400, 1250),
    Kind.LANE: (620, 850, 950, 1180, 1700, 1950, 2100, 2200, 2300, 1700),
    Kind.ROOF_RED: (760, 930, 1330, 1540, 1720, 1830, 1960, 2050, 2300, 2050),
    Kind.ROOF_GREY: (1080, 1160, 1210, 1260, 1330, 1380, 1440, 1490, 1600, 1480),
    Kind.ROOF_BRIGHT: (2700, 2850, 2950, 3000, 3050, 3100, 3150, 3200, 2900, 2600),
    Kind.GARDEN: (370, 640, 450, 1000, 2300, 2800, 3000, 3100, 1750, 950),
    Kind.TREES: (230, 440, 270, 740, 2200, 2750, 2950, 3050, 1400, 640),
    Kind.GRAVEL: (1300, 1550, 1750, 1850, 1950, 2050, 2150, 2200, 2350, 2100),
    Kind.CONIFER: (160, 300, 190, 480, 1450, 1800, 1950, 2080, 850, 390),
    Kind.DECIDUOUS: (190, 430, 220, 740, 2550, 3300, 3500, 3650, 1450, 620),
    Kind.MEADOW: (310, 660, 360, 1080, 2900, 3650, 3850, 4050, 2000, 980),
    Kind.CEREAL_BARE: (260, 560, 290, 950, 2900, 3800, 4000, 4200, 1750, 800),
    Kind.CEREAL_STUBBLE: (260, 560, 290, 950, 2900, 3800, 4000, 4200, 1750, 800),
    Kind.CEREAL_COVER: (280, 610, 300, 1020, 3200, 4250, 4450, 4650, 1800, 800),
    Kind.RAPE: (300, 640, 320, 1040, 3000, 4000, 4200, 4400, 1700, 760),
    Kind.MAIZE: (230, 480, 240, 820, 2750, 3650, 3850, 4000, 1600, 690),
    Kind.BEET: (270, 630, 280, 1000, 3600, 5000, 5200, 5350, 1600, 680),
    Kind.POTATO: (280, 620, 320, 1000, 3100, 4150, 4350, 4500, 1800, 820),
}
"""Of materials and of full green cover, DN = reflectance x 10,000; after published
spectral libraries' general shapes, not fitted to any site."""

VISIBLE_WEIGHT = np.array([1.0, 1.0, 1.15, 1.0, 0.8, 0.75, 0.75, 0.75, 1.0, 1.1])
"""How strongly the ground's pattern shows in each band."""


def ground(units: Units, day: int) -> NDArray[np.float32]:
    """Return every unit's spectrum on a day of the year, `(unit, band)`, DN."""
    part = cover(units, day)
    leaves = np.array([LEAVES[kind] for kind in Kind], dtype=np.float64)[units.kind]
    turned = (units.kind == Kind.DECIDUOUS) * np.clip((day + 1.5 * units.shift - 258) / 45, 0, 0.9)
    leaves += turned[:, None] * (np.array(AUTUMN) - leaves)
    bare = np.isin(units.kind, [Kind.DECIDUOUS, Kind.TREES]) * leafless(day + 1.5 * units.shift)
    leaves += bare[:, None] * (np.array(LEAFLESS) - leaves)
    out = part[:, :1] * leaves + part[:, 1:2] * np.array(STRAW)
    # Fields differ in the colour of their earth as well: dark earth is also less red.
    slope = units.soil[:, None] ** np.linspace(0.8, 1.15, len(BANDS))
    out += part[:, 2:] * np.array(SOIL) * slope
    return np.asarray(out * units.bright[:, None], dtype=np.float32)


def leafless(day: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how bare deciduous trees are on days of the year: 1 from late November to early April, 0 in summer."""
    return np.asarray(np.clip((day - 300) / 25, 0, 1) + np.clip((120 - day) / 20, 0, 1))


def patterning(units: Units, day: int) -> NDArray[np.float32]:
    """Return how strongly every unit shows the pattern of its soil, `(unit,)`."""
    part = cover(units, day)
    grown = np.isin(units.kind, [int(kind) for kind in CALENDAR])
    return np.where(grown, 0.028 + 0.075 * part[:, 2] + 0.03 * part[:, 1], 0.0).astype(np.float32)
