"""The chip grid: square cells of 2,560 m in each UTM zone, anchored at easting 0, northing 0.

Sentinel-2 tile corners are multiples of 20 m, so every cell maps to whole pixels at 10 m and
at 20 m. Zones follow the MGRS, exceptions of Norway and Svalbard included
(DMA TM 8358.1, Datums, Ellipsoids, Grids, and Grid Reference Systems, 1990, chapter 3).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from claylake.errors import BadInputError
from claylake.vocabulary import CELL_M

_CELL_ID = re.compile(r"(32[67]\d{2})_(-?\d+)_(-?\d+)")
SOUTHERN_EPSG_BASE = 32700
NORTHERN_EPSG_BASE = 32600
ZONE_DEGREES = 6
LATITUDES = (-80.0, 84.0)
"""Where UTM is defined."""

SVALBARD = ((0.0, 9.0, 31), (9.0, 21.0, 33), (21.0, 33.0, 35), (33.0, 42.0, 37))

_REACH_M = 160_000
"""A zone's tiles, squares of 109,800 m, each overlie some of the zone: none lies farther from it than its diagonal."""


@dataclass(frozen=True, order=True, kw_only=True)
class Cell:
    """One grid square. `col` and `row` count cells east of easting 0 and north of northing 0."""

    epsg: int
    col: int
    row: int

    @property
    def id(self) -> str:
        """``<epsg>_<col>_<row>``."""
        return f"{self.epsg}_{self.col}_{self.row}"

    @classmethod
    def parse(cls, cell_id: str) -> Cell:
        """Read a cell id.

        Raises:
            BadInputError: if it is not one.
        """
        found = _CELL_ID.fullmatch(cell_id)
        if found is None:
            msg = f"{cell_id!r} is not a cell id: expected <epsg>_<col>_<row>, e.g. 32629_156_1342"
            raise BadInputError(msg)
        return cls(epsg=int(found[1]), col=int(found[2]), row=int(found[3]))

    @classmethod
    def at(cls, epsg: int, easting: float, northing: float) -> Cell:
        """The cell that holds a point; west and south edges belong to it.

        Args:
            epsg: of the grid's UTM zone.
            easting: of the point, metres in `epsg`.
            northing: of the point, metres in `epsg`.
        """
        return cls(epsg=epsg, col=int(easting // CELL_M), row=int(northing // CELL_M))

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """(west, south, east, north) in metres of `epsg`."""
        west, south = self.col * CELL_M, self.row * CELL_M
        return west, south, west + CELL_M, south + CELL_M


@lru_cache(maxsize=16)
def lonlat_to_grid(epsg: int) -> Any:
    """Transformer of pyproj from lon/lat (degrees) to metres of a UTM zone."""
    from pyproj import Transformer

    return Transformer.from_crs(4326, epsg, always_xy=True)


def zone_window(zone: int, lat: float = 0.0) -> tuple[float, float]:
    """Longitudes (degrees, may pass +-180) outside which a zone has no cell, exceptions included.

    `lat` is the highest absolute latitude (degrees) of interest: the nearer to a pole, the farther tiles reach.
    """
    west = -180.0 + ZONE_DEGREES * (zone - 1)
    widest_exception = 3.0
    reach = _REACH_M / 110_000.0 / math.cos(math.radians(lat))
    return west - widest_exception - reach, west + ZONE_DEGREES + widest_exception + reach
