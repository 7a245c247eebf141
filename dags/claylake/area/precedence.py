"""Which grids a place prefers: its own zone's, then those of the zones nearest to it.

The nearest zone is the one whose central meridian is nearest in longitude. So the order changes only at multiples of
3 degrees and at the parallels where the MGRS has exceptions: within a region of these lines it is the same everywhere.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from claylake.area.grid import NORTHERN_EPSG_BASE, SOUTHERN_EPSG_BASE, ZONE_DEGREES
from claylake.area.ownership import HALF_ZONE_DEGREES, PARALLELS, zones_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLUMNS: Final = 120
"""Columns of regions, from 180 W on."""
BANDS: Final = len(PARALLELS) + 1
"""Bands of regions, from the south."""
_SOUTH, _STRIP, _X = 0, 1, 5
"""Far south of the equator; just south of it; and the MGRS band X, where zones are narrow and some are missing."""
_ANY_LATITUDE: Final = (-45.0, -0.5, 30.0, 60.0, 68.0, 78.0)
"""One of each band."""
REGIONS: Final = COLUMNS * BANDS


def regions_of(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of each point's region (0..`REGIONS`-1).

    Args:
        lon: degrees, any turn.
        lat: degrees, in parallel.
    """
    import numpy as np

    column = np.floor((np.asarray(lon) + 180.0) / HALF_ZONE_DEGREES).astype(np.int64) % COLUMNS
    return column * BANDS + np.searchsorted(PARALLELS, lat, side="right")


@cache
def preferred_grids(region: int) -> tuple[int, ...]:
    """EPSG codes of the grids that may own points of a region, the own zone's first.

    Neighbouring zones are those within 1 in number, and within 2 in band X. Just south of the equator each zone's
    northern grid follows its southern one.
    """
    import numpy as np

    column, band = divmod(region, BANDS)
    lon = -180.0 + HALF_ZONE_DEGREES * (column + 0.5)
    own = int(zones_of(np.array([lon]), np.array([_ANY_LATITUDE[band]]))[0])
    reach = 2 if band == _X else 1
    others = sorted(
        ((own + step - 1) % 60 + 1 for step in range(-reach, reach + 1) if step), key=lambda zone: _away(zone, lon)
    )
    if band == _SOUTH:
        bases: tuple[int, ...] = (SOUTHERN_EPSG_BASE,)
    elif band == _STRIP:
        bases = (SOUTHERN_EPSG_BASE, NORTHERN_EPSG_BASE)
    else:
        bases = (NORTHERN_EPSG_BASE,)
    return tuple(base + zone for zone in (own, *others) for base in bases)


@cache
def preference_table() -> NDArray[np.int64]:
    """(region, rank) to EPSG code, 0 where a region has no more grids."""
    import numpy as np

    orders = [preferred_grids(region) for region in range(REGIONS)]
    table = np.zeros((REGIONS, max(map(len, orders)) + 1), dtype=np.int64)
    for region, order in enumerate(orders):
        table[region, : len(order)] = order
    table.flags.writeable = False
    return table


def _away(zone: int, lon: float) -> float:
    """Degrees from a zone's central meridian."""
    central = -180.0 + ZONE_DEGREES * (zone - 0.5)
    return abs((central - lon + 180.0) % 360.0 - 180.0)
