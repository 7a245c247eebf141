"""The cosine distance of vectors, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def cosine(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """One minus the cosine of the angle between each two rows, from 0 (one direction) to 2 (opposite).

    Equal rows give exactly 0. A row of zeros has no direction, and gives NaN.

    Args:
        first: vectors, shape (n, dimension).
        second: vectors of the same kind, the same shape.

    Raises:
        ValueError: the shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(f"vectors of shape {first.shape} do not compare with vectors of shape {second.shape}")
    a, b = first.astype(np.float64), second.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        a /= np.linalg.norm(a, axis=1, keepdims=True)
        b /= np.linalg.norm(b, axis=1, keepdims=True)
    # Half the squared chord is exact for near vectors, where one minus their product is rounding alone.
    half: NDArray[np.float64] = np.clip(np.einsum("ij,ij->i", a - b, a - b) / 2, 0.0, 2.0)
    return half
