"""Rounds of choosing and reading, until nothing is left to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spark.choose import PRESENT, READ, Rules
from spark.extraction.batches import batches
from spark.extraction.choosing import choose_all, with_troubles
from spark.extraction.errors import ExtractError
from spark.extraction.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from spark.extraction.admitting import Gate


@dataclass(frozen=True, kw_only=True)
class Final:
    """A choice with nothing left to read (persisted), its outcomes counted; `present` chips existed before.

    `passes`: how many there are.
    """

    choice: DataFrame
    outcomes: Counter[str]
    passes: int
    present: int


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """What every round needs.

    `seen`: first looks, persisted, `number` rows. `at_hand`: reads the chips that exist by now.
    """

    gate: Gate
    cells: pa.Table
    seen: DataFrame
    number: int
    at_hand: Callable[[], DataFrame]
    rules: Rules

    def run(self) -> Final:
        """What fails in one round is replaced in the next, by another scene of its pass or another pass.

        Raises:
            ExtractError: a round made nothing and refused nothing.
        """
        present: int | None = None
        while True:
            choice = self._choice()
            # Few rows: a scene is of one pass. So one query tells outcomes, passes, and what there is to read.
            told = choice.groupBy("outcome", "pass", "scene_id").count().collect()
            counts: Counter[str] = sum((Counter({row["outcome"]: row["count"]}) for row in told), Counter())
            present = counts[PRESENT] if present is None else present
            if not counts[READ]:
                passes = len({row["pass"] for row in told})
                return Final(choice=choice, outcomes=counts, passes=passes, present=present)
            before = len(self.gate.troubles)
            wanted = {row["scene_id"]: row["count"] for row in told if row["outcome"] == READ}
            new = self._read(choice, wanted)
            if new == 0 and len(self.gate.troubles) == before:
                raise ExtractError(f"{counts[READ]} chips were read, neither written nor refused: run the step again")
            choice.unpersist()

    def _choice(self) -> DataFrame:
        from pyspark import StorageLevel

        troubled = with_troubles(self.seen, self.gate.troubles)
        return choose_all(troubled, self.number, self.at_hand(), self.rules).persist(StorageLevel.DISK_ONLY)

    def _read(self, choice: DataFrame, numbers: Mapping[str, int]) -> int:
        from pyspark.sql import functions as f

        wanted = choice.where(f.col("outcome") == READ)
        places = {cell_id: number for number, cell_id in enumerate(self.cells["cell_id"].to_pylist())}
        progress = Progress("chips", sum(numbers.values()))
        new = 0
        for batch in batches(numbers):
            rows = wanted.where(f.col("scene_id").isin(list(batch.scene_ids))).collect()
            new += self.gate.admit([row.asDict() | self._place(places[row["cell_id"]]) for row in rows])
            progress.add(batch.chips)
        return new

    def _place(self, number: int) -> dict[str, Any]:
        row: dict[str, Any] = self.cells.slice(number, 1).to_pylist()[0]
        return row
