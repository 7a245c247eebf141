"""The list's corners against arithmetic: a tile of 109,800 m over the square that its name says."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pyproj import Transformer

from claylake.area.tiles import SQUARE_M, TILE_M, bounds_of_tile
from infra.tiles.errors import TilesError
from infra.tiles.mgrs import Square

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

TOLERANCE_M: Final = 1.0
"""Corners farther than this from where arithmetic puts them are differences."""
_AT_180: Final = 1e-6
"""Degrees from 180 within which a corner is one of the cut there, not of the tile."""


@dataclass(kw_only=True)
class Agreement:
    """What was compared. `worst_m` is the largest distance of a corner from its place; `differences` by tile name."""

    tiles: int = 0
    cut_at_180: int = 0
    corners: int = 0
    worst_m: float = 0.0
    differences: dict[str, str] = field(default_factory=dict)
    squares: dict[int, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))
    """EPSG code to south-west corners of squares, metres."""


def rings_by_name(collection: Mapping[str, Any]) -> dict[str, list[NDArray[np.float64]]]:
    """Rings of each tile (lon, lat in degrees); a tile across 180 degrees has two.

    Raises:
        TilesError: not a collection of named polygons.
    """
    rings: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    try:
        for feature in collection["features"]:
            geometry = feature["geometry"]
            if geometry["type"] != "Polygon" or len(geometry["coordinates"]) != 1:
                raise TilesError(f"{feature['properties']['Name']}: expected a polygon without holes")
            rings[feature["properties"]["Name"]].append(np.array(geometry["coordinates"][0], dtype=np.float64)[:, :2])
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise TilesError(f"the file is not a GeoJSON list of tiles: {error!r}") from error
    return dict(rings)


def compare(rings: Mapping[str, Iterable[NDArray[np.float64]]]) -> Agreement:
    """Compare every tile; each that agrees adds its square.

    Raises:
        TilesError: a name is none of an MGRS square.
    """
    agreement = Agreement()
    for name, parts in sorted(rings.items()):
        square = Square.parse(name)
        points = np.concatenate(list(parts))
        own = points[np.abs(np.abs(points[:, 0]) - 180.0) > _AT_180]
        agreement.tiles += 1
        agreement.cut_at_180 += len(own) < len(points)
        _compare_one(square, np.unique(own, axis=0), agreement)
    return agreement


def _compare_one(square: Square, corners: NDArray[np.float64], agreement: Agreement) -> None:
    x, y = _forward(square.epsg).transform(corners[:, 0], corners[:, 1])
    northing = square.northing_near(float(np.max(y)) - SQUARE_M)
    west, south, east, north = bounds_of_tile(square.epsg // 100 * 100, square.easting, northing)
    places = np.array([(west, south), (west, north), (east, south), (east, north)], dtype=np.float64)
    away = np.hypot(x[:, None] - places[:, 0], y[:, None] - places[:, 1])
    worst = float(away.min(axis=1).max())
    low, high = square.latitudes
    if worst > TOLERANCE_M or len(set(away.argmin(axis=1).tolist())) < len(places):
        agreement.differences[square.name] = f"corners are up to {worst:.1f} m from those of a tile of {TILE_M} m there"
    elif corners[:, 1].max() < low or corners[:, 1].min() > high:
        agreement.differences[square.name] = f"lies outside its latitude band, {low:g} to {high:g}"
    else:
        agreement.corners += len(corners)
        agreement.worst_m = max(agreement.worst_m, worst)
        agreement.squares[square.epsg].add((square.easting, northing))


@cache
def _forward(epsg: int) -> Transformer:
    return Transformer.from_crs(4326, epsg, always_xy=True)
