"""Names of MGRS squares: zone, latitude band and two letters, read by arithmetic.

DMA TM 8358.1 (Datums, Ellipsoids, Grids, and Grid Reference Systems, 1990), chapter 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from claylake.area.grid import NORTHERN_EPSG_BASE, SOUTHERN_EPSG_BASE
from claylake.area.tiles import SQUARE_M
from infra.tiles.errors import TilesError

BANDS = "CDEFGHJKLMNPQRSTUVWX"
"""Latitude bands of 8 degrees from 80 S on; the last has 12."""
_FIRST_NORTHERN = "N"
_COLUMNS = {1: "ABCDEFGH", 2: "JKLMNPQR", 0: "STUVWXYZ"}
"""Letters of the eight columns, by the zone's number modulo 3."""
_ROWS = "ABCDEFGHJKLMNPQRSTUV"
"""Letters of 20 rows, which repeat every 2,000 km; even zones begin with F."""
_SHIFT_OF_EVEN_ZONES = 5
_END_OF_TILES = -84.0
_NAME = re.compile(rf"(\d\d)([{BANDS}])([A-HJ-NP-Z])([A-HJ-NP-V])")


@dataclass(frozen=True, kw_only=True)
class Square:
    """One 100 km square. `northing_mod` is its southern edge modulo 2,000 km; metres."""

    name: str
    epsg: int
    band: str
    easting: int
    northing_mod: int

    @classmethod
    def parse(cls, name: str) -> Square:
        """Read a name such as 32TQM.

        Raises:
            TilesError: no square has this name.
        """
        found = _NAME.fullmatch(name)
        zone = int(found[1]) if found else 0
        if found is None or not 1 <= zone <= 60 or found[3] not in _COLUMNS[zone % 3]:
            raise TilesError(f"{name!r} is not the name of an MGRS square")
        row = _ROWS.index(found[4]) - (0 if zone % 2 else _SHIFT_OF_EVEN_ZONES)
        base = NORTHERN_EPSG_BASE if found[2] >= _FIRST_NORTHERN else SOUTHERN_EPSG_BASE
        return cls(
            name=name,
            epsg=base + zone,
            band=found[2],
            easting=(_COLUMNS[zone % 3].index(found[3]) + 1) * SQUARE_M,
            northing_mod=row % len(_ROWS) * SQUARE_M,
        )

    def northing_near(self, northing: float) -> int:
        """The southern edge, metres: of all that fit the letters the nearest to `northing`."""
        turn = len(_ROWS) * SQUARE_M
        return self.northing_mod + round((northing - self.northing_mod) / turn) * turn

    @property
    def latitudes(self) -> tuple[float, float]:
        """South and north of the band, degrees. ESA continues the first band south of 80 S, where UTM ends."""
        south = -80.0 + 8 * BANDS.index(self.band)
        first, last = self.band == BANDS[0], self.band == BANDS[-1]
        return (_END_OF_TILES if first else south), south + (12.0 if last else 8.0)
