"""The map of the area: its polygon, its cells and the scenes' footprints, in one plane."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from claylake.area.grid import Cell, lonlat_to_grid
from claylake.vocabulary import CELL_M
from spark.report.rows import MOST_CELLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Array = np.ndarray[Any, Any]
WIDTH = 1000
"""Of the map's cells, in units of the drawing; the finest step is a tenth."""
KM_PER_DEGREE = 111.32
MOST_FOOTPRINTS = 400


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Lon/lat as a plane: east and north are in scale to each other at the middle of the area.

    Attributes:
        lon: of the left edge, degrees; longitudes are taken within 180 degrees of it.
        lat: of the top edge, degrees.
        squeeze: cosine of the middle's latitude.
        scale: units for a degree of latitude.
        height: of the cells, in units.
    """

    lon: float
    lat: float
    squeeze: float
    scale: float
    height: float

    @classmethod
    def of(cls, lonlat: Array) -> Self:
        """The plane in which points, (n, 2), fill the width."""
        lon = _unwrapped(lonlat[:, 0], float(lonlat[0, 0]))
        lat = lonlat[:, 1]
        squeeze = math.cos(math.radians(float(lat.min() + lat.max()) / 2))
        wide, high = float(np.ptp(lon)) * squeeze, float(np.ptp(lat))
        scale = WIDTH / max(wide, high, 1e-6)
        return cls(lon=float(lon.min()), lat=float(lat.max()), squeeze=squeeze, scale=scale, height=high * scale)

    def points(self, lonlat: Array) -> Array:
        """(..., 2) lon/lat in degrees as x to the right and y down."""
        lon = _unwrapped(lonlat[..., 0], self.lon)
        x = (lon - self.lon) * self.squeeze * self.scale
        return np.stack([x, (self.lat - lonlat[..., 1]) * self.scale], axis=-1)

    @property
    def km(self) -> float:
        """Units for a kilometre."""
        return self.scale / KM_PER_DEGREE


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Squares of the map: cells, or blocks of `side` x `side` cells where cells are too many to draw.

    Attributes:
        side: cells along a block's edge; 1 where blocks are cells.
        names: cell id; of a block the lowest one of its cells.
        of: int (cells,), the block of each cell.
        corners: float64 (n, 4, 2), lon/lat.
    """

    side: int
    names: tuple[str, ...]
    of: Array
    corners: Array

    @classmethod
    def of_cells(cls, cells: Sequence[Cell], most: int = MOST_CELLS) -> Self:
        """Blocks of cells, at most about `most` of them; at least one cell."""
        side = 1 if len(cells) <= most else math.ceil(math.sqrt(len(cells) / most))
        places = np.array([(cell.epsg, cell.col // side, cell.row // side) for cell in cells])
        keys, first, of = np.unique(places, axis=0, return_index=True, return_inverse=True)
        of = of.reshape(-1)
        if side == 1:  # in the order of the cells
            keys, first, of = places, np.arange(len(cells)), np.arange(len(cells))
        return cls(
            side=side, names=tuple(cells[index].id for index in first), of=of, corners=_corners(keys, side * CELL_M)
        )


def _corners(keys: Array, size: int) -> Array:
    found = np.empty((len(keys), 4, 2))
    for epsg in np.unique(keys[:, 0]):
        mine = keys[:, 0] == epsg
        east = (keys[mine, 1, None] + np.array([0, 1, 1, 0])) * size
        north = (keys[mine, 2, None] + np.array([1, 1, 0, 0])) * size
        lon, lat = lonlat_to_grid(int(epsg)).transform(east, north, direction="INVERSE")
        found[mine] = np.stack([lon, lat], axis=-1)
    return found


def cell_paths(blocks: Blocks, plane: Plane) -> list[str]:
    """SVG path data of each block."""
    points = np.rint(plane.points(blocks.corners) * 10).astype(int)
    steps = np.diff(points, axis=1)
    return [
        f"M{_tenth(x)} {_tenth(y)}l" + " ".join(f"{_tenth(dx)} {_tenth(dy)}" for dx, dy in step) + "z"
        for (x, y), step in zip(points[:, 0].tolist(), steps.tolist(), strict=True)
    ]


def outline(geometry: Mapping[str, Any], plane: Plane) -> str:
    """SVG path data of a Polygon or MultiPolygon in lon/lat; empty for anything else."""
    coordinates = geometry.get("coordinates") or ()
    polygons = {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(str(geometry.get("type")), ())
    return "".join(_ring(ring, plane) for polygon in polygons for ring in polygon)


def _ring(ring: Any, plane: Plane) -> str:
    points = np.array([position[:2] for position in ring], np.float64)
    if len(points) < 3:
        return ""
    placed = np.rint(plane.points(points) * 10).astype(int).tolist()
    return "M" + "L".join(f"{_tenth(x)} {_tenth(y)}" for x, y in placed) + "z"


def footprints(scenes: Iterable[tuple[str, Mapping[str, Any]]], plane: Plane) -> dict[str, str]:
    """Pass to SVG path data of its scenes' footprints, each outline once, the first `MOST_FOOTPRINTS` of all.

    Args:
        scenes: pass and footprint (GeoJSON geometry) of each.
        plane: of the map.
    """
    found: dict[str, dict[str, None]] = defaultdict(dict)
    number = 0
    for pass_id, geometry in scenes:
        path = outline(geometry, plane)
        if path and path not in found[pass_id] and number < MOST_FOOTPRINTS:
            found[pass_id][path] = None
            number += 1
    return {pass_id: "".join(paths) for pass_id, paths in sorted(found.items()) if paths}


def scale_bar(plane: Plane) -> tuple[float, int]:
    """Length in units and in kilometres of a bar of a round number, about a quarter of the map."""
    fits = WIDTH / 4 / plane.km
    tens = 10 ** math.floor(math.log10(max(fits, 1)))
    km = max(number * tens for number in (1, 2, 5) if number * tens <= max(fits, 1))
    return km * plane.km, km


def _unwrapped(lon: Array, near: float) -> Array:
    moved: Array = (lon - near + 180.0) % 360.0 - 180.0 + near
    return moved


def _tenth(value: int) -> str:
    return f"{value // 10}" if value % 10 == 0 else f"{value / 10:.1f}"
