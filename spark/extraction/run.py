"""The extract step from plan to report."""

from __future__ import annotations

import io
import logging
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from claylake import store
from claylake.manifest import read_manifest
from claylake.plan import CELLS, MANIFEST
from claylake.reports import ExtractReport
from claylake.vocabulary import FAILED, OBSERVATIONS, REJECTED
from spark.choose import PRESENT, READ, Rules
from spark.extraction.admitting import Gate
from spark.extraction.at_hand import chips_at_hand
from spark.extraction.batches import batches
from spark.extraction.candidates import candidates
from spark.extraction.choosing import choose_all, with_troubles
from spark.extraction.errors import ExtractError
from spark.extraction.ledger import Entry, Ledger
from spark.extraction.looking import look
from spark.extraction.outcomes import observations
from spark.extraction.progress import Progress
from spark.extraction.scene_rows import SceneRows, tally, write
from spark.extraction.troubles import Troubles
from spark.footprints import sound
from spark.lake import branches, merge
from spark.preference import preferences

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from claylake.plan import Plan

_log = logging.getLogger(__name__)


def extract(spark: SparkSession, plan: Plan) -> ExtractReport:
    """Make the chips of a plan on its branch, an outcome for every (cell, pass), and the report.

    Safe to kill and to run again: chips go by id, and what exists is not read again.

    Raises:
        ExtractError: the books do not balance.
        StoreError: plan files are missing.
    """
    start = time.monotonic()
    branches.open_branches(spark, plan)
    if plan.work != "full":
        return _nothing(plan, start)
    return _Extraction(spark, plan).run(start)


def _nothing(plan: Plan, start: float) -> ExtractReport:
    return ExtractReport(
        seconds=time.monotonic() - start,
        scenes=0,
        passes=0,
        candidates=0,
        chips=0,
        present=0,
        rejected={},
        failed={},
        scene_status={},
        bytes_read=0,
        message=f"nothing to read: the plan's work is {plan.work!r}",
    )


class _Extraction:
    """One run; holds what its stages share."""

    def __init__(self, spark: SparkSession, plan: Plan) -> None:
        self._spark = spark
        self._plan = plan
        self._cells = read_cells_table(plan)
        self._manifest = read_manifest(plan.uri(MANIFEST))
        self._scenes, self._unsound = sound(self._manifest)
        self._rules = Rules.of(plan.settings.selection)
        self._gate = Gate(
            spark=spark,
            plan=plan,
            scenes={scene.id: scene for scene in self._manifest},
            created_at=datetime.now(UTC),
            ledger=Ledger(plan),
            troubles=Troubles(),
        )

    def run(self, start: float) -> ExtractReport:
        """All stages."""
        for scene in self._scenes:
            self._gate.judge(scene.id)
        seen = self._look()
        choice, present = self._read_all(seen)
        at_hand = self._at_hand()
        rows = observations(self._plan, choice, at_hand, self._cells, self._scenes, self._gate.created_at)
        written = merge.upsert(self._spark, self._plan, OBSERVATIONS, rows)
        _log.info("observations: %d new or changed", written)
        scene_rows = self._scene_rows(choice, at_hand)
        write(self._spark, self._plan, scene_rows)
        return self._report(choice, present, scene_rows, time.monotonic() - start)

    def _look(self) -> DataFrame:
        ranks = preferences(self._scenes, self._plan.settings.selection.collections)
        found = candidates(self._spark, self._cells, self._scenes)
        seen = _kept(look(self._spark, found, self._scenes, ranks))
        self._seen = seen.count()
        _log.info("%d scenes, %d cells: looked at %d (cell, scene)", len(self._scenes), len(self._cells), self._seen)
        self._looked = _looked(seen)
        return seen

    def _at_hand(self) -> DataFrame:
        return chips_at_hand(self._spark, self._plan, self._cells)

    def _read_all(self, seen: DataFrame) -> tuple[DataFrame, int]:
        """Rounds of choosing and reading, until nothing is left to read.

        What failed in one round is replaced in the next, by another scene of the pass or another pass.

        Returns:
            The final choice, and how many of its chips existed before.
        """
        present: int | None = None
        while True:
            troubled = with_troubles(seen, self._gate.troubles)
            choice = _kept(choose_all(troubled, self._seen, self._at_hand(), self._rules))
            counts = _outcomes(choice)
            present = counts[PRESENT] if present is None else present
            if not counts[READ]:
                return choice, present
            before = len(self._gate.troubles.cells) + len(self._gate.troubles.quarantined)
            new = self._read_round(choice, counts[READ])
            after = len(self._gate.troubles.cells) + len(self._gate.troubles.quarantined)
            if new == 0 and after == before:
                raise ExtractError(
                    f"{counts[READ]} chips were read, but neither written nor refused: run the step again"
                )
            choice.unpersist()

    def _read_round(self, choice: DataFrame, total: int) -> int:
        from pyspark.sql import functions as f

        wanted = choice.where(f.col("outcome") == READ)
        numbers = {row["scene_id"]: row["count"] for row in wanted.groupBy("scene_id").count().collect()}
        progress = Progress("chips", total)
        new = 0
        for batch in batches(numbers):
            rows = wanted.where(f.col("scene_id").isin(list(batch.scene_ids))).collect()
            new += self._gate.admit([row.asDict() | self._place(row["cell_id"]) for row in rows])
            progress.add(batch.chips)
        return new

    def _place(self, cell_id: str) -> dict[str, Any]:
        if not hasattr(self, "_index"):
            self._index = {name: number for number, name in enumerate(self._cells["cell_id"].to_pylist())}
        row: dict[str, Any] = self._cells.slice(self._index[cell_id], 1).to_pylist()[0]
        return row

    def _scene_rows(self, choice: DataFrame, at_hand: DataFrame) -> list[dict[str, Any]]:
        maker = SceneRows(
            self._plan,
            looked=self._looked,
            counts=tally(choice, at_hand),
            ledger=self._gate.ledger,
            troubles=self._gate.troubles,
            footprints=self._unsound,
        )
        return [maker.row(scene, self._gate.created_at) for scene in self._manifest]

    def _report(
        self, choice: DataFrame, present: int, scene_rows: list[dict[str, Any]], seconds: float
    ) -> ExtractReport:
        counts = _outcomes(choice)
        rejected = {key.removeprefix(REJECTED): n for key, n in counts.items() if key.startswith(REJECTED)}
        failed = {key.removeprefix(FAILED): n for key, n in counts.items() if key.startswith(FAILED)}
        chips = counts[PRESENT] - present
        total = choice.count()
        if total != counts[PRESENT] + sum(rejected.values()) + sum(failed.values()):
            raise ExtractError(f"{total} (cell, pass) were planned, but the outcomes are {dict(counts)}")
        return ExtractReport(
            seconds=seconds,
            scenes=len(self._manifest),
            passes=choice.select("pass").distinct().count(),
            candidates=total,
            chips=chips,
            present=present,
            rejected=rejected,
            failed=failed,
            scene_status=dict(Counter(row["status"] for row in scene_rows)),
            bytes_read=sum(row["bytes_read"] for row in scene_rows),
            message=f"{chips} chips made, {present} at hand, {sum(rejected.values())} rejected, "
            f"{sum(failed.values())} failed, of {total} (cell, pass)",
        )


def read_cells_table(plan: Plan) -> pa.Table:
    """The plan's cells.parquet."""
    import pyarrow.parquet as pq

    return pq.read_table(io.BytesIO(store.read(plan.uri(CELLS))))


def _kept(rows: DataFrame) -> DataFrame:
    from pyspark import StorageLevel

    return rows.persist(StorageLevel.DISK_ONLY)


def _outcomes(choice: DataFrame) -> Counter[str]:
    return Counter({row["outcome"]: row["count"] for row in choice.groupBy("outcome").count().collect()})


def _looked(seen: DataFrame) -> dict[str, tuple[int, Entry]]:
    from pyspark.sql import functions as f

    names = ("requests", "downloaded", "seconds")
    rows = seen.groupBy("scene_id").agg(f.count("*").alias("cells"), *(f.sum(name).alias(name) for name in names))
    return {row["scene_id"]: (row["cells"], Entry(**{name: row[name] for name in names})) for row in rows.collect()}
