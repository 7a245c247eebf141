"""Cloud-optimised GeoTIFFs as Earth Search publishes them."""

from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.shutil import copy

_SMALLEST = 128
"""Overviews stop where the longer side would fall below this."""


def write_cog(path: Path, array: NDArray[Any], *, origin: tuple[float, float], pixel: int, epsg: int) -> None:
    """Write one band: deflate with predictor 2, square blocks, overviews, nodata 0.

    Overviews begin at a quarter: the half-size one alone would be a quarter of every file.

    Args:
        path: file to write.
        array: `(row, col)`, uint16 for a band, uint8 for the SCL.
        origin: easting and northing of the upper left corner, metres.
        pixel: side of a pixel, metres.
        epsg: code of the UTM zone.

    Raises:
        rasterio.errors.RasterioError: if GDAL cannot write it.
    """
    rows, cols = array.shape
    longer = max(rows, cols)
    profile = {
        "driver": "GTiff",
        "height": rows,
        "width": cols,
        "count": 1,
        "dtype": array.dtype,
        "nodata": 0,
        "crs": f"EPSG:{epsg}",
        "transform": Affine(pixel, 0, origin[0], 0, -pixel, origin[1]),
    }
    classes = array.dtype == np.uint8
    with MemoryFile() as memory, memory.open(**profile) as draft:
        draft.write(array, 1)
        factors = [factor for factor in (4, 8, 16) if longer // factor >= _SMALLEST]
        draft.build_overviews(factors, Resampling.mode if classes else Resampling.average)
        copy(
            draft,
            path,
            driver="COG",
            compress="DEFLATE",
            level="1",
            predictor="YES",
            blocksize="1024" if longer > 1024 else "512",
            overviews="FORCE_USE_EXISTING",
            num_threads="1",
            bigtiff="NO",
        )
