"""Which of two changes is the stronger."""

from __future__ import annotations


def strength(score: float | None, distance: float) -> tuple[float, float]:
    """A key that sorts the strongest first: by score, then by distance; those without a score last.

    Args:
        score: of the change; None where there were too few neighbours.
        distance: cosine distance of its vectors.
    """
    return float("inf") if score is None else -score, -distance
