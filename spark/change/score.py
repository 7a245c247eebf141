"""How unusual a distance is: a robust z-score against the cell's own history, or its neighbours.

What all cells of an area do together between two months, as when leaves come, is no change of one of them: the median
of the neighbours' distances is taken off first. Distances are judged by their logarithm, because they are positive and
spread over decades: between cells, and between months.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from spark.change.medians import medians_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_NEIGHBOURS: Final = 8
"""Cells, itself among them, that must have moved between two months for their median to say what is common."""
SAME: Final = 1e-7
"""Distances up to this are none: vectors of the same pixels, but for their last bits."""
MIN_SPREAD: Final = 0.1
"""Least spread that counts, of logarithms: a tenth more or less is never unusual."""
MAD_TO_SIGMA: Final = 1.4826
"""The median absolute deviation of a normal distribution, as its standard deviation (1 / Phi^-1(3/4))."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Distances of cells between two months each: arrays of one length.

    Attributes:
        cells: number of each pair's cell, from 0 on.
        spans: number of its two months, from 0 on: pairs of one span are neighbours of each other.
        distances: of its vectors, from 0 to 2.
    """

    cells: NDArray[np.int64]
    spans: NDArray[np.int64]
    distances: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """Of each pair its score, NaN where nothing is there to judge by, and the months of its cell's history used."""

    scores: NDArray[np.float64]
    history: NDArray[np.int64]


def scored(now: Pairs, past: Pairs, min_history: int) -> Scores:
    """Judge each pair of one month by its cell's earlier ones, or by its neighbours where these are too few.

    A distance becomes the logarithm of its ratio to its neighbours' median. The score is how far this lies from what is
    usual for the cell, in robust standard deviations: its own ones, but never less than those that are usual in the
    area, because the spread of few months is uncertain. A cell with a shorter history is compared with its neighbours
    of the same two months. Pairs of the same vectors score 0, and are no part of any median.

    Args:
        now: pairs of all cells of the area, several of a cell if of different spans.
        past: of earlier months, of the same kind.
        min_history: earlier pairs from which on a cell is judged by its own.
    """
    cells = int(max(now.cells.max(initial=-1), past.cells.max(initial=-1))) + 1
    moved = now.distances > SAME
    residuals, common = _residuals(now)
    spread = _spread_of_spans(now, residuals)[now.spans] if len(now.cells) else np.zeros(0)
    scores = np.where(common, residuals / np.maximum(spread, MIN_SPREAD), np.nan)

    before, known = _residuals(past)
    usual = medians_of(before[known], past.cells[known], cells)
    enough = usual.counts >= min_history
    deviations = np.abs(before[known] - usual.medians[past.cells[known]])
    own = MAD_TO_SIGMA * medians_of(deviations, past.cells[known], cells).medians
    settled = enough[past.cells[known]]
    area = MAD_TO_SIGMA * float(np.median(deviations[settled])) if settled.any() else 0.0
    scale = np.maximum(np.maximum(own, area), MIN_SPREAD)
    by_itself = enough[now.cells] & common
    scores[by_itself] = ((residuals - usual.medians[now.cells]) / scale[now.cells])[by_itself]
    return Scores(
        scores=np.where(moved, scores, 0.0),
        history=np.where(by_itself & moved, usual.counts[now.cells], 0).astype(np.int64),
    )


def _residuals(pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Logarithms of distances less their span's median, and which of them have enough neighbours for it."""
    moved = pairs.distances > SAME
    logs = np.log(np.maximum(pairs.distances, SAME))
    number = int(pairs.spans.max(initial=-1)) + 1
    of_span = medians_of(logs[moved], pairs.spans[moved], number)
    common = moved & (of_span.counts[pairs.spans] >= MIN_NEIGHBOURS)
    return np.where(common, logs - of_span.medians[pairs.spans], 0.0), common


def _spread_of_spans(pairs: Pairs, residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    """The robust standard deviation of each span's residuals."""
    moved = pairs.distances > SAME
    number = int(pairs.spans.max(initial=-1)) + 1
    return MAD_TO_SIGMA * medians_of(np.abs(residuals[moved]), pairs.spans[moved], number).medians
