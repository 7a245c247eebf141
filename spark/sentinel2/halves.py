"""Two halves of one tile-date made one: of each pixel the first's where its classification has data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from claylake.vocabulary import SCL_NODATA

if TYPE_CHECKING:
    from numpy.typing import NDArray


def joined_scl(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The classification of both halves.

    Args:
        first: codes of Sen2Cor's scene classification, any shape; not changed.
        second: the same ground.

    Returns:
        A new array of the same shape.
    """
    return np.where(first != SCL_NODATA, first, second)


def joined(first: NDArray[Any], second: NDArray[Any], first_scl: NDArray[np.uint8]) -> NDArray[Any]:
    """The pixels of both halves, by the classification of the first.

    Args:
        first: (band, row, col) at 10 m; not changed.
        second: the same ground, bands and radiometry.
        first_scl: (row, col) at 20 m.

    Returns:
        A new array of the same shape.
    """
    of_first = (first_scl != SCL_NODATA).repeat(2, axis=0).repeat(2, axis=1)
    return np.where(of_first, first, second)
