"""A stored chip opened again, and refused unless it is what its row says."""

from __future__ import annotations

from typing import Any

import numpy as np

from spark.chips import tensor
from spark.lake.errors import LakeError


class ChipError(LakeError):
    """A stored chip cannot be used.

    Attributes:
        reason: a short code.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def open_chip(frame: bytes, digest: str) -> np.ndarray[Any, Any]:
    """The chip's pixels, uint16 (band, row, col), checked against its digest.

    Raises:
        ChipError: ``chip_undecodable``, ``chip_shape`` or ``chip_digest``.
    """
    try:
        pixels = tensor.decode(frame)
    # Blosc2 raises whatever its C library makes of broken bytes.
    except Exception as error:
        raise ChipError("chip_undecodable", f"not a Blosc2 frame: {error}") from error
    if pixels.shape != tensor.SHAPE or pixels.dtype != np.uint16:
        raise ChipError("chip_shape", f"holds {pixels.dtype} {pixels.shape}, not uint16 {tensor.SHAPE}")
    if tensor.digest(pixels) != digest:
        raise ChipError("chip_digest", f"its pixels are not those of digest {digest}")
    return pixels
