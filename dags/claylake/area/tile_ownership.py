"""Ownership rule 2: of the grids that a place prefers, the first with a tile that holds the whole cell owns it.

Rule 1 (`claylake.area.ownership`) leaves ground near zone borders to zones that ESA publishes no tile of there: about
3 % of land and sea, which never has a scene of its own zone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.area.grid import lonlat_to_grid
from claylake.area.ownership import RADIUS_M, near_a_border, points_of_cells
from claylake.area.pieces import some_piece_owned
from claylake.area.precedence import preference_table, preferred_grids, regions_of
from claylake.area.tiles import holds
from claylake.vocabulary import CELL_M

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def owners(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """EPSG code of the grid that owns each point; 0 where no tile holds it.

    Args:
        lon: degrees, any shape.
        lat: degrees, in parallel.
    """
    import numpy as np

    shape, lon, lat = np.shape(lon), np.ravel(lon), np.ravel(lat)
    regions = regions_of(lon, lat)
    found = np.zeros(len(lon), dtype=np.int64)
    for region in np.unique(regions):
        left = np.flatnonzero(regions == region)
        for epsg in preferred_grids(int(region)):
            x, y = lonlat_to_grid(epsg).transform(lon[left], lat[left])
            held = holds(epsg, _cell(x), _cell(y))
            found[left[held]] = epsg
            left = left[~held]
            if not len(left):
                break
    return found.reshape(shape)


def existing_by_tile(epsg: int, cols: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these cells of one grid exist by rule 2: a tile holds the cell, and its grid owns some point in it.

    Every cell that holds an owned point is found; a cell found has one within it, or `ownership.BORDER_M` away at most.

    Args:
        epsg: of the grid's UTM zone.
        cols: columns of the cells, one-dimensional.
        rows: rows of the same cells, in parallel.
    """
    import numpy as np

    found = np.zeros(len(cols), dtype=np.bool_)
    held = np.flatnonzero(holds(epsg, cols, rows))
    lon, lat = lonlat_to_grid(epsg).transform(
        (cols[held] + 0.5) * CELL_M, (rows[held] + 0.5) * CELL_M, direction="INVERSE"
    )
    regions = regions_of(lon, lat)
    bordering = near_a_border(lon, lat, RADIUS_M)
    own = ~bordering & (preference_table()[regions, 0] == epsg)
    found[held[own]] = True
    doubtful = [held[bordering]]
    for region in np.unique(regions[~bordering & ~own]):
        order = preferred_grids(int(region))
        if epsg in order:
            some = np.flatnonzero(~bordering & ~own & (regions == region))
            doubtful.append(held[some[~_surely_held(order[0], lon[some], lat[some])]])
    rest = np.concatenate(doubtful)
    near, far = points_of_cells(epsg, cols[rest], rows[rest])
    owned = (owners(near, far) == epsg).any(axis=1)
    found[rest[owned]] = True
    rest = rest[~owned]
    found[rest] = some_piece_owned(epsg, cols[rest], rows[rest])
    return found


def _surely_held(epsg: int, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether tiles of a grid hold all of its cells around each point, as far as a cell of any grid reaches."""
    import numpy as np

    x, y = lonlat_to_grid(epsg).transform(lon, lat)
    steps = (-RADIUS_M, 0.0, RADIUS_M)  # shorter than a cell, so none between them is left out
    around = [holds(epsg, _cell(x + across), _cell(y + up)) for across in steps for up in steps]
    every: NDArray[np.bool_] = np.logical_and.reduce(around)
    return every


def _cell(metres: NDArray[np.float64]) -> NDArray[np.int64]:
    """Column of eastings, or row of northings; places that a grid cannot express are in none that a tile holds."""
    import numpy as np

    return np.floor(np.where(np.isfinite(metres), metres, -1e9) / CELL_M).astype(np.int64)
