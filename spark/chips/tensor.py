"""A chip's pixels as bytes: a Blosc2 NDArray, which says its own shape and type."""

from __future__ import annotations

import blosc2
import numpy as np
import xxhash
from numpy.typing import NDArray

from claylake.vocabulary import BANDS, CHIP_PX

SHAPE = (len(BANDS), CHIP_PX, CHIP_PX)
_BLOCK = (1, CHIP_PX, CHIP_PX)
"""A band a block: a tenth smaller than Blosc2's own choice on real pixels."""


def encode(tensor: NDArray[np.uint16]) -> bytes:
    """Encode uint16 (band, row, col) = (10, 256, 256); lossless, about 0.46 MB for real pixels.

    Raises:
        ValueError: for another shape or type.
    """
    if tensor.shape != SHAPE or tensor.dtype != np.uint16:
        raise ValueError(f"a chip is uint16 {SHAPE}, got {tensor.dtype} {tensor.shape}")
    settings = blosc2.CParams(
        codec=blosc2.Codec.ZSTD, clevel=1, typesize=2, nthreads=1, filters=[blosc2.Filter.BITSHUFFLE], filters_meta=[0]
    )
    frame: bytes = blosc2.asarray(tensor, cparams=settings, chunks=SHAPE, blocks=_BLOCK).to_cframe()
    return frame


def decode(frame: bytes) -> NDArray[np.uint16]:
    """The tensor of `encode`."""
    tensor: NDArray[np.uint16] = blosc2.ndarray_from_cframe(frame)[:]
    return tensor


def digest(tensor: NDArray[np.uint16]) -> str:
    """xxh3-128 of the raw bytes, 32 hex digits: the same for equal pixels, however encoded."""
    return xxhash.xxh3_128_hexdigest(np.ascontiguousarray(tensor).data)
