"""Compared chips of a run's months as rows of the table `changes`, month by month: each is history to the next."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from claylake.month import Month
from spark.change.baselines import PREVIOUS, baselines_of
from spark.change.score import Pairs, scored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Row = dict[str, Any]


@dataclass(kw_only=True)
class Judge:
    """Scores months in their order.

    Attributes:
        min_history: earlier changes from which on a cell is judged by its own.
        past: of earlier months, each with `cell_id`, `month`, `baseline_month`, `baseline_kind` and `distance`. What is
            judged is added to it.
    """

    min_history: int
    past: list[Row] = field(default_factory=list)

    def judge(self, month: Month, compared: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
        """The changes of a month: of each cell that from the last month before it, and those from earlier years.

        Args:
            month: later than all that were judged before.
            compared: its cells' pairs with every earlier month (`spark.change.pairs.COMPARED`).
        """
        kinds = {str(earlier): kind for earlier, kind in baselines_of(month).items()}
        of_kind: dict[str, list[Row]] = defaultdict(list)
        for row in compared:
            kind = kinds[row["baseline_month"]]
            of_kind[kind].append({**row, "baseline_kind": kind})
        found = []
        for kind, rows in of_kind.items():
            found += list(self._judged(kind, rows))
        self.past += found
        yield from found

    def _judged(self, kind: str, rows: list[Row]) -> Iterator[Row]:
        past = [row for row in self.past if row["baseline_kind"] == kind]
        numbers = {cell: number for number, cell in enumerate(sorted({row["cell_id"] for row in (*rows, *past)}))}
        result = scored(_pairs(rows, numbers), _pairs(past, numbers), self.min_history)
        last: dict[str, str] = {}
        for row in rows:
            last[row["cell_id"]] = max(last.get(row["cell_id"], ""), row["baseline_month"])
        for row, score, history in zip(rows, result.scores.tolist(), result.history.tolist(), strict=True):
            if kind != PREVIOUS or row["baseline_month"] == last[row["cell_id"]]:
                yield {**row, "score": None if np.isnan(score) else score, "history_months": history}


def _pairs(rows: Sequence[Mapping[str, Any]], numbers: Mapping[str, int]) -> Pairs:
    spans: dict[tuple[str, str], int] = {}
    return Pairs(
        cells=np.array([numbers[row["cell_id"]] for row in rows], dtype=np.int64),
        spans=np.array(
            [spans.setdefault((row["month"], row["baseline_month"]), len(spans)) for row in rows], dtype=np.int64
        ),
        distances=np.array([row["distance"] for row in rows], dtype=np.float64),
    )
