"""Which cells exist: those in which some point is owned by the cell's zone.

Owning by a cell's centre would leave holes along zone borders: of the two cells that hold a border
point, each centre may lie in the other's zone. Owning by any point overlaps a little, and never gaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from claylake.area.grid import LATITUDES, NORTHERN_EPSG_BASE, SOUTHERN_EPSG_BASE, SVALBARD, ZONE_DEGREES
from claylake.vocabulary import CELL_M

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BORDER_M: Final = 20.0
"""Margin around each test point: between them a border bends by less than a metre."""
LAST_SOUTHERN_ROW: Final = 10_000_000 // CELL_M - 1
"""Southern tiles end at northing 10,000,000, which cuts through a row."""
FIRST_NORTHERN_ROW: Final = -1
"""Northern tiles reach south of the equator, and so cover what that cut leaves out."""


def zones_of(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """UTM zone (1..60) that the MGRS gives each point (degrees, any turn); latitudes beyond UTM count as its edge."""
    import numpy as np

    lon = (np.asarray(lon) + 180.0) % 360.0 - 180.0
    lat = np.clip(lat, *LATITUDES)
    zones = ((lon + 180.0) // ZONE_DEGREES).astype(np.int64) + 1
    zones[(56.0 <= lat) & (lat < 64.0) & (3.0 <= lon) & (lon < 12.0)] = 32
    for west, east, zone in SVALBARD:
        zones[(lat >= 72.0) & (west <= lon) & (lon < east)] = zone
    return zones


def existing(epsg: int, cols: NDArray[np.int64], rows: NDArray[np.int64], forward: Any) -> NDArray[np.bool_]:
    """Which of these cells of one grid exist.

    Args:
        epsg: of the grid's UTM zone.
        cols: columns of the cells, one-dimensional.
        rows: rows of the same cells, in parallel.
        forward: pyproj's transformer from lon/lat to `epsg`.
    """
    import numpy as np

    grown = BORDER_M / CELL_M
    ticks = np.array([-grown, 0.5, 1.0 + grown])
    across, up = (offsets.ravel() for offsets in np.meshgrid(ticks, ticks))
    lon, lat = forward.transform((cols[:, None] + across) * CELL_M, (rows[:, None] + up) * CELL_M, direction="INVERSE")
    north = epsg < SOUTHERN_EPSG_BASE
    zone = epsg - (NORTHERN_EPSG_BASE if north else SOUTHERN_EPSG_BASE)
    inside = rows >= FIRST_NORTHERN_ROW if north else rows <= LAST_SOUTHERN_ROW
    owned: NDArray[np.bool_] = (zones_of(lon, lat) == zone).any(axis=1) & inside
    return owned
