"""How many cells an AOI has, from its area on the ellipsoid: in moments, whatever its size, and without libraries."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from claylake.area.grid import LATITUDES, ZONE_DEGREES
from claylake.vocabulary import CELL_M

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    _Ring = Sequence[Sequence[float]]

A_M: Final = 6_378_137.0
E2: Final = 0.00669437999014
"""WGS 84: semi-major axis and squared eccentricity (NIMA TR8350.2, 2000, table 3.1)."""
_E: Final = math.sqrt(E2)
_GAUSS: Final = ((-math.sqrt(0.6), 5 / 18), (0.0, 8 / 18), (math.sqrt(0.6), 5 / 18))
"""Places in -1..1 and weights of the quadrature with three points."""
_BESIDE: Final = 1e-9
"""Degrees: a border on the AOI's own edge counts, on whichever side the AOI lies."""
_ROWS_AT_EQUATOR: Final = 0.75
"""The northern grid has a row south of the equator, the southern one ends a quarter of a row before it."""
_NORWAY: Final = (56.0, 64.0)
_SVALBARD: Final = (72.0, LATITUDES[1])
_BORDERS: Final[Mapping[int, Sequence[tuple[float, float]]]] = {
    3: (_NORWAY,),
    6: ((LATITUDES[0], 56.0), (64.0, 72.0)),
    **dict.fromkeys((9, 21, 33), (_SVALBARD,)),
    **dict.fromkeys((12, 18, 24, 30, 36), ((LATITUDES[0], 72.0),)),
}
"""Latitudes in which these meridians are borders of zones; every other sixth degree is one everywhere."""


def expected_cells(geometry: Mapping[str, Any]) -> int:
    """About how many cells overlap a polygon: on average over all ways to lay the grid, and never none.

    A region of area A, w wide and h high, meets (A + c (w + h)) / c^2 + 1 squares of side c on average (a square
    meets it where their Minkowski sum holds the square's corner; Santalo, Integral Geometry, 1976, part II). Along
    each border of zones both zones have cells. Edges are straight in lon/lat; of a ragged edge, turns smaller than
    half a cell count for nothing.

    Args:
        geometry: GeoJSON Polygon or MultiPolygon, lon/lat degrees.
    """
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    metres = area = 0.0
    for polygon in polygons:
        outer, *holes = polygon
        area += abs(_area(outer)) - sum(abs(_area(hole)) for hole in holes)
        metres += sum(_across_and_up(ring) / 2 for ring in polygon)
    rings = [ring for polygon in polygons for ring in polygon]
    metres += _borders(rings) + _ROWS_AT_EQUATOR * _equator(rings)
    return math.ceil(area / CELL_M**2 + metres / CELL_M + len(polygons))


def _area(ring: _Ring) -> float:
    """Square metres of the ellipsoid inside a ring; negative where it runs counter-clockwise."""
    total = 0.0
    for (west, south), (east, north) in _edges(ring):
        middle, half = (north + south) / 2, (north - south) / 2
        total += math.radians(east - west) * sum(weight * _strip(middle + place * half) for place, weight in _GAUSS)
    return total


def _strip(lat: float) -> float:
    """Square metres between the equator and a latitude, for a radian of longitude (Snyder, PP 1395, 1987, 3-12)."""
    sine = math.sin(math.radians(lat))
    return A_M**2 * (1 - E2) / 2 * (sine / (1 - E2 * sine**2) + math.atanh(_E * sine) / _E)


def _across_and_up(ring: _Ring) -> float:
    """Metres that the ring runs east or west, and north or south."""
    total, (lon, lat) = 0.0, ring[0][:2]
    for place, point in enumerate(ring[1:], start=2):
        parallel, meridian = _degree_m((lat + point[1]) / 2)
        step = abs(point[0] - lon) * parallel + abs(point[1] - lat) * meridian
        if step >= CELL_M / 2 or place == len(ring):
            total += step
            lon, lat = point[:2]
    return total


def _degree_m(lat: float) -> tuple[float, float]:
    """Metres of a degree of longitude and of latitude there."""
    sine = math.sin(math.radians(lat))
    curve = 1 - E2 * sine**2
    parallel = A_M * math.cos(math.radians(lat)) / math.sqrt(curve)
    return math.radians(parallel), math.radians(A_M * (1 - E2) / curve**1.5)


def _borders(rings: Sequence[_Ring]) -> float:
    """Metres of zone borders inside the rings or on their edges."""
    lengths: defaultdict[int, float] = defaultdict(float)
    for side in (-_BESIDE, _BESIDE):
        crossings: defaultdict[int, list[float]] = defaultdict(list)
        for ring in rings:
            for (lon, lat), (lon_2, lat_2) in _edges(ring):
                for border in _between(lon - side, lon_2 - side):
                    crossings[border].append(lat + (border + side - lon) / (lon_2 - lon) * (lat_2 - lat))
        for border, lats in crossings.items():
            lengths[border] = max(lengths[border], _along(border, sorted(lats)))
    # Of an AOI on both sides of 180 degrees, the outlines of its parts have that border already.
    return abs(lengths.pop(180, 0.0) - lengths.pop(-180, 0.0)) + sum(lengths.values())


def _between(start: float, end: float) -> Iterator[int]:
    """Longitudes that may be borders, half-open between two."""
    west, east = sorted((start, end))
    for border in range(math.ceil(west / 3) * 3, math.ceil(east), 3):
        if border % ZONE_DEGREES == 0 or border in _BORDERS:
            yield border


def _along(border: int, lats: Sequence[float]) -> float:
    """Metres of a border between every second latitude and the next."""
    total = 0.0
    for south, north in zip(lats[::2], lats[1::2], strict=False):
        for low, high in _BORDERS.get(border, ((-90.0, 90.0),)):
            inside = min(north, high) - max(south, low)
            total += max(inside, 0.0) * _degree_m((south + north) / 2)[1]
    return total


def _equator(rings: Sequence[_Ring]) -> float:
    """Metres of the equator inside the rings."""
    lons = sorted(
        lon - lat / (lat_2 - lat) * (lon_2 - lon)
        for ring in rings
        for (lon, lat), (lon_2, lat_2) in _edges(ring)
        if (lat < 0) != (lat_2 < 0)
    )
    degrees = sum(east - west for west, east in zip(lons[::2], lons[1::2], strict=False))
    return degrees * _degree_m(0.0)[0]


def _edges(ring: _Ring) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Both ends of each edge."""
    for one, two in pairwise(ring):
        yield (one[0], one[1]), (two[0], two[1])
