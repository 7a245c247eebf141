"""Rivers, creeks and lakes as outlines in metres."""

from dataclasses import dataclass

import numpy as np
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from infra.world.noise import generator
from infra.world.place import Box


@dataclass(frozen=True, kw_only=True)
class Waters:
    """Water of the landscape, in projected metres.

    Attributes:
        river: the river's surface.
        line: the river's middle line.
        creeks: lines too narrow to show water, wide enough to grow trees.
        lakes: the lake, and the ponds of old gravel pits along the river.
    """

    river: BaseGeometry
    line: LineString
    creeks: tuple[LineString, ...]
    lakes: BaseGeometry


def spill_waters(seed: int, extent: Box) -> Waters:
    """Return the waters of an extent."""
    rng = generator(seed, "waters")
    span = min(extent.north - extent.south, extent.east - extent.west)
    size = min(1.0, span / 26_000)
    line = _meander(rng, extent, start=(-0.04, 0.42), heading=-0.22, wave=1100 + 1700 * size)
    river = line.buffer(16 + 30 * size, cap_style="flat")
    lake = blob(rng, extent.at(0.27, 0.17), 0.052 * span, stretch=1.9, turn=0.7)
    ponds = [
        blob(rng, _beside(line, t, side * (260 + 160 * size)), (60 + 80 * size) * grow, 1.4, t * 6)
        for t, side, grow in ((0.3, 1, 1.1), (0.36, 1, 0.7), (0.62, -1, 1.0), (0.83, 1, 0.8))
    ]
    creeks = tuple(
        _meander(rng, extent, start=start, heading=turn, wave=500.0)
        for start, turn in (((0.12, 1.02), -1.15), ((0.62, -0.03), 1.9), ((-0.02, 0.8), 0.15))
    )
    return Waters(river=river, line=line, creeks=creeks, lakes=unary_union([lake, *ponds]))


def blob(
    rng: np.random.Generator,
    centre: tuple[float, float],
    radius: float,
    stretch: float = 1.0,
    turn: float = 0.0,
    rough: float = 1.0,
) -> Polygon:
    """Return an irregular closed outline: an ellipse with a few random harmonics.

    Args:
        rng: source of the outline.
        centre: easting and northing, metres.
        radius: metres, before stretching.
        stretch: long axis over short axis.
        turn: direction of the long axis, radians from east.
        rough: strength of the harmonics.
    """
    angle = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    r = np.ones_like(angle)
    for order in range(2, 16):
        phase, strength = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.24 * rough / order**1.1)
        r += strength * np.cos(order * angle + phase)
    x = radius * np.sqrt(stretch) * np.maximum(r, 0.25) * np.cos(angle)
    y = radius / np.sqrt(stretch) * np.maximum(r, 0.25) * np.sin(angle)
    east = centre[0] + x * np.cos(turn) - y * np.sin(turn)
    north = centre[1] + x * np.sin(turn) + y * np.cos(turn)
    return Polygon(np.column_stack([east, north])).buffer(0)


def _meander(
    rng: np.random.Generator,
    extent: Box,
    start: tuple[float, float],
    heading: float,
    wave: float,
) -> LineString:
    """Return a sine-generated curve: what a river's course tends to (Langbein and Leopold 1966)."""
    step = 40.0
    count = int(3.2 * (extent.east - extent.west) / step)
    s = np.arange(count) * step
    # The length and the strength of the bends drift along the course.
    drift = np.interp(s, np.linspace(0, s[-1], 24), rng.normal(0, 1, 24))
    phase = 2 * np.pi * np.cumsum(step / (wave * np.exp(0.5 * drift)))
    swing = np.interp(s, np.linspace(0, s[-1], 22), rng.uniform(0.1, 1.6, 22))
    course = heading + np.interp(s, np.linspace(0, s[-1], 9), rng.normal(0, 0.24, 9))
    angle = course + swing * np.sin(phase)
    x, y = extent.at(*start)
    points = np.column_stack([x + np.cumsum(step * np.cos(angle)), y + np.cumsum(step * np.sin(angle))])
    return LineString(points)


def _beside(line: LineString, fraction: float, offset: float) -> tuple[float, float]:
    """Return a point `offset` m to the left of a line, at a fraction of its first third."""
    at = fraction * line.length * 0.4
    a, b = line.interpolate(at - 20), line.interpolate(at + 20)
    dx, dy = b.x - a.x, b.y - a.y
    length = float(np.hypot(dx, dy)) or 1.0
    return a.x - dy / length * offset, a.y + dx / length * offset
