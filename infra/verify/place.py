"""Where a chip must lie: its cell's corners by pyproj, against the row's geometry, bbox, geohash and picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pygeohash
import shapely
from pyproj import Transformer
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from infra.verify.rules import PIXELS

SIDE_M = 2560
_EXACT_M = 0.01
_BENT_M = 2.0
"""A straight line in lon/lat bends by less than this beside a cell's edge."""
_DEGREES = 1e-7


@lru_cache(maxsize=8)
def _to_lonlat(epsg: int) -> Transformer:
    return Transformer.from_crs(f"EPSG:{epsg}", "OGC:CRS84")


def bounds(col: int, row: int) -> tuple[int, int, int, int]:
    """(west, south, east, north) of a cell, metres of its zone."""
    return col * SIDE_M, row * SIDE_M, (col + 1) * SIDE_M, (row + 1) * SIDE_M


def misplaced(chip: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the place of a row of `chips`, in words; nothing where all is right."""
    epsg, col, row = chip["epsg"], chip["col"], chip["row"]
    if chip["cell_id"] != f"{epsg}_{col}_{row}" or chip["id"] != f"{chip['cell_id']}_{chip['pass']}":
        yield f"id, cell_id {chip['cell_id']} and epsg {epsg}, col {col}, row {row} do not agree"
    west, south, east, north = bounds(col, row)
    yield from _outline(chip["geometry"], epsg, (west, south, east, north))
    xs, ys = np.array([west, east, east, west], float), np.array([south, south, north, north], float)
    lon, lat = _to_lonlat(epsg).transform(xs, ys)
    across = np.ptp(lon) > 180
    unrolled = np.where(lon < 0, lon + 360, lon) if across else lon
    box = (unrolled.min(), lat.min(), unrolled.max() - (360 if across else 0), lat.max())
    yield from (
        f"{name} is {chip[name]}, by pyproj {value:.9f}"
        for name, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
        if not math.isclose(chip[name], value, abs_tol=_DEGREES)
    )
    middle = _to_lonlat(epsg).transform((west + east) / 2, (south + north) / 2)
    geohash = pygeohash.encode(middle[1], middle[0], precision=7)
    if chip["geohash"] != geohash:
        yield f"geohash is {chip['geohash']}, of the cell's centre {geohash}"
    yield from _picture(chip["geotiff"], epsg, west, north)


def _outline(geometry: bytes, epsg: int, cell: tuple[int, int, int, int]) -> Iterator[str]:
    try:
        outline = shapely.from_wkb(geometry)
    except (shapely.GEOSException, TypeError) as error:
        yield f"geometry is no WKB: {error}"
        return
    square = shapely.box(*cell)

    def to_metres(lonlat: Any) -> Any:
        return np.column_stack(_to_lonlat(epsg).transform(lonlat[:, 0], lonlat[:, 1], direction="INVERSE"))

    flat = shapely.transform(outline, to_metres)
    coordinates = shapely.get_coordinates(flat)
    points = shapely.points(coordinates)
    if not coordinates.size or not np.isfinite(coordinates).all():
        yield "geometry is not in the cell's zone"
        return
    corners = [shapely.distance(points, shapely.Point(corner)).min() for corner in square.exterior.coords]
    farthest = max(shapely.distance(square.exterior, points).max(), 0.0)
    if max(corners) > _EXACT_M or farthest > _BENT_M or not math.isclose(flat.area, square.area, rel_tol=1e-3):
        yield f"geometry is not the cell: a corner is {max(corners):.2f} m off, its area {flat.area / 1e6:.4f} km2"


def _picture(geotiff: bytes, epsg: int, west: float, north: float) -> Iterator[str]:
    try:
        with MemoryFile(geotiff) as memory, memory.open() as picture:
            place = tuple(picture.transform)[:6], picture.crs.to_epsg() if picture.crs else None, picture.shape
    except (RasterioError, TypeError) as error:
        yield f"geotiff cannot be opened: {error}"
        return
    if place != ((10.0, 0.0, west, 0.0, -10.0, north), epsg, (PIXELS, PIXELS)):
        yield f"geotiff lies at {place}"
