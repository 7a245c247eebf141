"""Groups of vectors: classes of the scene classification, k-means, and how well either separates the vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark.report.rows import Clearest

Array = np.ndarray[Any, Any]
CLASSES = ("land", "water", "snow", "cloud", "shadow", "no data")
"""What the tables hold of the scene classification (SCL). Land is what is clear, and neither water nor snow."""
FEW = 10
"""With fewer vectors there are no groups."""
MOST_GROUPS = 8
_STARTS, _ROUNDS, _SEED = 3, 50, 0


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Labels of n vectors.

    `classes` index `CLASSES`; `means` are the labels of k-means, 0 for the largest group; empty where vectors are few.
    A score is None where there are no two groups.
    """

    classes: tuple[int, ...]
    means: tuple[int, ...]
    k: int
    class_score: float | None
    means_score: float | None


def group(vectors: Array, chips: Sequence[Clearest]) -> Groups:
    """Label vectors of chips, (n, dim) of n."""
    classes = np.array([majority(chip) for chip in chips], dtype=np.int64)
    apart = distances(vectors)
    means, score = best_means(vectors, apart)
    return Groups(
        classes=tuple(classes.tolist()),
        means=tuple(means.tolist()),
        k=len(np.unique(means)),
        class_score=silhouette(apart, classes),
        means_score=score,
    )


def majority(chip: Clearest) -> int:
    """Index of the class that most pixels of a chip have; the first of equal ones."""
    land = max(0.0, chip.clear - chip.water - chip.snow)
    return int(np.argmax([land, chip.water, chip.snow, chip.cloud, chip.shadow, chip.nodata]))


def distances(vectors: Array) -> Array:
    """Euclidean distances of (n, dim) vectors, float64 (n, n)."""
    values = np.asarray(vectors, np.float64)
    values = values - values.mean(axis=0) if len(values) else values
    squares = np.einsum("ij,ij->i", values, values)
    found: Array = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * values @ values.T, 0.0))
    np.fill_diagonal(found, 0.0)
    return found


def silhouette(apart: Array, labels: Array) -> float | None:
    """Mean silhouette of labels (n,) by distances (n, n), -1 to 1; None without two groups.

    A vector alone in its group counts 0. Source: P. J. Rousseeuw, Silhouettes: a graphical aid to the interpretation
    and validation of cluster analysis, 1987.
    """
    found, of = np.unique(labels, return_inverse=True)
    if len(found) < 2:
        return None
    member = np.eye(len(found))[of]
    sizes, rows = member.sum(axis=0), np.arange(len(of))
    sums = apart @ member
    own = sizes[of]
    within = sums[rows, of] / np.maximum(own - 1, 1)
    means = sums / sizes
    means[rows, of] = np.inf
    nearest = means.min(axis=1)
    larger = np.maximum(within, nearest)
    values = np.where((own > 1) & (larger > 0), (nearest - within) / np.where(larger > 0, larger, 1.0), 0.0)
    return float(values.mean())


def best_means(vectors: Array, apart: Array) -> tuple[Array, float | None]:
    """Labels by k-means for that k of 2 to 8 whose silhouette is greatest, the least of equal ones; its silhouette.

    No labels for fewer than 10 vectors, or if all are equal.

    Args:
        vectors: (n, dim).
        apart: their distances, (n, n).
    """
    best: tuple[Array, float | None] = (np.zeros(0, np.int64), None)
    if len(vectors) < FEW or not apart.any():
        return best
    values = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
    for k in range(2, min(MOST_GROUPS, len(vectors) - 1) + 1):
        labels = k_means(values, k)
        score = silhouette(apart, labels)
        if score is not None and (best[1] is None or score > best[1] + 1e-9):
            best = labels, score
    labels, score = best
    if score is None:
        return best
    order = np.argsort(-np.bincount(labels), kind="stable")
    return np.argsort(order, kind="stable")[labels], score


def k_means(vectors: Array, k: int) -> Array:
    """Labels (n,) of (n, dim) vectors: Lloyd's rounds from k-means++, the best of three starts; the same every time.

    Source: D. Arthur and S. Vassilvitskii, k-means++: the advantages of careful seeding, 2007.
    """
    rng, least, best = np.random.default_rng(_SEED), np.inf, np.zeros(len(vectors), np.int64)
    squares = np.einsum("ij,ij->i", vectors, vectors)
    for _ in range(_STARTS):
        centres = _seeds(vectors, squares, k, rng)
        labels = np.full(len(vectors), -1)
        for _ in range(_ROUNDS):
            far = _squared(vectors, squares, centres)
            now = far.argmin(axis=1)
            if np.array_equal(now, labels):
                break
            labels = now
            for number in range(k):
                if (mine := labels == number).any():
                    centres[number] = vectors[mine].mean(axis=0)
        spread = float(_squared(vectors, squares, centres).min(axis=1).sum())
        if spread < least:
            least, best = spread, labels
    return best


def _seeds(vectors: Array, squares: Array, k: int, rng: np.random.Generator) -> Array:
    chosen = [int(rng.integers(len(vectors)))]
    while len(chosen) < k:
        far = _squared(vectors, squares, vectors[chosen]).min(axis=1)
        total = far.sum()
        chosen.append(int(rng.choice(len(vectors), p=far / total if total > 0 else None)))
    found: Array = vectors[chosen].copy()
    return found


def _squared(vectors: Array, squares: Array, centres: Array) -> Array:
    near = np.einsum("ij,ij->i", centres, centres)
    found: Array = np.maximum(squares[:, None] + near[None] - 2 * vectors @ centres.T, 0.0)
    return found
