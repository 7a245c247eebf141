"""The cadastre: land cut again and again, first by roads, then into fields.

Convex polygons are cut across their longest side, a little off the right angle: the T
junctions, strips and slightly skewed blocks that make farmland look like farmland.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

Point = tuple[float, float]
Ring = list[Point]


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A line where land was divided; a road where the `area` (m2) of what was divided is large, else a track."""

    start: Point
    end: Point
    area: float


def area_of(ring: Ring) -> float:
    """Return the area of a convex ring, by the shoelace formula."""
    total = 0.0
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
        total += x0 * y1 - x1 * y0
    return abs(total) / 2


def centre_of(ring: Ring) -> Point:
    """Return the mean of a ring's corners."""
    return sum(x for x, _ in ring) / len(ring), sum(y for _, y in ring) / len(ring)


def divide(ring: Ring, wanted: Callable[[Point], float], rng: np.random.Generator) -> tuple[list[Ring], list[Cut]]:
    """Cut a convex ring until every piece is about as large as wanted at its centre.

    Args:
        ring: corners in metres.
        wanted: area in m2 for a piece around a point.
        rng: source of the cuts.
    """
    pieces: list[Ring] = []
    cuts: list[Cut] = []
    stack = [ring]
    while stack:
        piece = stack.pop()
        area = area_of(piece)
        if area <= wanted(centre_of(piece)) * rng.uniform(0.75, 1.9):
            pieces.append(piece)
            continue
        halves, cut = _cut(piece, area, rng)
        if len(halves) == 1:
            pieces.append(piece)
            continue
        cuts.append(cut)
        stack.extend(halves)
    return pieces, cuts


def strips(ring: Ring, width: float, rng: np.random.Generator) -> list[Ring]:
    """Cut a ring into parallel strips along its longest side.

    Args:
        ring: corners in metres.
        width: of a strip, about, metres.
        rng: source of the widths.
    """
    _, (dx, dy) = _longest(ring)
    across = [-dy * x + dx * y for x, y in ring]
    low, high = min(across), max(across)
    count = max(1, round((high - low) / width))
    steps = np.cumsum(rng.uniform(0.6, 1.4, count))
    left, rest = [], ring
    for offset in low + (high - low) * steps[:-1] / steps[-1]:
        strip, rest = (
            _side(rest, -dy, dx, float(offset), -1),
            _side(rest, -dy, dx, float(offset), 1),
        )
        left.append(strip)
    return [strip for strip in [*left, rest] if len(strip) > 2]


def heading(ring: Ring) -> float:
    """Return the direction of the longest side, radians from east: along it run the rows."""
    _, (dx, dy) = _longest(ring)
    return float(np.arctan2(dy, dx))


def _longest(ring: Ring) -> tuple[float, Point]:
    """Return the length and the unit direction of a ring's longest side."""
    best, direction = 0.0, (1.0, 0.0)
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        if length > best:
            best, direction = length, ((x1 - x0) / length, (y1 - y0) / length)
    return best, direction


def _cut(ring: Ring, area: float, rng: np.random.Generator) -> tuple[list[Ring], Cut]:
    _, (dx, dy) = _longest(ring)
    lean = rng.normal(0, 0.07)
    nx, ny = dx - dy * lean, dy + dx * lean
    along = [nx * x + ny * y for x, y in ring]
    offset = min(along) + (max(along) - min(along)) * rng.uniform(0.36, 0.64)
    halves = [_side(ring, nx, ny, offset, sign) for sign in (-1, 1)]
    ends = [point for point in halves[0] if abs(nx * point[0] + ny * point[1] - offset) < 1e-3]
    whole = [half for half in halves if len(half) > 2]
    if len(whole) < 2 or len(ends) < 2:
        return [ring], Cut(start=ring[0], end=ring[0], area=area)
    return whole, Cut(start=ends[0], end=ends[-1], area=area)


def _side(ring: Ring, nx: float, ny: float, offset: float, sign: int) -> Ring:
    """Return the part of a ring on one side of the line n . p = offset."""
    return list(_clipped(ring, lambda p: sign * (nx * p[0] + ny * p[1] - offset)))


def _clipped(ring: Ring, inside: Callable[[Point], float]) -> Iterator[Point]:
    """Yield the corners of a ring where `inside` is not negative (Sutherland and Hodgman 1974)."""
    for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
        da, db = inside(a), inside(b)
        if da >= 0:
            yield a
        if (da > 0 > db) or (da < 0 < db):
            t = da / (da - db)
            yield a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])
