"""Ownership rule 1: a cell exists if some point in it is of the cell's zone.

Owning by a cell's centre would leave holes along zone borders: of the two cells that hold a border
point, each centre may lie in the other's zone. Owning by any point overlaps a little, and never gaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claylake.area.grid import LATITUDES, NORTHERN_EPSG_BASE, SOUTHERN_EPSG_BASE, SVALBARD, ZONE_DEGREES, lonlat_to_grid
from claylake.vocabulary import CELL_M

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BORDER_M: Final = 20.0
"""Margin around each test point: between them a border bends by less than a metre."""
RADIUS_M: Final = (CELL_M / 2 + BORDER_M) * 2**0.5 * 1.01
"""From a cell's centre to its farthest test point, in any grid: scales of UTM grids differ by less than 1 %."""
HALF_ZONE_DEGREES: Final = 3.0
"""Zones, their central meridians and their exceptions begin at multiples of this."""
PARALLELS: Final = (-1.0, 0.0, 56.0, 64.0, 72.0)
"""Where exceptions begin and end, the equator, and how far south of it tiles of northern grids surely do not reach."""
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


def points_of_cells(
    epsg: int, cols: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lon and lat (degrees) of 9 points of each cell (cell, point): its centre, and all around it `BORDER_M` outside.

    Args:
        epsg: of the cells' grid.
        cols: columns of the cells, one-dimensional.
        rows: rows of the same cells, in parallel.
    """
    import numpy as np

    grown = BORDER_M / CELL_M
    ticks = np.array([-grown, 0.5, 1.0 + grown])
    across, up = (offsets.ravel() for offsets in np.meshgrid(ticks, ticks))
    x, y = (cols[:, None] + across) * CELL_M, (rows[:, None] + up) * CELL_M
    lon, lat = lonlat_to_grid(epsg).transform(x, y, direction="INVERSE")
    return np.asarray(lon), np.asarray(lat)


def existing_by_zone(epsg: int, cols: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these cells of one grid exist by rule 1: some point in the cell is of the grid's zone.

    Args:
        epsg: of the grid's UTM zone.
        cols: columns of the cells, one-dimensional.
        rows: rows of the same cells, in parallel.
    """
    import numpy as np

    north = epsg < SOUTHERN_EPSG_BASE
    zone = epsg - (NORTHERN_EPSG_BASE if north else SOUTHERN_EPSG_BASE)
    inside = rows >= FIRST_NORTHERN_ROW if north else rows <= LAST_SOUTHERN_ROW
    lon, lat = lonlat_to_grid(epsg).transform((cols + 0.5) * CELL_M, (rows + 0.5) * CELL_M, direction="INVERSE")
    owned: NDArray[np.bool_] = zones_of(lon, lat) == zone
    bordering = np.flatnonzero(near_a_border(lon, lat, RADIUS_M))
    owned[bordering] = (zones_of(*points_of_cells(epsg, cols[bordering], rows[bordering])) == zone).any(axis=1)
    return owned & inside


def near_a_border(lon: NDArray[np.float64], lat: NDArray[np.float64], metres: float) -> NDArray[np.bool_]:
    """Whether a line at which zones or their neighbours change may lie within a distance of each point.

    Args:
        lon: degrees.
        lat: degrees, in parallel.
        metres: the distance; it is taken as a little more.
    """
    import numpy as np

    degrees = metres / 110_000.0  # a degree of latitude has 110,574 m and more
    lines = np.asarray(lon) / HALF_ZONE_DEGREES
    across = np.abs(lines - np.round(lines)) * HALF_ZONE_DEGREES
    near: NDArray[np.bool_] = across * np.cos(np.radians(np.minimum(np.abs(lat) + degrees, 90.0))) <= degrees
    for parallel in PARALLELS:
        near |= np.abs(lat - parallel) <= degrees
    return near
