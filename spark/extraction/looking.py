"""Spark side of the first look: scenes go out with their cells, measures come back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from claylake.grid import Cell
from claylake.scene import Scene
from spark.extraction.errors import ExtractError
from spark.extraction.ledger import Entry
from spark.lake.columns import Columns
from spark.observe import MEASURES, observe
from spark.reading.gdal import environment, traffic
from spark.reading.strips import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

SEEN = (
    Columns(
        {
            "cell_id": "string",
            "pass": "string",
            "scene_id": "string",
            "preference": "int",
            "problem": "string",
            "detail": "string",
        }
    )
    + Columns(dict.fromkeys(MEASURES, "double"))
    + Columns({"requests": "bigint", "downloaded": "bigint", "seconds": "double"})
)
"""A row per (cell, scene). `requests`, `downloaded` (bytes) and `seconds` stand on one row of each scene."""
_DOCUMENTS = Columns({"scene_id": "string", "preference": "int", "document": "string"})
_TASKS_PER_SLOT = 8


def look(
    spark: SparkSession, candidates: DataFrame, scenes: Sequence[Scene], preferences: Mapping[str, int]
) -> DataFrame:
    """`SEEN` for every candidate (see `spark.candidates`)."""
    from pyspark.sql import functions as f

    rows = [(scene.id, preferences[scene.id], scene.model_dump_json()) for scene in scenes]
    documents = spark.createDataFrame(rows, _DOCUMENTS.spark)
    tasks = max(1, min(len(scenes), _TASKS_PER_SLOT * spark.sparkContext.defaultParallelism))
    work = (
        candidates.groupBy("scene_id")
        .agg(f.collect_list("col").alias("cols"), f.collect_list("row").alias("rows"))
        .join(f.broadcast(documents), on="scene_id", how="inner")
        .select("preference", "document", "cols", "rows")
        .repartition(tasks)
    )
    return work.mapInArrow(_look, SEEN.spark)


def _look(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    schema = SEEN.arrow
    with environment():
        for batch in batches:
            for item in batch.to_pylist():
                yield pa.RecordBatch.from_pylist(_rows(item), schema=schema)


def _rows(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    scene = Scene.model_validate_json(item["document"])
    before, clock = traffic(), time.monotonic()
    rows = [
        seen
        | {
            "cell_id": Cell(epsg=scene.epsg, col=seen["col"], row=seen["row"]).id,
            "pass": scene.pass_id,
            "scene_id": scene.id,
            "preference": item["preference"],
            "requests": 0,
            "downloaded": 0,
            "seconds": 0.0,
        }
        for seen in observe(scene, map(Place, item["cols"], item["rows"]))
    ]
    if len(rows) != len(item["cols"]):
        raise ExtractError(f"scene {scene.id}: {len(item['cols'])} cells to look at, {len(rows)} seen")
    spent = traffic() - before
    rows[0] |= {"requests": spent.requests, "downloaded": spent.downloaded, "seconds": time.monotonic() - clock}
    return rows


def looked(seen: DataFrame) -> dict[str, tuple[int, Entry]]:
    """Scene id to its number of candidates and what the look took."""
    from pyspark.sql import functions as f

    names = ("requests", "downloaded", "seconds")
    rows = seen.groupBy("scene_id").agg(f.count("*").alias("cells"), *(f.sum(name).alias(name) for name in names))
    return {row["scene_id"]: (row["cells"], Entry(**{name: row[name] for name in names})) for row in rows.collect()}
