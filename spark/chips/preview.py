"""A chip's true-colour picture: a small GeoTIFF that opens in QGIS at its place."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from claylake.area.grid import Cell
from claylake.vocabulary import BANDS, CHIP_PX, PIXEL_M
from spark.chips import tiff

RGB = tuple(BANDS.index(name) for name in ("red", "green", "blue"))
BRIGHTEST_DN = 3000
"""Harmonised DN (reflectance 0.3) shown as 255: the usual stretch of Sentinel-2's true-colour image."""
QUALITY = 90


def rgb(tensor: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """uint8 (3, row, col) of a chip: DN 0..3000 to 0..255, linear, rounded down, brighter ones cut off."""
    # In integers: 3000 * 255 needs 20 bits.
    pixels = np.minimum(tensor[list(RGB)], BRIGHTEST_DN).astype(np.uint32)
    scaled: NDArray[np.uint8] = (pixels * 255 // BRIGHTEST_DN).astype(np.uint8)
    return scaled


def geotiff(tensor: NDArray[np.uint16], cell: Cell) -> bytes:
    """The picture of a chip, JPEG-compressed, in the cell's UTM zone.

    Args:
        tensor: uint16 (band, row, col), harmonised DN.
        cell: whose pixels they are.
    """
    west, _, _, north = cell.bounds
    picture = Image.fromarray(np.ascontiguousarray(rgb(tensor).transpose(1, 2, 0)))
    with io.BytesIO() as file:
        picture.save(file, "JPEG", quality=QUALITY, subsampling="4:2:0")
        jpeg = file.getvalue()
    return tiff.geotiff(jpeg, CHIP_PX, tiff.Place(epsg=cell.epsg, west=west, north=north, pixel_m=PIXEL_M))
