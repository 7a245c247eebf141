"""A batch: its scenes read, their chips written to files, the scenes checked by their pixels, good files committed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from claylake.vocabulary import CHIPS
from spark.extraction.batches import CellToRead, by_scene, by_supply, deal
from spark.extraction.read_failures import ReadFailures
from spark.extraction.reading import Lineage, Part, PartRead, read
from spark.extraction.reading_log import Reading, ReadingLog
from spark.lake import replacing
from spark.lake.append import Appender, discard
from spark.progress import Counts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pyspark.sql import SparkSession

    from claylake.catalogue.scene import Scene
    from spark.datafiles.parquet import DataFile
    from spark.extraction.quarantine import Quarantine


@dataclass(frozen=True, kw_only=True)
class ReadBatch:
    """A batch whose chips lie in files of `folder`, not yet part of the table.

    `cells`: by scene id, those that were read. `radiometry`: by scene id, that by which they were read.
    """

    name: str
    folder: str
    cells: Mapping[str, list[str]]
    radiometry: Mapping[str, str]
    parts: Sequence[PartRead]


@dataclass(kw_only=True)
class ChipWriter:
    """Writes chips to the branch. `log` and `failures` grow with every batch.

    `scenes`: the manifest, by id. `lineage`: of new rows. `found`: chips that were read, and were on the branch
    already when they were to be committed: another attempt at the run has written them. `counts`: of the stage.
    """

    spark: SparkSession
    appender: Appender
    scenes: Mapping[str, Scene]
    lineage: Lineage
    log: ReadingLog
    failures: ReadFailures
    quarantine: Quarantine
    found: int = field(default=0, init=False)
    counts: Counts = field(default_factory=Counts.none, init=False)

    @property
    def slots(self) -> int:
        """Tasks that run at a time."""
        return self.spark.sparkContext.defaultParallelism

    def read(self, cells: Sequence[CellToRead]) -> ReadBatch:
        """Read cells of whole scenes, and write their chips to files."""
        grouped = by_scene(cells)
        tasks = deal(by_supply(cells), self.slots)
        radiometry = self._radiometry(grouped)
        name = uuid.uuid4().hex
        target = self.appender.target(name)
        parts = [
            Part(
                scene_id=scene_id,
                scene=self.scenes[scene_id].model_dump_json(),
                radiometry=radiometry[scene_id],
                cells=tuple(members),
                second=self.scenes[others[0]].model_dump_json() if others else None,
            )
            for (scene_id, *others), members in tasks
        ]
        try:
            done = read(self.spark, parts, target, self.lineage, self.counts)
        except BaseException:
            discard(target.folder, ())
            raise
        return ReadBatch(
            name=name,
            folder=target.folder,
            cells={scene_id: [cell.cell_id for cell in members] for scene_id, members in grouped.items()},
            radiometry=radiometry,
            parts=done,
        )

    def commit(self, batch: ReadBatch) -> int:
        """Put the chips of a batch on the branch; gives by how many chips of this attempt the branch grew.

        Scenes are judged before any chip is committed: one that is quarantined leaves none, nor do its earlier chips
        stay; one whose pixels decide against the radiometry that it was read by leaves none now, and is read again.
        """
        self.log.add(batch.cells, readings(batch.parts))
        lost = self.quarantine.judge(batch.cells)
        self.failures.cells.update(
            {
                (problem.cell_id, part.scene_ids[0], part.second_scene_id): (problem.reason, problem.detail)
                for part in batch.parts
                for problem in part.problems
            }
        )
        now = self._radiometry(batch.cells)
        usable = {scene for scene in now if now[scene] == batch.radiometry[scene]} - set(self.failures.quarantined)
        good = [file for part in batch.parts if _is_good(part, usable, now) for file in part.files]
        self._make_room(good, batch)
        # Where this fails nothing is deleted: a commit whose answer was lost may have succeeded.
        kept = self.appender.append(good, batch.name)
        discard(batch.folder, kept)
        made = sum(len(file.keys) for file in kept)
        self.found += sum(len(file.keys) for file in good) - made
        return made - lost

    def _make_room(self, files: Sequence[DataFile], batch: ReadBatch) -> None:
        """Where the run replaces chips, delete those of an older baseline than these files hold."""
        scope = self.appender.scope
        if not (files and replacing.replaces(scope.plan)):
            return
        good = {file.uri for file in files}
        rows = [
            {"id": key, "baseline": self.scenes[part.scene_ids[0]].baseline}
            for part in batch.parts
            for file in part.files
            if file.uri in good
            for key in file.keys
        ]
        replacing.make_room(self.spark, scope.plan, replacing.BASELINES.frame(self.spark, rows), scope.bounds(CHIPS))

    def _radiometry(self, scene_ids: Iterable[str]) -> dict[str, str]:
        """What is done to the DN of these scenes, as far as is known, by scene id."""
        verdicts = self.quarantine.verdicts
        return {scene_id: verdicts.decision(self.scenes[scene_id]).radiometry for scene_id in scene_ids}


def readings(parts: Iterable[PartRead]) -> dict[str, Reading]:
    """What the tasks of a batch say of each scene, by its id."""
    found: dict[str, Reading] = {}
    for part in parts:
        for scene_id, reading in part.readings.items():
            found[scene_id] = found.get(scene_id, Reading()) + reading
    return found


def _is_good(part: PartRead, usable: Collection[str], radiometry: Mapping[str, str]) -> bool:
    """Whether a part's chips may be kept: those of two halves only where both are of one radiometry.

    Args:
        part: of a batch.
        usable: ids of scenes that were read as they are to be.
        radiometry: what is done to the DN of each scene.
    """
    return all(scene in usable for scene in part.scene_ids) and len({radiometry[one] for one in part.scene_ids}) == 1
