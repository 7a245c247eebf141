"""Where each cell goes in a picture: as on the ground within a UTM zone, zones side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from claylake.area.grid import SOUTHERN_EPSG_BASE
from claylake.vocabulary import CELL_M, CHIP_PX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claylake.area.grid import Cell

PICTURE_PX = 2000
_GAP_CELLS = 1
_ZONES = 60
_SOUTH_ROWS = 10_000_000 // CELL_M
"""False northing of the southern grids, in cells: their rows continue those of the northern ones."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Places of n cells.

    Attributes:
        x: int (n,), cells from the picture's left edge.
        y: int (n,), cells from its top edge; north is up.
        width: of the picture, in cells.
        height: likewise.
        tile_px: side of a cell in pixels.
        zones: EPSG codes from left to right.
    """

    x: Array
    y: Array
    width: int
    height: int
    tile_px: int
    zones: tuple[int, ...]

    @classmethod
    def of_cells(cls, cells: Sequence[Cell]) -> Layout:
        """Lay out cells; at least one."""
        return cls.of(*np.array([(cell.epsg, cell.col, cell.row) for cell in cells]).T)

    @classmethod
    def of(cls, epsg: Array, col: Array, row: Array, most_px: int = PICTURE_PX) -> Layout:
        """Lay out n cells.

        Args:
            epsg: EPSG code of each cell's zone, (n,); at least one cell.
            col: columns in the zones' grids, (n,).
            row: rows in the zones' grids, (n,).
            most_px: of the picture's longer side; a picture of more cells a side than that has one pixel a cell.
        """
        row = np.where(epsg > SOUTHERN_EPSG_BASE, row - _SOUTH_ROWS, row)
        zones = _from_west_to_east(np.unique(epsg))
        x = np.empty(len(epsg), dtype=np.int64)
        left = 0
        for zone in zones:
            mine = epsg == zone
            x[mine] = col[mine] - col[mine].min() + left
            left = int(x[mine].max()) + 1 + _GAP_CELLS
        width, height = left - _GAP_CELLS, int(row.max() - row.min()) + 1
        return cls(
            x=x,
            y=row.max() - row,
            width=width,
            height=height,
            tile_px=max(1, min(CHIP_PX, most_px // max(width, height))),
            zones=tuple(int(zone) for zone in zones),
        )


def _from_west_to_east(zones: Array) -> Array:
    """Zones of each hemisphere in order, northern ones first; across 180 degrees zone 1 follows zone 60.

    They begin behind the widest gap between zone numbers around the globe; of equal ones, behind that at 180 degrees.
    """
    numbers = np.unique(zones % 100)
    gaps = np.diff(numbers, append=numbers[0] + _ZONES)
    first = numbers[-int(gaps[::-1].argmax()) % len(numbers)]
    return zones[np.lexsort(((zones % 100 - first) % _ZONES, zones // 100))]
