"""Spark side of reading: whole scenes go out, files of chips are written, and facts about them come back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from claylake.catalogue.scene import Scene
from spark.chips.make import make_chips
from spark.datafiles.writer import FileWriter, Target
from spark.extraction.batches import OF_CELL, CellToRead
from spark.extraction.reading_log import Reading
from spark.lake.tables import SECOND_SCENE
from spark.reading.gdal import environment
from spark.reading.strips import CellIndex

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from pyspark.sql import SparkSession

    from spark.chips.make import ReadCell
    from spark.datafiles.parquet import DataFile
    from spark.progress import Counts
    from spark.sentinel2.radiometry import Evidence


@dataclass(frozen=True, kw_only=True)
class Part:
    """A task: cells of one scene, or of two halves, to be read by a radiometry. `scene` and `second`: as JSON."""

    scene_id: str
    scene: str
    radiometry: str
    cells: tuple[CellToRead, ...]
    second: str | None = None


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """What all rows of an attempt say of it: the run's id, and its time (UTC)."""

    run_id: str
    created_at: dt.datetime


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A cell without a chip: why, as a reason code and its message."""

    cell_id: str
    reason: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class PartRead:
    """What became of a task: files with the chips, cells without one, and what reading found and took.

    `readings`: by scene id, one or two, the first first; what both took is the first one's.
    """

    files: tuple[DataFile, ...]
    problems: tuple[Problem, ...]
    readings: Mapping[str, Reading]

    @property
    def scene_ids(self) -> tuple[str, ...]:
        """The scenes that were read, one or two."""
        return tuple(self.readings)

    @property
    def second_scene_id(self) -> str | None:
        """That of a second half."""
        return self.scene_ids[1] if len(self.readings) > 1 else None


def read(
    spark: SparkSession, parts: Sequence[Part], target: Target, lineage: Lineage, counts: Counts
) -> list[PartRead]:
    """Read parts of scenes, each in a task of its own, and write their chips: one job, and no pixel comes back.

    Args:
        spark: session.
        parts: in the order in which they are begun.
        target: where files go.
        lineage: of the rows.
        counts: tasks count their cells with it.
    """
    # Not `createDataFrame(...).repartition(...)`, which deals rows unevenly: two to one task, none to another.
    work = spark.sparkContext.parallelize(parts, len(parts))
    task = partial(read_part, target=target, lineage=lineage, counts=counts.of_job())
    done: list[PartRead] = work.map(task).collect()
    return done


def read_part(part: Part, target: Target, lineage: Lineage, counts: Counts) -> PartRead:
    """Read the cells of a part and write a file for each partition of the table.

    Args:
        part: what to read.
        target: where files go.
        lineage: of the rows.
        counts: cells are counted with it, read or not.

    Raises:
        StoreError: a file cannot be written.
    """
    scene = Scene.model_validate_json(part.scene)
    second = None if part.second is None else Scene.model_validate_json(part.second)
    by_index = {CellIndex(col=cell.col, row=cell.row): cell for cell in part.cells}
    of_scene = {
        "scene_id": scene.id,
        SECOND_SCENE: None if second is None else second.id,
        "datetime": scene.datetime,
        "pass": scene.pass_id,
        "collection": scene.collection,
        "baseline": scene.baseline,
        "radiometry": part.radiometry,
        **vars(lineage),
    }
    rows = {index: {**_of_cell(cell, scene), **of_scene} for index, cell in by_index.items()}
    problems, reading, of_second = [], Reading(), Reading()
    with environment(), counts.of_task() as counter, FileWriter(target, scene.id, rows.values()) as writer:
        for read_cell in make_chips(scene, by_index, part.radiometry, second):
            row, reading = rows[read_cell.index], reading + _reading(read_cell)
            of_second += _evidence(read_cell.second_evidence)
            counter.add(1, read_cell.traffic.downloaded)
            chip = read_cell.chip
            if chip is not None:
                blobs = {"clay_tensor": chip.clay_tensor, "geotiff": chip.geotiff}
                writer.take({**row, **blobs, "content_digest": chip.content_digest})
            elif read_cell.error is not None:
                writer.give_up(row)
                cell_id, error = by_index[read_cell.index].cell_id, read_cell.error
                problems.append(Problem(cell_id=cell_id, reason=error.reason, detail=str(error)))
        files = writer.files()
    readings = {scene.id: reading} | ({} if second is None else {second.id: of_second})
    return PartRead(files=files, problems=tuple(problems), readings=readings)


def _of_cell(cell: CellToRead, scene: Scene) -> dict[str, Any]:
    """What a chip's row repeats of its cell and of observing it, and the chip's id."""
    repeated = {name: getattr(cell, name) for name in OF_CELL}
    return {**repeated, **cell.measures.columns(), "id": f"{cell.cell_id}_{scene.pass_id}"}


def _evidence(evidence: Evidence) -> Reading:
    return Reading(clear_pixels=evidence.clear_pixels, below_1000=evidence.below_1000)


def _reading(read_cell: ReadCell) -> Reading:
    return _evidence(read_cell.evidence) + Reading(
        requests=read_cell.traffic.requests,
        downloaded=read_cell.traffic.downloaded,
        seconds=read_cell.seconds,
    )
