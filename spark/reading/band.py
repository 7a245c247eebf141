"""One band's file, opened once; gives strips of neighbouring cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.windows import Window as RasterioWindow

from claylake.catalogue.hrefs import gdal_path, shown
from claylake.errors import HrefError
from spark.reading.block_rows import LARGEST_BYTES, BlockRows
from spark.reading.errors import ReadError, UnreadableError
from spark.reading.expected import Description, Expected
from spark.reading.gdal import environment
from spark.reading.persistence import MOST_TRIES, Persistence
from spark.reading.raw_blocks import RawBlocks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from claylake.catalogue.scene import Asset
    from spark.reading.dataset import Dataset
    from spark.reading.raster import Raster, Window
    from spark.reading.strips import Strip


class Band:
    """A context manager over one file.

    Args:
        key: the asset's key.
        asset: its address, and how the item describes it.
        epsg: CRS that it must have.
        most_tries: of one request that fails.

    Raises:
        UnreadableError: no file can be read from its address.

    Raises (on entering):
        UnreadableError: the file cannot be opened.
        NotAsExpectedError: it is not what `Expected` says of the asset, or not the raster that the item describes.
    """

    def __init__(self, key: str, asset: Asset, *, epsg: int, most_tries: int = MOST_TRIES) -> None:
        self.key = key
        self.file = shown(asset.href)
        self._asset = asset
        self._expected = Expected.of(key, epsg)
        try:
            self._path = gdal_path(asset.href)
        except HrefError as error:
            raise UnreadableError(key, str(error)) from error
        self._persistence = Persistence(key, self._path, self.file, most_tries)
        self._dataset: Dataset | None = None
        self._raw: RawBlocks | None = None
        self._rows: BlockRows | None = None

    def __enter__(self) -> Self:
        with environment():
            dataset = self._persistence.call(self._opened, self._close)
        self.raster = self._checked(dataset)
        self._block, self._pixel_type = dataset.block_shapes[0], dataset.dtypes[0]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _opened(self) -> Dataset:
        if self._dataset is None:
            self._dataset = rasterio.open(self._path)
            self._raw = RawBlocks.of(self._dataset, self._path)
        return self._dataset

    def _close(self) -> None:
        if self._dataset is not None:
            self._dataset.close()
            self._dataset = None

    def _checked(self, dataset: Dataset) -> Raster:
        try:
            description = _described(dataset)
            self._expected.require_pixels(self.file, description)
            return self._expected.require_raster(self.file, description, self._asset)
        except ReadError:
            self._close()
            raise

    def expect(self, strips: Iterable[Strip]) -> None:
        """Announce strips, north to south: then each block is fetched and decoded once for all of them.

        A file of huge blocks is read strip by strip all the same.
        """
        windows = (self.raster.window(col=strip.col, row=strip.row, cells=strip.cells) for strip in strips)
        least, (height, width) = self.raster.cell_px, self._block
        if max(height, least) * max(width, self.raster.shape[1]) * np.dtype(self._pixel_type).itemsize > LARGEST_BYTES:
            return
        self._rows = BlockRows(
            block=(height, width),
            shape=self.raster.shape,
            pixel_type=np.dtype(self._pixel_type),
            least=least,
            windows=[part for part in map(self.raster.inside, windows) if part is not None],
        )

    def strip(self, *, col: int, row: int, cells: int) -> NDArray[Any]:
        """`cells` neighbouring cells of a grid row, from `col` eastwards.

        Args:
            col: of the westernmost cell, in the grid of the band's UTC zone.
            row: of all of them, in that grid.
            cells: how many.

        Returns:
            uint16 array (cell, row, col), uint8 of the classification, `raster.cell_px` pixels a side; 0 beyond the
            raster. It may be a view of what the band holds: not to be changed.

        Raises:
            UnreadableError: a block cannot be fetched or decoded.
            PixelValueError: a pixel holds a number that it cannot.
        """
        window = self.raster.window(col=col, row=row, cells=cells)
        part = self.raster.inside(window)
        if part == window:
            pixels = self._pixels(part)
        else:
            pixels = np.zeros((window.height, window.width), dtype=self._expected.dtype)
            if part is not None:
                top, left = part.row - window.row, part.col - window.col
                pixels[top : top + part.height, left : left + part.width] = self._pixels(part)
        return pixels.reshape(window.height, cells, -1).transpose(1, 0, 2)

    def _pixels(self, part: Window) -> NDArray[Any]:
        """Pixels of the raster, checked, in the type that they are given in."""
        if self._rows:
            pixels = self._rows.window(part, self._read)
        else:
            pixels = np.empty((part.height, part.width), dtype=self._pixel_type)
            self._read(part, pixels)
        self._expected.require_values(self.file, pixels)
        return pixels.astype(self._expected.dtype, copy=False)

    def _read(self, window: Window, into: NDArray[Any]) -> None:
        def read() -> None:
            opened_before = self._dataset is not None
            dataset = self._opened()
            if not opened_before and self._checked(dataset) != self.raster:
                self._close()
                raise UnreadableError(self.key, f"{self.file}: the file was replaced by another one while it was read")
            if self._raw and self._raw.read(window, into):
                return
            part = RasterioWindow(window.col, window.row, window.width, window.height)
            # A view of its own: rasterio changes the shape of `out`, and leaves it so if it fails.
            dataset.read(1, window=part, out=into[:])

        with environment():
            self._persistence.call(read, self._close)


def _described(dataset: Dataset) -> Description:
    return Description(
        bands=dataset.count,
        pixel_type=dataset.dtypes[0],
        nodata=dataset.nodata,
        masked=MaskFlags.per_dataset in dataset.mask_flag_enums[0],
        scale=dataset.scales[0],
        offset=dataset.offsets[0],
        epsg=dataset.crs.to_epsg() if dataset.crs else None,
        transform=tuple(dataset.transform),
        shape=dataset.shape,
    )
