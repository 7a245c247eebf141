"""Generated scenes whose pixels encode their own coordinates: reading one back proves its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine

from claylake.catalogue.scene import Asset, Scene
from claylake.vocabulary import BANDS, BANDS_10M, SCL_ASSET

VEGETATION = 4
Paint = Callable[[str, np.ndarray, np.ndarray], np.ndarray]


def coordinates(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """DN of pixels at the pixel numbers `x` (east of easting 0) and `y` (north of northing 0): never below 1001."""
    if key == SCL_ASSET:
        return np.broadcast_to(np.uint8(VEGETATION), np.broadcast_shapes(x.shape, y.shape))
    number = BANDS.index(key)
    along = x if number % 2 else y
    return ((along * 3 + number * 101) % 60_000 + 1_001).astype(np.uint16) + 0 * (x + y).astype(np.uint16)


def noise(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pixels that do not compress, so that no file fits into the read of its header."""
    numbers = np.random.default_rng(len(key)).integers(1, 12 if key == SCL_ASSET else 9000, (y.size, x.size))
    return numbers.astype(np.uint8 if key == SCL_ASSET else np.uint16)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Where a generated scene lies: corner in metres, side in metres (multiples of 20)."""

    epsg: int = 32629
    west: int = 399_960
    north: int = 3_440_040
    side: int = 6_000

    def numbers(self, pixel_m: int) -> tuple[np.ndarray, np.ndarray]:
        """(x, y) pixel numbers, as a row and a column."""
        count = self.side // pixel_m
        x = self.west // pixel_m + np.arange(count)[None, :]
        y = self.north // pixel_m - 1 - np.arange(count)[:, None]
        return x, y


def paint(folder: Path, sheet: Sheet = Sheet(), paint: Paint = coordinates, **fields: Any) -> Scene:
    """Write a scene's files and give the scene."""
    name = fields.get("id", "S2A_T29RMP_20200219T112111_L2A")
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    assets = {}
    for key in (*BANDS, SCL_ASSET):
        pixel_m = 10 if key in BANDS_10M else 20
        x, y = sheet.numbers(pixel_m)
        pixels = np.ascontiguousarray(np.broadcast_to(paint(key, x, y), (y.size, x.size)))
        transform = Affine(pixel_m, 0, sheet.west, 0, -pixel_m, sheet.north)
        path = folder / f"{key}.tif"
        write(path, pixels, sheet.epsg, transform)
        assets[key] = Asset(href=str(path), transform=tuple(transform)[:6], shape=pixels.shape)
    return Scene(**(FIELDS | {"epsg": sheet.epsg, "assets": assets, "footprint": footprint(sheet)} | fields))


def write(path: Path, pixels: np.ndarray, epsg: int, transform: Affine, **options: Any) -> None:
    """One band's file: integers, 0 where there is no data, if `options` of rasterio do not say otherwise."""
    usual = {"count": 1, "dtype": pixels.dtype, "compress": "deflate", "zlevel": 1, "nodata": 0}
    if np.issubdtype(pixels.dtype, np.integer):
        usual["predictor"] = 2
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=pixels.shape[0],
        width=pixels.shape[1],
        crs=f"EPSG:{epsg}",
        transform=transform,
        tiled=True,
        blockxsize=256,
        blockysize=256,
        **(usual | options),
    ) as file:
        for band in range(1, file.count + 1):
            file.write(pixels, band)


def footprint(sheet: Sheet) -> dict[str, Any]:
    from pyproj import Transformer

    back = Transformer.from_crs(sheet.epsg, 4326, always_xy=True)
    west, north, east, south = sheet.west, sheet.north, sheet.west + sheet.side, sheet.north - sheet.side
    ring = [
        back.transform(x, y) for x, y in [(west, north), (east, north), (east, south), (west, south), (west, north)]
    ]
    return {"type": "Polygon", "coordinates": [ring]}


FIELDS: dict[str, Any] = {
    "id": "S2A_T29RMP_20200219T112111_L2A",
    "collection": "sentinel-2-c1-l2a",
    "pass_id": "S2A_20200219T112111",
    "datetime": datetime(2020, 2, 19, 11, 34, 25, 405000, tzinfo=UTC),
    "updated": "2023-06-01T00:00:00Z",
    "platform": "sentinel-2a",
    "baseline": "05.00",
    "cloud_cover": 1.0,
    "boa_offset_applied": None,
    "sequence": "0",
}


def bare(**fields: Any) -> Scene:
    """A scene without files."""
    return Scene(**(FIELDS | {"epsg": 32629, "assets": {}, "footprint": footprint(Sheet())} | fields))
