"""Parcels, roads and settlements as rasters at 10 m."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import LineString

from claylake.vocabulary import PIXEL_M
from infra.world.ground.parcels import Cut, Point, Ring, centre_of, divide, heading, strips
from infra.world.ground.settlements import Settlement, builtness, settle
from infra.world.noise import Field, fractal, generator
from infra.world.place import Box

LANE, ROAD, STREET = 1, 2, 3
_PAD = 40
_Number = TypeVar("_Number", np.int32, np.uint8)
_BLOCK_M2, _ROAD_M2, _PLOT_M2 = 0.85e6, 7e6, 9e3


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
    places = settle(extent, [cut.start for cut in cuts if cut.area > _ROAD_M2 / 2.5], rng)
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
        built=builtness(seed, extent, places),
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


def _fields(block: Ring, places: list[Settlement], cuts: list[Cut], rng: np.random.Generator) -> list[Ring]:
    """Divide a block into fields, or into plots and streets where people live."""
    x, y = centre_of(block)
    # A block's pieces lie within about its own width: settlements farther off do not matter.
    near = [p for p in places if np.hypot(x - p.centre[0], y - p.centre[1]) < 2.2 * p.radius + 1600]

    def wanted(point: Point) -> float:
        built = any(place.away(*point) < 1.3 for place in near)
        return _PLOT_M2 if built else typical

    typical = float(np.exp(rng.normal(np.log(1.15e5), 0.55)))
    pieces, inner = divide(block, wanted, rng)
    cuts.extend(cut for cut in inner if cut.area < 4e4 or cut.area > 3e5)
    out: list[Ring] = []
    for piece in pieces:
        field = wanted(centre_of(piece)) != _PLOT_M2
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
