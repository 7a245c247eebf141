"""Vectors as colours: their first three principal components as red, green and blue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

COMPONENTS = 3
STRETCH = (2.0, 98.0)
"""Percentiles shown as 0 and 255."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Basis:
    """Principal axes of a set of vectors.

    Attributes:
        mean: float64 (dim,).
        axes: float64 (3, dim), orthonormal rows, the widest first; zero rows where there are fewer.
        explained: float64 (3,), fraction of the variance along each axis.
    """

    mean: Array
    axes: Array
    explained: Array

    @classmethod
    def fit(cls, vectors: Array) -> Basis:
        """Axes of (n, dim) vectors, by singular value decomposition of the centred vectors.

        An axis's sign is free; it is chosen so that its largest entry is positive, and equal vectors
        give equal colours every time. Source: I. T. Jolliffe, Principal Component Analysis, 2002, section 3.5.
        """
        values = np.asarray(vectors, dtype=np.float64)
        mean = values.mean(axis=0)
        _, scales, rows = np.linalg.svd(values - mean, full_matrices=False)
        found = min(COMPONENTS, int(np.sum(scales > scales[0] * 1e-9)) if scales[0] > 0 else 0)
        axes = np.zeros((COMPONENTS, values.shape[1]))
        axes[:found] = rows[:found]
        largest = axes[np.arange(COMPONENTS), np.abs(axes).argmax(axis=1)]
        axes *= np.where(largest < 0, -1.0, 1.0)[:, None]
        explained = np.zeros(COMPONENTS)
        explained[:found] = scales[:found] ** 2 / np.sum(scales**2)
        return cls(mean=mean, axes=axes, explained=explained)

    def scores(self, vectors: Array) -> Array:
        """Coordinates of (n, dim) vectors along the axes, float64 (n, 3)."""
        result: Array = (np.asarray(vectors, dtype=np.float64) - self.mean) @ self.axes.T
        return result


def colours(scores: Array) -> Array:
    """uint8 (n, 3) of scores (n, 3): each component stretched from its 2nd to its 98th percentile.

    A component that does not vary becomes mid-grey.
    """
    low, high = np.percentile(scores, STRETCH, axis=0)
    flat = high - low <= 0
    unit = (scores - low) / np.where(flat, 1.0, high - low)
    unit[:, flat] = 0.5
    rounded: Array = np.rint(np.clip(unit, 0.0, 1.0) * 255).astype(np.uint8)
    return rounded
