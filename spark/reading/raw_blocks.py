"""Blocks of ordinary GeoTIFFs, decoded without GDAL in less than half the time; GDAL still fetches their bytes.

Whatever is unusual gives nothing here, and is then read by GDAL: its pixels count, and its errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from spark.reading.gdal import RangeFile

if TYPE_CHECKING:
    from spark.reading.dataset import Dataset
    from spark.reading.raster import Window

_LITTLE_ENDIAN = (b"II*\0", b"II+\0")
_TYPES = ("uint8", "uint16")
_LARGEST_GAP = 4096
"""Bytes between neighbours of a row that are fetched with them: COGs have eight."""
_Decoder = Callable[..., bytes | bytearray]
_DECODERS: dict[str, _Decoder] = {"DEFLATE": imagecodecs.deflate_decode, "ZSTD": imagecodecs.zstd_decode}
_ERRORS = (imagecodecs.DeflateError, imagecodecs.ZlibError, imagecodecs.ZstdError)
_PREDICTORS = {None: False, "1": False, "2": True}


@dataclass(frozen=True, kw_only=True)
class RawBlocks:
    """An open file whose blocks are ordinary: `block` is their (rows, columns), `differences` TIFF's predictor 2."""

    path: str
    dataset: Dataset
    block: tuple[int, int]
    pixel_type: np.dtype[Any]
    decode: _Decoder
    differences: bool

    @classmethod
    def of(cls, dataset: Dataset, path: str) -> Self | None:
        """The file's blocks, if they are of those that are decoded here.

        Args:
            dataset: open.
            path: GDAL's name of it.
        """
        if dataset.driver != "GTiff" or dataset.count != 1 or dataset.dtypes[0] not in _TYPES:
            return None
        structure, of_band = dataset.tags(ns="IMAGE_STRUCTURE"), dataset.tags(1, ns="IMAGE_STRUCTURE")
        decode = _DECODERS.get(structure.get("COMPRESSION", ""))
        predictor = structure.get("PREDICTOR")
        if decode is None or predictor not in _PREDICTORS or "NBITS" in {**structure, **of_band}:
            return None
        if dataset.block_shapes[0][1] == dataset.shape[1]:  # strips, of which the last one is shorter
            return None
        with RangeFile(path) as file:
            if file.read(0, 4) not in _LITTLE_ENDIAN:
                return None
        return cls(
            path=path,
            dataset=dataset,
            block=dataset.block_shapes[0],
            pixel_type=np.dtype(dataset.dtypes[0]),
            decode=decode,
            differences=_PREDICTORS[predictor],
        )

    def read(self, window: Window, into: NDArray[Any]) -> bool:
        """Pixels of whole blocks; False where the window is of others, or anything about a block is unusual.

        Args:
            window: the pixels.
            into: where they go, of the file's type; its content is undefined if they do not.
        """
        height, width = self.block
        if window.row % height or window.col % width or into.dtype != self.pixel_type:
            return False
        scratch = bytearray(height * width * self.pixel_type.itemsize)
        columns = range(window.col // width, -(-(window.col + window.width) // width))
        with RangeFile(self.path) as file:
            for top in range(0, window.height, height):
                places = [self._place((window.row + top) // height, column) for column in columns]
                found = [place for place in places if place]
                if None in places or not self._row(file, found, into[top : top + height], scratch):
                    return False
        return True

    def _place(self, row: int, column: int) -> tuple[int, int] | None:
        """(offset, size) of a block in the file; None of one that is not there, as all its pixels are nodata."""
        offset, size = (
            self.dataset.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", bidx=1) for what in ("OFFSET", "SIZE")
        )
        return (int(offset), int(size)) if offset and size and int(size) else None

    def _row(self, file: RangeFile, places: list[tuple[int, int]], lines: NDArray[Any], scratch: bytearray) -> bool:
        """Decode neighbouring blocks of a row into their lines; False where that cannot be done.

        Args:
            file: open.
            places: of the blocks in it, from west to east.
            lines: where their pixels go.
            scratch: for one block as it is stored.
        """
        begin, end = places[0][0], sum(places[-1])
        ends = [sum(place) for place in places[:-1]]
        if any(not 0 <= place[0] - before <= _LARGEST_GAP for place, before in zip(places[1:], ends, strict=True)):
            return False
        data = memoryview(file.read(begin, end - begin))
        if len(data) != end - begin:
            return False
        for number, (offset, size) in enumerate(places):
            block = self._block(data[offset - begin : offset - begin + size], scratch)
            if block is None:
                return False
            left = number * self.block[1]
            part = lines[:, left : left + self.block[1]]
            if self.differences:
                imagecodecs.delta_decode(block[: part.shape[0], : part.shape[1]], axis=-1, out=part)
            else:
                part[:] = block[: part.shape[0], : part.shape[1]]
        return True

    def _block(self, data: memoryview, scratch: bytearray) -> NDArray[Any] | None:
        """A block as it is stored, decompressed into `scratch`; None where its bytes are no such block."""
        try:
            found = self.decode(data, out=scratch)
        except _ERRORS:
            return None
        whole = len(found) == len(scratch)
        return np.frombuffer(found, self.pixel_type).reshape(self.block) if whole else None
