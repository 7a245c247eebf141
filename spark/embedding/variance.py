"""How a set of vectors varies: in how many dimensions, and with what quantity. Arrays only."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
COMPONENTS = 8
ROWS_PER_COMPONENT = 10
"""A fit on fewer rows per component would explain anything."""


def effective_rank(vectors: NDArray[np.floating]) -> float | None:
    """Effective rank of (n, dim) vectors about their mean, 1 to min(n - 1, dim); None for fewer than 2.

    The exponential of the entropy of the singular values, scaled to sum 1: as many dimensions of equal spread
    would have the same entropy. Equal vectors count as 1. Source: O. Roy and M. Vetterli,
    "The effective rank: a measure of effective dimensionality", EUSIPCO 2007.
    """
    if len(vectors) < 2:
        return None
    values, _ = _axes(vectors)
    scales = np.sqrt(values)
    if not scales.any():
        return 1.0
    shares = scales[scales > 0] / scales.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def explained(vectors: NDArray[np.floating], target: NDArray[np.floating]) -> tuple[int, float | None]:
    """Share of a quantity's variance that the vectors' first principal components explain linearly.

    Principal component regression (I. T. Jolliffe, Principal Component Analysis, 2002, chapter 8): the components are
    uncorrelated, so R^2 is the sum of their squared correlations with the target; then adjusted for the number of
    components (H. Theil, Economic Forecasts and Policy, 1961), and not below 0.

    Args:
        vectors: (n, dim).
        target: (n,).

    Returns:
        How many components were used, at most 8 and a tenth of n; and the share, None if the target does not vary or
        there is none to use.
    """
    count = len(vectors)
    used = min(COMPONENTS, count // ROWS_PER_COMPONENT)
    wanted = np.asarray(target, dtype=np.float64) - np.mean(target) if count else np.empty(0)
    total = float(wanted @ wanted)
    if not used or total <= 1e-12 * count:
        return used, None
    values, axes = _axes(vectors)
    first = np.argsort(values)[::-1][:used]
    first = first[values[first] > 0]
    if not len(first):
        return 0, None
    centred = np.asarray(vectors, dtype=np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
    scores = centred @ axes[:, first]
    plain = float(((scores.T @ wanted) ** 2 / (scores**2).sum(axis=0)).sum() / total)
    adjusted = 1 - (1 - plain) * (count - 1) / (count - len(first) - 1)
    return len(first), max(0.0, adjusted)


def _axes(vectors: NDArray[np.floating]) -> tuple[Array, Array]:
    """Squared singular values of the centred vectors, float64 (k,), and their axes as columns (dim, k).

    Values within float64's rounding error are 0. k is the lesser of n and dim: of few vectors the inner products say
    the same as the far larger matrix of their components does.
    """
    centred = np.asarray(vectors, dtype=np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
    count, dim = centred.shape
    length = float(np.abs(vectors).max()) if vectors.size else 0.0
    values, axes = np.linalg.eigh(centred @ centred.T if count < dim else centred.T @ centred)
    noise = max(values.max(initial=0.0), length**2) * dim * np.finfo(np.float64).eps
    values = np.where(values > noise, values, 0.0)
    if count < dim:
        scales = np.sqrt(values)
        axes = np.divide(centred.T @ axes, scales, out=np.zeros((dim, count)), where=scales > 0)
    return values, axes
