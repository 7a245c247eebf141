"""Rounds of choosing and reading, until nothing is left to read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spark.extraction.batches import OF_CELL, CellToRead, batches
from spark.extraction.errors import ExtractError
from spark.extraction.read_ahead import ReadAhead
from spark.lake.columns import filled
from spark.lake.tables import SECOND_SCENE
from spark.sentinel2.choose import PRESENT, READ
from spark.sentinel2.scl import MEASURES, Measures

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from spark.extraction.chip_writer import ChipWriter
    from spark.extraction.observed import Choice, Observed
    from spark.progress import Reporter


@dataclass(frozen=True, kw_only=True)
class FinalChoice:
    """A choice with nothing left to read, its outcomes counted; `present` chips existed before.

    `passes`: how many there are.
    """

    choice: Choice
    outcomes: Counter[str]
    passes: int
    present: int


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """What every round needs."""

    writer: ChipWriter
    cells: pa.Table
    observed: Observed
    reporter: Reporter

    def run(self) -> FinalChoice:
        """What fails in one round is replaced in the next, by another scene of its pass or another pass.

        Raises:
            ExtractError: a round wrote nothing and refused nothing.
        """
        made = 0
        while True:
            choice = self._choice()
            rows = choice.counts()
            counts: Counter[str] = Counter()
            for row in rows:
                counts[row.outcome] += row.number
            if not counts[READ]:
                passes = len({row.pass_id for row in rows})
                return FinalChoice(choice=choice, outcomes=counts, passes=passes, present=counts[PRESENT] - made)
            before = len(self.writer.failures) + self.writer.found
            wanted = {row.scene_id: row.number for row in rows if row.outcome == READ}
            new = self._read(choice, wanted)
            made += new
            if new == 0 and len(self.writer.failures) + self.writer.found == before:
                raise ExtractError(f"{counts[READ]} chips were read, neither written nor refused: run the step again")
            choice.release()

    def _choice(self) -> Choice:
        # Before the chips are read that exist: those that come later are met when chips are committed.
        self.writer.appender.begin()
        return self.observed.choose(self.writer.failures)

    def _read(self, choice: Choice, chips: Mapping[str, int]) -> int:
        cells = CellRows(self.cells)
        self.writer.counts = self.reporter.stage("read chips", "chips", sum(chips.values()))
        new = 0
        with ReadAhead(self.writer) as ahead:
            for batch in batches(chips, self.writer.slots):
                new += ahead.read([cells.to_read(row) for row in choice.wanted(batch.scene_ids)])
            new += ahead.rest()
        return new


class CellRows:
    """The run's cells, by id; their columns are turned into Python's values once.

    Args:
        cells: with the columns `OF_CELL`.
    """

    def __init__(self, cells: pa.Table) -> None:
        self._columns = {name: cells[name].to_pylist() for name in OF_CELL}
        self._places = {cell_id: place for place, cell_id in enumerate(filled(cells["cell_id"], str))}

    def to_read(self, choice: Mapping[str, Any]) -> CellToRead:
        """The cell of a row of a choice, which its scene is to supply.

        Args:
            choice: with cell_id, the ids of one or two scenes, and the measures.
        """
        place = self._places[choice["cell_id"]]
        of_cell: dict[str, Any] = {name: values[place] for name, values in self._columns.items()}
        measures = Measures(**{name: choice[name] for name in MEASURES})
        scenes = {name: choice[name] for name in ("scene_id", SECOND_SCENE)}
        return CellToRead(**scenes, measures=measures, **of_cell)
