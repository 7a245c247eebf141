"""A town and its villages."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from claylake.vocabulary import PIXEL_M
from infra.world.ground.parcels import Point
from infra.world.noise import Field, fractal, generator
from infra.world.place import Box


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

    def away(self, east: Any, north: Any) -> Any:
        """Return the distance of points (metres, numbers or arrays) from the centre, 1 at the ellipse."""
        x, y = east - self.centre[0], north - self.centre[1]
        cos, sin = float(np.cos(self.turn)), float(np.sin(self.turn))
        along, across = (x * cos + y * sin) / self.stretch, (y * cos - x * sin) * self.stretch
        return np.hypot(along, across) / np.float32(self.radius)


def settle(extent: Box, junctions: list[Point], rng: np.random.Generator) -> list[Settlement]:
    """Put a town near the river and villages at some of the places where roads meet.

    Args:
        extent: of the world.
        junctions: eastings and northings where roads meet, metres.
        rng: source of the choice and of the villages' shapes.
    """
    span = min(extent.east - extent.west, extent.north - extent.south)
    size = min(1.0, span / 26_000)
    town = (extent.west + 0.4 * (extent.east - extent.west), extent.south + 0.46 * span)
    places = [Settlement(centre=town, radius=1450 * size + 200, stretch=1.18, turn=0.4)]
    for index in rng.permutation(len(junctions)):
        x, y = junctions[index]
        inside = extent.west < x < extent.east and extent.south < y < extent.north
        clear = all(np.hypot(x - p.centre[0], y - p.centre[1]) > 1700 + 1.1 * p.radius for p in places)
        if inside and clear and len(places) < 1 + 34 * size:
            radius, stretch, turn = rng.uniform((170, 1.0, 0.0), (500, 1.45, np.pi))
            village = Settlement(centre=(x, y), radius=radius, stretch=stretch, turn=turn)
            places.append(village)
    return places


def builtness(seed: int, extent: Box, places: list[Settlement]) -> Field:
    """Return how far inside a settlement pixels are: 1 at its centre, 0 at its ragged edge.

    Args:
        seed: the world's.
        extent: of the world; the result has its shape at 10 m.
        places: the settlements.
    """
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
