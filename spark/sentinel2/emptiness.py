"""Bands without data where the scene classification has data: what a file that was cut or never filled shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from claylake.vocabulary import SCL_NODATA

LARGEST_EMPTY_FRACTION = 0.01
"""Of the pixels that the classification calls data, so many may be 0 in a band: at a swath's edge bands end apart."""


def empty_shares(raw: NDArray[np.uint16], scl: NDArray[np.uint8]) -> NDArray[np.float64]:
    """For each band, the share of pixels that are 0 among those where the classification has data.

    Args:
        raw: uint16 (band, row, col), DN as stored.
        scl: uint8 (row, col) at half the resolution.

    Returns:
        float64 (band,), 0..1; 0 where the classification has no data at all.
    """
    if raw.min() > 0:
        return np.zeros(len(raw))
    data = (scl != SCL_NODATA).repeat(2, axis=0).repeat(2, axis=1)
    pixels = int(np.count_nonzero(data))
    if pixels == 0:
        return np.zeros(len(raw))
    empty: NDArray[np.float64] = np.count_nonzero((raw == 0) & data, axis=(1, 2)) / pixels
    return empty
