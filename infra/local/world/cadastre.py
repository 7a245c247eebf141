"""Parcels, roads and settlements as rasters at 10 m."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import LineString

from infra.local.world.noise import Field, fractal, generator
from infra.local.world.parcels import Cut, Point, Ring, centre_of, divide, heading, strips
from infra.local.world.place import PIXEL_M, Box

LANE, ROAD, STREET = 1, 2, 3
_PAD = 40
_Coordinate = TypeVar("_Coordinate", float, Field)
_Number = TypeVar("_Number", np.int32, np.uint8)
_BLOCK_M2, _ROAD_M2 = 0.85e6, 7e6


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """A built-up place: an ellipse.

    Attributes:
        centre: easting and northing, metres.
        radius: of the circle of equal area, metres.
        stretch: square root of long axis over short axis.
        turn: direction of the long axis, radians from east.
    """

    centre: Point
    radius: float
    stretch: float
    turn: float

    def away(self, east: _Coordinate, north: _Coordinate) -> _Coordinate:
        """Return the distance from the centre in radii, of an ellipse of equal area."""
        x, y = east - self.centre[0], north - self.centre[1]
        cos, sin = float(np.cos(self.turn)), float(np.sin(self.turn))
        along, across = (x * cos + y * sin) / self.stretch, (y * cos - x * sin) * self.stretch
        return np.hypot(along, across) / np.float32(self.radius)


@dataclass(frozen=True, kw_only=True)
class Cadastre:
    """Who owns which pixel.

    Attributes:
        parcel: parcel number of each pixel, `(row, col)` int32, from 0.
        ways: LANE, ROAD, STREET or 0, `(row, col)` uint8.
        built: how far inside a settlement a pixel lies, above 0 inside, `(row, col)`.
        centres: `(parcel, 2)` easting and northing of parcels, metres.
        headings: `(parcel,)` direction of the rows, radians from east.
    """

    parcel: NDArray[np.int32]
    ways: NDArray[np.uint8]
    built: Field
    centres: NDArray[np.float64]
    headings: NDArray[np.float64]


def survey(seed: int, extent: Box) -> Cadastre:
    """Divide an extent into parcels with the ways between them."""
    rng = generator(seed, "cadastre")
    blocks, cuts = divide(_around(extent), lambda _: _BLOCK_M2, rng)
    places = _settle(extent, cuts, rng)
    rings: list[Ring] = []
    for block in blocks:
        rings.extend(_fields(block, places, cuts, rng))
    bent = _bend(seed, extent.shape)
    parcel = _draw(extent, [(_polygon(ring), i) for i, ring in enumerate(rings)], np.int32)
    lines = sorted(((_kind(cut), cut) for cut in cuts), key=lambda kc: kc[0] != STREET)
    ways = _draw(extent, [(_line(cut, kind), kind) for kind, cut in lines if kind], np.uint8)
    return Cadastre(
        parcel=parcel[bent],
        ways=ways[bent],
        built=_built(seed, extent, places),
        centres=np.array([centre_of(ring) for ring in rings]),
        headings=np.array([heading(ring) for ring in rings]),
    )


def _around(extent: Box) -> Ring:
    """Return a turned rectangle around the extent: fields do not follow the map's north."""
    x, y = (extent.west + extent.east) / 2, (extent.south + extent.north) / 2
    half, turn = 0.75 * max(extent.east - extent.west, extent.north - extent.south), 0.31
    corners = ((-half, -half), (half, -half), (half, half), (-half, half))
    cos, sin = np.cos(turn), np.sin(turn)
    return [(float(x + a * cos - b * sin), float(y + a * sin + b * cos)) for a, b in corners]


def _settle(extent: Box, cuts: list[Cut], rng: np.random.Generator) -> list[Settlement]:
    """Put a town by the river and villages where roads meet."""
    span = min(extent.east - extent.west, extent.north - extent.south)
    size = min(1.0, span / 26_000)
    town = (extent.west + 0.4 * (extent.east - extent.west), extent.south + 0.46 * span)
    places = [Settlement(centre=town, radius=1450 * size + 200, stretch=1.18, turn=0.4)]
    junctions = [cut.start for cut in cuts if cut.area > _ROAD_M2 / 2.5]
    for index in rng.permutation(len(junctions)):
        x, y = junctions[index]
        inside = extent.west < x < extent.east and extent.south < y < extent.north
        clear = all(np.hypot(x - p.centre[0], y - p.centre[1]) > 1700 + 1.1 * p.radius for p in places)
        if inside and clear and len(places) < 1 + 34 * size:
            radius, stretch, turn = rng.uniform((170, 1.0, 0.0), (500, 1.45, np.pi))
            village = Settlement(centre=(x, y), radius=radius, stretch=stretch, turn=turn)
            places.append(village)
    return places


def _fields(block: Ring, places: list[Settlement], cuts: list[Cut], rng: np.random.Generator) -> list[Ring]:
    """Divide a block into fields, or into plots and streets where people live."""

    def wanted(point: Point) -> float:
        near = min(float(place.away(*point)) for place in places)
        return 9e3 if near < 1.3 else typical

    typical = float(np.exp(rng.normal(np.log(1.15e5), 0.55)))
    pieces, inner = divide(block, wanted, rng)
    cuts.extend(cut for cut in inner if cut.area < 4e4 or cut.area > 3e5)
    out: list[Ring] = []
    for piece in pieces:
        field = wanted(centre_of(piece)) == typical
        if field and rng.random() < 0.75:
            out.extend(strips(piece, float(rng.uniform(55, 190)), rng))
        else:
            out.append(piece)
    return out


def _kind(cut: Cut) -> int:
    if cut.area > _ROAD_M2:
        return ROAD
    return LANE if cut.area > 3e5 else STREET if cut.area < 4e4 else 0


def _polygon(ring: Ring) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def _line(cut: Cut, kind: int) -> object:
    line = LineString([cut.start, cut.end])
    return line.buffer(9) if kind == ROAD else line


def _draw(extent: Box, shapes: list[tuple[object, int]], kind: type[_Number]) -> NDArray[_Number]:
    rows, cols = extent.shape
    origin = Affine(PIXEL_M, 0, extent.west - _PAD * PIXEL_M, 0, -PIXEL_M, extent.north + _PAD * PIXEL_M)
    out = np.zeros((rows + 2 * _PAD, cols + 2 * _PAD), dtype=kind)
    rasterize(shapes, out=out, transform=origin)
    return out


def _bend(seed: int, shape: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each pixel looks in the straight drawing, so that lines bend a little."""
    rows, cols = shape
    out = []
    for axis, count in ((0, rows), (1, cols)):
        far = fractal(generator(seed, "bend", axis), shape, longest=256, shortest=128)
        near = fractal(generator(seed, "wave", axis), shape, longest=32, shortest=16)
        line = np.arange(count, dtype=np.float32) + _PAD
        at = (line[:, None] if axis == 0 else line[None, :]) + 9 * far + np.float32(0.7) * near
        out.append(np.clip(np.rint(at), 0, count + 2 * _PAD - 1).astype(np.intp))
    return out[0], out[1]


def _built(seed: int, extent: Box, places: list[Settlement]) -> Field:
    """Return how far inside a settlement pixels are: 1 at its centre, 0 at its ragged edge."""
    shape = extent.shape
    east = extent.west + (np.arange(shape[1], dtype=np.float32) + 0.5) * PIXEL_M
    north = extent.north - (np.arange(shape[0], dtype=np.float32) + 0.5) * PIXEL_M
    out = np.full(shape, -1, dtype=np.float32)
    for place in places:
        reach = 2.1 * place.radius
        rows = np.flatnonzero(np.abs(north - place.centre[1]) < reach)
        cols = np.flatnonzero(np.abs(east - place.centre[0]) < reach)
        if rows.size and cols.size:
            part = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
            away = place.away(east[part[1]][None], north[part[0]][:, None])
            out[part] = np.maximum(out[part], 1 - away)
    out += np.float32(0.24) * fractal(generator(seed, "edge"), shape, longest=64, shortest=8)
    return out
