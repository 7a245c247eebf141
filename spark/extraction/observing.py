"""Spark side of observing: scenes go out with their cells, measures come back."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypedDict, cast

from claylake.area.grid import Cell
from claylake.catalogue.scene import Scene
from spark.extraction.arrow_batch import batch_of
from spark.extraction.errors import ExtractError
from spark.extraction.reading_log import Reading
from spark.lake.columns import Columns
from spark.lake.tables import SECOND_SCENE
from spark.reading.gdal import environment, traffic
from spark.reading.observe import ObservedCell, observe
from spark.reading.strips import CellIndex
from spark.sentinel2.scl import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from spark.progress import Counts

OBSERVED = (
    Columns(
        {
            "cell_id": "string",
            "pass": "string",
            "scene_id": "string",
            SECOND_SCENE: "string",
            "preference": "int",
            "baseline": "string",
            "problem": "string",
            "detail": "string",
        }
    )
    + Columns(dict.fromkeys(MEASURES, "double"))
    + Columns({"requests": "bigint", "downloaded": "bigint", "seconds": "double"})
)
"""A row per candidate, and one per cell of two halves (`spark.extraction.seams`), which names the second.

`requests`, `downloaded` (bytes) and `seconds` stand on one row of each scene, or two halves.
"""
_DOCUMENTS = Columns({"scene_id": "string", "preference": "int", "document": "string"})
_TASKS_PER_SLOT = 8


class _Work(TypedDict):
    preference: int
    document: str
    cols: list[int]
    rows: list[int]


@dataclass(frozen=True, kw_only=True)
class ObservedScene:
    """How many candidates a scene has, and what observing them took."""

    candidates: int = 0
    reading: Reading = field(default_factory=Reading)


def observe_all(
    spark: SparkSession,
    candidates: DataFrame,
    scenes: Sequence[Scene],
    preferences: Mapping[str, int],
    counts: Counts,
) -> DataFrame:
    """`OBSERVED` for every candidate.

    Args:
        spark: session.
        candidates: as `spark.extraction.candidates` joins them.
        scenes: of these candidates.
        preferences: rank of each scene id.
        counts: tasks count their scenes with it.
    """
    from pyspark.sql import functions as f

    rows = [(scene.id, preferences[scene.id], scene.model_dump_json()) for scene in scenes]
    documents = spark.createDataFrame(rows, _DOCUMENTS.spark)
    work = (
        candidates.groupBy("scene_id")
        .agg(f.collect_list("col").alias("cols"), f.collect_list("row").alias("rows"))
        .join(f.broadcast(documents), on="scene_id", how="inner")
        .select("preference", "document", "cols", "rows")
        .repartition(tasks_of(spark, len(scenes)))
    )
    return work.mapInArrow(partial(_observe, counts=counts.of_job()), OBSERVED.spark)


def tasks_of(spark: SparkSession, scenes: int) -> int:
    """How many tasks observe so many scenes, or pairs of halves."""
    return max(1, min(scenes, _TASKS_PER_SLOT * spark.sparkContext.defaultParallelism))


def _observe(batches: Iterable[pa.RecordBatch], counts: Counts) -> Iterator[pa.RecordBatch]:
    with environment(), counts.of_task() as counter:
        for batch in batches:
            work = cast("list[_Work]", batch.to_pylist())
            for item in work:
                rows = _rows(item)
                counter.add(1, sum(cast("int", row["downloaded"]) for row in rows))
                yield batch_of(rows, OBSERVED)


def _rows(item: _Work) -> list[dict[str, object]]:
    scene = Scene.model_validate_json(item["document"])
    indices = [CellIndex(col=col, row=row) for col, row in zip(item["cols"], item["rows"], strict=True)]
    return rows_of(scene, indices, item["preference"])


def rows_of(
    scene: Scene, indices: Sequence[CellIndex], preference: int, second: Scene | None = None
) -> list[dict[str, object]]:
    """`OBSERVED` of the cells of a scene, or of two halves.

    Args:
        scene: the only or the first one.
        indices: of at least one cell.
        preference: rank of the scene.
        second: another half.

    Raises:
        ExtractError: another number of cells was observed.
    """
    before, clock = traffic(), time.monotonic()
    of_all = {"preference": preference, SECOND_SCENE: None if second is None else second.id}
    rows = [_row(scene, cell) | of_all for cell in observe(scene, indices, second)]
    if len(rows) != len(indices):
        raise ExtractError(f"scene {scene.id}: {len(indices)} cells to observe, {len(rows)} observed")
    spent = traffic() - before
    rows[0] |= {"requests": spent.requests, "downloaded": spent.downloaded, "seconds": time.monotonic() - clock}
    return rows


def _row(scene: Scene, cell: ObservedCell) -> dict[str, object]:
    return {
        "cell_id": Cell(epsg=scene.epsg, col=cell.index.col, row=cell.index.row).id,
        "pass": scene.pass_id,
        "scene_id": scene.id,
        "baseline": scene.baseline,
        "problem": cell.error.reason if cell.error else None,
        "detail": str(cell.error) if cell.error else None,
        **(cell.measures.columns() if cell.measures else dict.fromkeys(MEASURES)),
        "requests": 0,
        "downloaded": 0,
        "seconds": 0.0,
    }


def observed_scenes(observed: DataFrame) -> dict[str, ObservedScene]:
    """What `OBSERVED` says of each scene, by its id; what two halves took is the first one's."""
    from pyspark.sql import functions as f

    names = ("requests", "downloaded", "seconds")
    alone = f.col(SECOND_SCENE).isNull()
    counted = observed.groupBy("scene_id").agg(
        f.count_if(alone).alias("cells"), *(f.sum(name).alias(name) for name in names)
    )
    return {
        row["scene_id"]: ObservedScene(candidates=row["cells"], reading=Reading(**{name: row[name] for name in names}))
        for row in counted.collect()
    }
