"""What a band's file must be: one band of digital numbers, on the raster that the item describes.

A file that is something else could often be read all the same: reflectance would be cut to 0 and 1, -9999 would become
55537. So nothing is read before all of this holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from claylake.vocabulary import BANDS_10M, SCL_ASSET, SCL_HIGHEST
from spark.reading.errors import (
    BandCountError,
    MisalignedError,
    NodataTagError,
    PixelTypeError,
    PixelValueError,
    ScaleTagError,
)
from spark.reading.raster import Raster

if TYPE_CHECKING:
    from claylake.catalogue.scene import Asset

_FINE_M, _COARSE_M = 10, 20
_WIDE = ("uint16", "int16", "uint32", "int32", "uint64", "int64")
_NARROW = ("uint8", "int8")
SCALE, OFFSET = 0.0001, -0.1
"""Reflectance = DN x scale + offset: tags that files of Sentinel-2 L2A may carry, the offset since baseline 04.00."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a file says of itself.

    `bands`: how many. `pixel_type`: GDAL's name of it. `masked`: whether a mask beside the pixels says where there are
    data. `scale` and `offset`: reflectance = DN x scale + offset, by the file's tags; 1 and 0 without. `transform`: six
    numbers, in metres of `epsg`. `shape`: (rows, columns).
    """

    bands: int
    pixel_type: str
    nodata: float | None
    masked: bool
    scale: float
    offset: float
    epsg: int | None
    transform: tuple[float, ...]
    shape: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the file of one asset must be.

    `key` is the asset's. `epsg`: CRS. `pixel_m`: side of a pixel, metres. `types`: GDAL's names of pixel types, from
    which values are taken as `dtype` if none is above `highest` or below 0. `scaled`: whether a tag may say how digital
    numbers become reflectance.
    """

    key: str
    epsg: int
    pixel_m: int
    types: tuple[str, ...]
    dtype: type[np.uint8 | np.uint16]
    highest: int
    scaled: bool

    @classmethod
    def of(cls, key: str, epsg: int) -> Expected:
        """For a band, or for the scene classification."""
        if key == SCL_ASSET:
            return cls(
                key=key,
                epsg=epsg,
                pixel_m=_COARSE_M,
                types=(*_NARROW, *_WIDE),
                dtype=np.uint8,
                highest=SCL_HIGHEST,
                scaled=False,
            )
        return cls(
            key=key,
            epsg=epsg,
            pixel_m=_FINE_M if key in BANDS_10M else _COARSE_M,
            types=_WIDE,
            dtype=np.uint16,
            highest=np.iinfo(np.uint16).max,
            scaled=True,
        )

    def require_pixels(self, file: str, found: Description) -> None:
        """Refuse a file whose pixels are no digital numbers (or classes), with 0 for no data.

        Args:
            file: where it is, for messages.
            found: what the file says of itself.

        Raises:
            BandCountError, PixelTypeError, NodataTagError, ScaleTagError: in this order.
        """
        if found.bands != 1:
            raise BandCountError(self.key, file=file, found=f"{found.bands} bands", expected="1")
        if found.pixel_type not in self.types:
            expected = f"integers from 0 to {self.highest}, of a type that holds them ({', '.join(self.types)})"
            raise PixelTypeError(self.key, file=file, found=f"pixels of type {found.pixel_type}", expected=expected)
        if found.nodata not in (None, 0):
            raise NodataTagError(self.key, file=file, found=f"nodata {found.nodata:g}", expected="0 or none")
        if found.masked:
            raise NodataTagError(self.key, file=file, found="a mask of its own", expected="0 where there is no data")
        plain = (found.scale, found.offset) == (1, 0)
        if not plain and not (self.scaled and _is_reflectance(found.scale, found.offset)):
            tags = f"scale {found.scale:g} and offset {found.offset:g}"
            allowed = f"none, or scale {SCALE:g} with offset 0 or {OFFSET:g}" if self.scaled else "none"
            raise ScaleTagError(self.key, file=file, found=tags, expected=allowed)

    def require_raster(self, file: str, found: Description, asset: Asset) -> Raster:
        """The file's raster, if it is the one that the item describes.

        Args:
            file: where it is, for messages.
            found: what the file says of itself.
            asset: what the item says of it.

        Raises:
            MisalignedError: it is another one, or its pixels do not fit cells.
        """
        try:
            raster = Raster.of(epsg=found.epsg, transform=found.transform, shape=found.shape)
        except ValueError as error:
            raise self._misaligned(file, str(error), "whole pixels in each cell") from error
        if found.epsg != self.epsg:
            raise self._misaligned(file, f"EPSG:{found.epsg}", f"EPSG:{self.epsg}, as the item says")
        if raster.pixel_m != self.pixel_m:
            raise self._misaligned(file, f"pixels of {raster.pixel_m} m", f"{self.pixel_m} m")
        if asset.transform is not None and tuple(asset.transform) != raster.transform:
            raise self._misaligned(file, f"transform {raster.transform}", f"{asset.transform}, as the item says")
        if asset.shape is not None and tuple(asset.shape) != raster.shape:
            raise self._misaligned(file, f"{raster.shape} rows and columns", f"{asset.shape}, as the item says")
        return raster

    def require_values(self, file: str, pixels: NDArray[np.integer[Any]]) -> None:
        """Refuse pixels that hold what the asset cannot.

        Args:
            file: where it is, for messages.
            pixels: of one of `types`, at least one.

        Raises:
            PixelValueError: one is below 0 or above `highest`.
        """
        if pixels.dtype == self.dtype and np.iinfo(self.dtype).max == self.highest:
            return
        lowest, highest = int(pixels.min()), int(pixels.max())
        if lowest < 0 or highest > self.highest:
            found = f"a pixel of {lowest if lowest < 0 else highest}"
            raise PixelValueError(self.key, file=file, found=found, expected=f"0 to {self.highest}")

    def _misaligned(self, file: str, found: str, expected: str) -> MisalignedError:
        return MisalignedError(self.key, file=file, found=found, expected=expected)


def _is_reflectance(scale: float, offset: float) -> bool:
    return math.isclose(scale, SCALE, rel_tol=1e-6) and (offset == 0 or math.isclose(offset, OFFSET, rel_tol=1e-6))
