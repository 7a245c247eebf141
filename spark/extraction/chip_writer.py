"""A batch: read it, check its scenes by their pixels, write the good chips."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake.vocabulary import CHIPS
from spark.extraction.batches import CellToRead, by_scene
from spark.extraction.read_failures import ReadFailures
from spark.extraction.reading import read
from spark.extraction.reading_log import Reading, ReadingLog
from spark.lake import merge, replacing
from spark.lake.bounds import extent_of_rows, from_micros
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame, Row, SparkSession

    from claylake.catalogue.scene import Scene
    from claylake.plan import Plan
    from spark.extraction.quarantine import Quarantine

_OF_READING = ("clear_pixels", "below_1000", "requests", "downloaded", "seconds")
_SHORT = ("id", "cell_id", "scene_id", "geohash", "problem", "detail", *_OF_READING)
"""All of a batch but its blobs, in one job: a few thousand short rows, from which the driver counts the rest."""


@dataclass(frozen=True, kw_only=True)
class ReadRow:
    """A row of `spark.extraction.reading.READ_CELLS` without its blobs; `datetime` is UTC."""

    id: str
    cell_id: str
    scene_id: str
    geohash: str
    datetime: dt.datetime
    problem: str | None
    detail: str | None
    reading: Reading

    @classmethod
    def of(cls, row: Row) -> ReadRow:
        """A collected row of `_SHORT`, with its datetime in `micros` since 1970."""
        return cls(
            id=row["id"],
            cell_id=row["cell_id"],
            scene_id=row["scene_id"],
            geohash=row["geohash"],
            datetime=from_micros(row["micros"]),
            problem=row["problem"],
            detail=row["detail"],
            reading=Reading(**{name: row[name] or 0 for name in _OF_READING}),
        )


@dataclass(frozen=True, kw_only=True)
class ChipWriter:
    """Writes chips to the branch. `log` and `failures` grow with every batch.

    `scenes`: the manifest, by id. `created_at`: the time that new rows carry.
    """

    spark: SparkSession
    plan: Plan
    scenes: Mapping[str, Scene]
    created_at: dt.datetime
    log: ReadingLog
    failures: ReadFailures
    quarantine: Quarantine

    def write(self, cells: Sequence[CellToRead]) -> int:
        """Read cells of whole scenes and write their chips; gives by how many chips of this attempt the branch grew.

        Scenes are judged before any chip is written: one that is quarantined leaves none, nor do its earlier chips
        stay; one whose pixels decide against the radiometry that it was read by leaves none now, and is read again.
        """
        from pyspark.sql import functions as f

        cells_of = {scene: [cell.cell_id for cell in members] for scene, members in by_scene(cells).items()}
        radiometry = self._radiometry(cells_of)
        with _on_disk(read(self.spark, self.scenes, radiometry, cells)) as made:
            short = made.select(*_SHORT, f.unix_micros("datetime").alias("micros"))
            rows = [ReadRow.of(row) for row in short.collect()]
            self.log.add(cells_of, readings(rows))
            lost = self.quarantine.judge(cells_of)
            self.failures.cells.update(
                {(row.cell_id, row.scene_id): (row.problem, row.detail) for row in rows if row.problem}
            )
            now = self._radiometry(cells_of)
            usable = {scene for scene in now if now[scene] == radiometry[scene]} - set(self.failures.quarantined)
            kept = [row for row in rows if not row.problem and row.scene_id in usable]
            # Named one by one: chips read anew, because their executor was lost, are written only if they were counted.
            good = made.where(f.col("problem").isNull() & f.col("id").isin([row.id for row in kept])).withColumns(
                {"run_id": f.lit(self.plan.run.run_id), "created_at": f.lit(self.created_at)}
            )
            extent = extent_of_rows(map(vars, kept), TABLES[CHIPS])
            if replacing.replaces(self.plan) and extent.bounds is not None:
                baselines = [{"id": row.id, "baseline": self.scenes[row.scene_id].baseline} for row in kept]
                older = replacing.BASELINES.frame(self.spark, baselines)
                replacing.make_room(self.spark, self.plan, older, extent.bounds)
            return merge.insert_only(self.spark, self.plan, CHIPS, good, cheap=True, extent=extent) - lost

    def _radiometry(self, scene_ids: Iterable[str]) -> dict[str, str]:
        """What is done to the DN of these scenes, as far as is known, by scene id."""
        verdicts = self.quarantine.verdicts
        return {scene_id: verdicts.decision(self.scenes[scene_id]).radiometry for scene_id in scene_ids}


def readings(rows: Iterable[ReadRow]) -> dict[str, Reading]:
    """What the rows of a batch say of each scene, by its id."""
    found: dict[str, Reading] = {}
    for row in rows:
        found[row.scene_id] = found.get(row.scene_id, Reading()) + row.reading
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
