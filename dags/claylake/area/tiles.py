"""ESA's list of Sentinel-2 tiles: the 100 km squares of each UTM zone that have scenes, and the cells that these hold.

A tile is a square of 109,800 m over a 100 km square of the MGRS. Its corners follow from the square by arithmetic, so
the list is one bit for each square (`tiles.json`, written by `infra.tiles`, which checks names and corners).
"""

from __future__ import annotations

import hashlib
import json
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from claylake.area.grid import NORTHERN_EPSG_BASE, SOUTHERN_EPSG_BASE
from claylake.errors import ClaylakeError
from claylake.vocabulary import CELL_M

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FACTS: Final = "tiles.json"
"""The file beside this module."""
SQUARE_M: Final = 100_000
"""Side of an MGRS square."""
TILE_M: Final = 109_800
"""Side of a tile."""
ALIGNED_M: Final = 60
"""Tiles begin at multiples of the coarsest pixel: eastings count from 0, northings from the equator."""
SQUARES_EAST: Final = 8
"""Squares of a zone from west to east: the first begins at easting 100,000. A bit each, the lowest is the first's."""
EASTINGS: Final = (SQUARE_M // ALIGNED_M * ALIGNED_M, SQUARES_EAST * SQUARE_M // ALIGNED_M * ALIGNED_M + TILE_M)
"""No tile lies outside these, and no zone."""
EQUATOR_M: Final = {NORTHERN_EPSG_BASE: 0, SOUTHERN_EPSG_BASE: 10_000_000}
"""Northing of the equator."""
_CELLS_EAST: Final = EASTINGS[1] // CELL_M
_CELLS_NORTH: Final = (10_000_000 + TILE_M) // CELL_M
_FIRST_ROW: Final = -((TILE_M - SQUARE_M) // CELL_M + 1)


class TileListError(ClaylakeError):
    """The file of facts is not what its header says."""


class GridSquares(BaseModel):
    """The squares of one grid: `rows` has two hex digits (`SQUARES_EAST` bits) a row; the first is at `south` (m)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    south: int
    rows: str

    def squares(self) -> list[tuple[int, int]]:
        """(easting, northing) of each square's south-west corner, metres; from south to north, then west to east."""
        return [
            ((column + 1) * SQUARE_M, self.south + row * SQUARE_M)
            for row, bits in enumerate(bytes.fromhex(self.rows))
            for column in range(SQUARES_EAST)
            if bits >> column & 1
        ]

    @classmethod
    def of(cls, squares: set[tuple[int, int]]) -> GridSquares:
        """The opposite of `squares`."""
        south = min(northing for _, northing in squares)
        rows = bytearray((max(northing for _, northing in squares) - south) // SQUARE_M + 1)
        for easting, northing in squares:
            rows[(northing - south) // SQUARE_M] |= 1 << (easting // SQUARE_M - 1)
        return cls(south=south, rows=rows.hex())


class TileList(BaseModel):
    """The whole list, and where it is from. `tiles` is their number, `grids` is by EPSG code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    source: str
    source_sha256: str
    tiles: int
    sha256: str
    grids: dict[int, GridSquares]

    @classmethod
    def of(cls, grids: dict[int, GridSquares], *, version: int, source: str, source_sha256: str) -> TileList:
        """A list with the right number and digest.

        Args:
            grids: by EPSG code.
            version: of the facts.
            source: what they were read from, for people.
            source_sha256: digest of the file that they were read from.
        """
        return cls(
            version=version,
            source=source,
            source_sha256=source_sha256,
            tiles=sum(len(grid.squares()) for grid in grids.values()),
            sha256=digest_of(grids),
            grids=grids,
        )


def digest_of(grids: dict[int, GridSquares]) -> str:
    """Digest of all squares, sha256 in hex."""
    lines = [f"{epsg} {grid.south} {grid.rows}\n" for epsg, grid in sorted(grids.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@cache
def tile_list() -> TileList:
    """The list that comes with this code; it is read once.

    Raises:
        TileListError: the file's squares are not those that its header describes.
    """
    text = resources.files(__package__).joinpath(FACTS).read_text(encoding="utf-8")
    found = TileList.model_validate(json.loads(text))
    if digest_of(found.grids) != found.sha256:
        msg = f"{FACTS}: the squares do not have the digest {found.sha256} of the header; write it again: make tiles"
        raise TileListError(msg)
    return found


def bounds_of_tile(base: int, easting: int, northing: int) -> tuple[int, int, int, int]:
    """(west, south, east, north) of the tile over a square, in metres.

    Args:
        base: EPSG base of the hemisphere, 32600 or 32700.
        easting: of the square's western edge.
        northing: of its southern edge.
    """
    equator = EQUATOR_M[base]
    west = easting // ALIGNED_M * ALIGNED_M
    north = equator - (equator - northing - SQUARE_M) // ALIGNED_M * ALIGNED_M
    return west, north - TILE_M, west + TILE_M, north


@lru_cache(maxsize=8)
def _held(epsg: int) -> NDArray[np.bool_]:
    """Which cells of a grid lie wholly in one of its tiles; (row, col) from row `_FIRST_ROW` and column 0 on."""
    import numpy as np

    held = np.zeros((_CELLS_NORTH - _FIRST_ROW, _CELLS_EAST), dtype=np.bool_)
    base = epsg // 100 * 100
    grid = tile_list().grids.get(epsg)
    for easting, northing in grid.squares() if grid else []:
        west, south, east, north = bounds_of_tile(base, easting, northing)
        rows = slice(-(-south // CELL_M) - _FIRST_ROW, north // CELL_M - _FIRST_ROW)
        held[rows, -(-west // CELL_M) : east // CELL_M] = True
    held.flags.writeable = False
    return held


def holds(epsg: int, cols: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a tile of the grid's zone wholly holds each cell.

    Args:
        epsg: of the grid's UTM zone.
        cols: columns of the cells, any shape.
        rows: rows of the same cells, in parallel.
    """
    import numpy as np

    held = _held(epsg)
    up = np.asarray(rows) - _FIRST_ROW
    across = np.asarray(cols)
    inside = (up >= 0) & (up < held.shape[0]) & (across >= 0) & (across < held.shape[1])
    found: NDArray[np.bool_] = inside & held[np.where(inside, up, 0), np.where(inside, across, 0)]
    return found


def to_json(tiles: TileList) -> str:
    """The file's text: one grid a line, so that versions compare line by line."""
    document: dict[str, Any] = tiles.model_dump(mode="json")
    grids = document.pop("grids")
    head = "".join(f' "{name}": {json.dumps(value)},\n' for name, value in document.items())
    lines = ",\n".join(f'  "{epsg}": {json.dumps(grid)}' for epsg, grid in sorted(grids.items()))
    return f'{{\n{head} "grids": {{\n{lines}\n }}\n}}\n'
