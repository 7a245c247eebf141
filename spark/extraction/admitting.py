"""A batch: read it, judge its scenes by their pixels, let the good chips in."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claylake.vocabulary import CHIPS
from spark.extraction.batches import by_scene
from spark.extraction.ledger import Entry, Ledger
from spark.extraction.reading import read
from spark.extraction.troubles import Troubles
from spark.lake import merge
from spark.lake.bounds import extent_of_rows, from_micros
from spark.lake.tables import TABLES
from spark.radiometry import LARGEST_LOW_FRACTION, decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pyspark.sql import DataFrame, SparkSession

    from claylake.plan import Plan
    from claylake.scene import Scene

_log = logging.getLogger(__name__)
_OF_SCENE = ("clear_pixels", "below_1000", "requests", "downloaded", "seconds")
_TOLD = ("id", "cell_id", "scene_id", "geohash", "problem", "detail", *_OF_SCENE)
"""All of a batch but its blobs, in one job: a few thousand short rows, from which the driver tells the rest."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Where chips enter the branch. `ledger` and `troubles` grow with every batch.

    `scenes`: the manifest, by id. `created_at`: the time that new rows carry.
    """

    spark: SparkSession
    plan: Plan
    scenes: Mapping[str, Scene]
    created_at: datetime
    ledger: Ledger
    troubles: Troubles

    def judge(self, scene_id: str) -> None:
        """Quarantine the scene if its pixels, as far as the ledger knows them, contradict its metadata."""
        scene = self.scenes[scene_id]
        evidence = self.ledger.of(scene_id).evidence
        decision = decide(scene)
        if scene_id in self.troubles.quarantined or not evidence.contradicts(decision):
            return
        detail = (
            f"{evidence.low_fraction:.2%} of {evidence.clear_pixels} clear pixels are below 1000 (at most "
            f"{LARGEST_LOW_FRACTION:.2%} can be, with the offset still in them), against {decision.rule}"
        )
        self.troubles.quarantined[scene_id] = detail
        _log.warning("scene %s is quarantined: %s", scene_id, detail)

    def admit(self, cells: Sequence[Mapping[str, Any]]) -> int:
        """Read cells of whole scenes and write their chips; gives the number of new chips.

        Evidence is judged before any chip is written: a contradicted scene leaves none.

        Args:
            cells: rows as `spark.extraction.reading.read` takes them.
        """
        from pyspark.sql import functions as f

        with _on_disk(read(self.spark, self.scenes, cells)) as made:
            told = [row.asDict() for row in made.select(*_TOLD, f.unix_micros("datetime").alias("micros")).collect()]
            read_of = {scene: [cell["cell_id"] for cell in members] for scene, members in by_scene(cells).items()}
            self.ledger.add(read_of, entries(told))
            for scene_id in read_of:
                self.judge(scene_id)
            self.troubles.cells.update(
                {(row["cell_id"], row["scene_id"]): (row["problem"], row["detail"]) for row in told if row["problem"]}
            )
            kept = [row for row in told if not row["problem"] and row["scene_id"] not in self.troubles.quarantined]
            # Named one by one: a chip that is read anew, because its executor was lost, is written only if it was told.
            good = made.where(f.col("problem").isNull() & f.col("id").isin([row["id"] for row in kept])).withColumns(
                {"run_id": f.lit(self.plan.run.run_id), "created_at": f.lit(self.created_at)}
            )
            extent = extent_of_rows(({**row, "datetime": from_micros(row["micros"])} for row in kept), TABLES[CHIPS])
            return merge.insert_only(self.spark, self.plan, CHIPS, good, cheap=True, extent=extent)


def entries(told: Iterable[Mapping[str, Any]]) -> dict[str, Entry]:
    """What the rows of a batch tell of each scene."""
    found: dict[str, Entry] = {}
    for row in told:
        entry = Entry(**{name: row[name] or 0 for name in _OF_SCENE})
        found[row["scene_id"]] = found.get(row["scene_id"], Entry()) + entry
    return found


@contextmanager
def _on_disk(rows: DataFrame) -> Iterator[DataFrame]:
    """Rows computed once: chips are too large for memory, and too costly to read twice."""
    from pyspark import StorageLevel

    rows.persist(StorageLevel.DISK_ONLY)
    try:
        yield rows
    finally:
        rows.unpersist()
