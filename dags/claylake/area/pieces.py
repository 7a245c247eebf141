"""Whether a grid owns some piece of a cell, however small: cells are cut along every line where the owner may change.

These lines are the borders of regions (`claylake.area.precedence`), and in each region the edges of the cells of the
grids that are preferred there. Between them the owner is the same everywhere. A line within one cell is taken as
straight in the cell's own grid, which it is to a metre; cells are grown by `BORDER_M`, so that no piece is missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claylake.area.grid import lonlat_to_grid
from claylake.area.ownership import BORDER_M, HALF_ZONE_DEGREES, PARALLELS, points_of_cells
from claylake.area.precedence import BANDS, COLUMNS, preference_table
from claylake.area.tiles import holds
from claylake.vocabulary import CELL_M

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

_CORNERS_X, _CORNERS_Y = (0, 1, 1, 0), (0, 0, 1, 1)


def some_piece_owned(epsg: int, cols: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these cells have a piece whose first preferred grid with a tile there is this one.

    Args:
        epsg: of the cells' grid.
        cols: columns of the cells, one-dimensional.
        rows: rows of the same cells, in parallel.
    """
    import numpy as np

    found = np.zeros(len(cols), dtype=np.bool_)
    if not len(cols):
        return found
    table = preference_table()
    cells, regions, pieces = _by_region(epsg, cols, rows)
    for rank in range(table.shape[1]):
        grids = table[regions, rank]
        reached = np.flatnonzero(grids == epsg)
        found[cells[reached[_in_tiles(epsg, pieces[reached])]]] = True
        left = np.flatnonzero((grids != epsg) & (grids != 0) & ~found[cells])
        if not len(left):
            break
        parts = [
            (left[grids[left] == grid][which], remaining)
            for grid in np.unique(grids[left])
            for which, remaining in _outside_tiles(int(grid), epsg, pieces[left[grids[left] == grid]])
        ]
        index = np.concatenate([which for which, _ in parts])
        cells, regions = cells[index], regions[index]
        pieces = np.concatenate([remaining for _, remaining in parts])
    return found


def _in_tiles(epsg: int, pieces: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether pieces meet cells of tiles; what lies in the margin alone may be in a neighbour that none holds."""
    import numpy as np
    import shapely

    slack = 0.01  # metres; grids of both hemispheres share their lines
    edges = shapely.bounds(pieces) + np.array([slack, slack, -slack, -slack])
    west, south, east, north = np.floor(edges / CELL_M).astype(np.int64).T
    met: NDArray[np.bool_] = holds(epsg, west, south) | holds(epsg, east, south)
    return met | holds(epsg, west, north) | holds(epsg, east, north)


def _by_region(
    epsg: int, cols: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
    """Cells cut by regions: index of the cell, region, polygon in metres of the grid."""
    import numpy as np
    import shapely

    grown = BORDER_M / CELL_M
    west, south = (cols - grown) * CELL_M, (rows - grown) * CELL_M
    side = CELL_M + 2 * BORDER_M
    squares = shapely.box(west, south, west + side, south + side)
    lon, lat = points_of_cells(epsg, cols, rows)
    lon = lon[:, :1] + (lon - lon[:, :1] + 180.0) % 360.0 - 180.0
    slack = 0.001  # degrees; the edges between the test points bend by less
    west, east = lon.min(axis=1) - slack, lon.max(axis=1) + slack
    south, north = lat.min(axis=1) - slack, lat.max(axis=1) + slack
    first, last = (np.floor((edge + 180.0) / HALF_ZONE_DEGREES).astype(np.int64) for edge in (west, east))
    lines = np.array([-90.0, *PARALLELS, 90.0])
    parts = []
    for band in range(BANDS):
        low, high = np.maximum(south, lines[band]), np.minimum(north, lines[band + 1])
        for step in range(int((last - first).max()) + 1):
            column = first + step
            left = np.maximum(west, column * HALF_ZONE_DEGREES - 180.0)
            right = np.minimum(east, (column + 1) * HALF_ZONE_DEGREES - 180.0)
            some = np.flatnonzero((column <= last) & (low < high))
            corners_lon = np.where(_CORNERS_X, right[some, None], left[some, None])
            corners_lat = np.where(_CORNERS_Y, high[some, None], low[some, None])
            x, y = lonlat_to_grid(epsg).transform(corners_lon, corners_lat)
            cut = shapely.intersection(squares[some], shapely.polygons(np.stack([x, y], axis=-1)))
            some, cut = some[shapely.area(cut) > 0], cut[shapely.area(cut) > 0]
            parts.append((some, column[some] % COLUMNS * BANDS + band, cut))
    cells, regions, pieces = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return cells, regions, pieces


def _outside_tiles(grid: int, epsg: int, pieces: NDArray[Any]) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """What remains of pieces (metres of `epsg`) in each cell of `grid` that no tile holds: indices, and polygons."""
    import numpy as np
    import shapely

    here, there = lonlat_to_grid(epsg), lonlat_to_grid(grid)
    bounds = shapely.bounds(pieces)
    lon, lat = here.transform(bounds[:, [0, 2, 2, 0]], bounds[:, [1, 1, 3, 3]], direction="INVERSE")
    x, y = there.transform(lon, lat)
    slack = 2.0  # metres; the edges between these corners bend by less
    col, row = (np.floor((axis.min(axis=1) - slack) / CELL_M).astype(np.int64) for axis in (x, y))
    cols, rows = (np.floor((axis.max(axis=1) + slack) / CELL_M).astype(np.int64) for axis in (x, y))
    for across in range(int((cols - col).max()) + 1):
        for up in range(int((rows - row).max()) + 1):
            inside = (col + across <= cols) & (row + up <= rows)
            some = np.flatnonzero(inside & ~holds(grid, col + across, row + up))
            corners_x = (col[some, None] + across + np.array(_CORNERS_X)) * CELL_M
            corners_y = (row[some, None] + up + np.array(_CORNERS_Y)) * CELL_M
            lon, lat = there.transform(corners_x, corners_y, direction="INVERSE")
            x, y = here.transform(lon, lat)
            cut = shapely.intersection(pieces[some], shapely.polygons(np.stack([x, y], axis=-1)))
            some, cut = some[shapely.area(cut) > 0], cut[shapely.area(cut) > 0]
            yield some, cut
