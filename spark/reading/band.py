"""One band's file, opened once; gives strips of neighbouring cells."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.windows import Window as RasterioWindow

from spark.reading.errors import MisalignedError, UnreadableError
from spark.reading.gdal import environment, path_of
from spark.reading.raster import Raster

if TYPE_CHECKING:
    from types import TracebackType

    from claylake.catalogue.scene import Asset

_log = logging.getLogger(__name__)


class _Crs(Protocol):
    def to_epsg(self) -> int | None: ...


class _Dataset(Protocol):
    """What is used here of rasterio's, which has no types of its own."""

    @property
    def crs(self) -> _Crs | None: ...
    @property
    def transform(self) -> tuple[float, ...]: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def dtypes(self) -> tuple[str, ...]: ...
    def read(self, index: int, *, window: object) -> NDArray[Any]: ...
    def close(self) -> None: ...


class Band:
    """A context manager over one file.

    Args:
        key: the asset's key.
        asset: its address, and how the item describes it.
        epsg: CRS that it must have.
        pixel_m: pixel size that it must have, metres.

    Raises (on entering):
        UnreadableError: the file cannot be opened.
        MisalignedError: it is not the raster that the item describes, or its pixels do not fit cells.
    """

    def __init__(self, key: str, asset: Asset, *, epsg: int, pixel_m: int) -> None:
        self.key = key
        self._asset = asset
        self._epsg = epsg
        self._pixel_m = pixel_m

    def __enter__(self) -> Self:
        with environment():
            try:
                self._dataset: _Dataset = rasterio.open(path_of(self._asset.href))
            except RasterioError as error:
                raise UnreadableError(self.key, str(error)) from error
        try:
            self.raster = self._checked()
        except MisalignedError:
            self._dataset.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._dataset.close()

    def _checked(self) -> Raster:
        dataset, asset = self._dataset, self._asset
        crs = dataset.crs.to_epsg() if dataset.crs else None
        raster = Raster.of(self.key, epsg=crs, transform=tuple(dataset.transform), shape=dataset.shape)
        if crs != self._epsg:
            raise MisalignedError(self.key, f"the file is in EPSG:{crs}, the item says {self._epsg}")
        if raster.pixel_m != self._pixel_m:
            raise MisalignedError(self.key, f"pixels of {raster.pixel_m} m, expected {self._pixel_m} m")
        if asset.transform is not None and tuple(asset.transform) != raster.transform:
            raise MisalignedError(self.key, f"the item says {asset.transform}, the file {raster.transform}")
        return raster

    def strip(self, *, col: int, row: int, cells: int) -> NDArray[Any]:
        """`cells` neighbouring cells of a grid row, from `col` eastwards.

        Args:
            col: of the westernmost cell, in the grid of the band's UTC zone.
            row: of all of them, in that grid.
            cells: how many.

        Returns:
            Array (cell, row, col) of the file's type, `raster.cell_px` pixels a side; 0 beyond the raster.

        Raises:
            UnreadableError: a block cannot be fetched or decoded.
        """
        window = self.raster.window(col=col, row=row, cells=cells)
        pixels = np.zeros((window.height, window.width), dtype=self._dataset.dtypes[0])
        part = self.raster.inside(window)
        if part is not None:
            top, left = part.row - window.row, part.col - window.col
            pixels[top : top + part.height, left : left + part.width] = self._read(
                part.col, part.row, part.width, part.height
            )
        return pixels.reshape(window.height, cells, -1).transpose(1, 0, 2)

    def _read(self, *window: int) -> NDArray[Any]:
        with environment():
            try:
                return self._dataset.read(1, window=RasterioWindow(*window))
            except RasterioIOError as error:
                raise UnreadableError(self.key, str(error.__cause__ or error)) from error
