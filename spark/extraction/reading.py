"""Spark side of reading: tasks go out, complete chip rows come back."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from claylake.scene import Scene
from claylake.vocabulary import CHIPS
from spark.chips.make import make_chips
from spark.extraction.batches import by_scene, tasks
from spark.lake.columns import Columns
from spark.lake.tables import FRACTIONS, TABLES
from spark.reading.gdal import environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

LINEAGE = ("run_id", "created_at")
MADE = TABLES[CHIPS].columns.without(*LINEAGE) + Columns(
    {
        "problem": "string",
        "detail": "string",
        "clear_pixels": "bigint",
        "below_1000": "bigint",
        "requests": "bigint",
        "downloaded": "bigint",
        "seconds": "double",
    }
)
"""A row per cell read: a chip's columns (without lineage), and what `spark.chips.make` adds."""
_OF_CELL = Columns(
    {
        "cell_id": "string",
        "epsg": "int",
        "col": "int",
        "row": "int",
        "geohash": "string",
        "geometry": "binary",
    }
) + Columns(dict.fromkeys(("xmin", "ymin", "xmax", "ymax", *FRACTIONS, "scl_mean"), "double"))
"""What a chip's row repeats of its cell and of the first look."""
_WORK = Columns({"document": "string", "cells": "binary"})
_ROWS = 32
"""Chips of an Arrow batch: 16 MB."""


def read(spark: SparkSession, scenes: Mapping[str, Scene], cells: Sequence[Mapping[str, Any]]) -> DataFrame:
    """`MADE` for cells of some scenes.

    Args:
        spark: session.
        scenes: by id.
        cells: a row a cell: `scene_id`, place, geometry and first look.
    """
    grouped = by_scene(cells)
    slots = -(-spark.sparkContext.defaultParallelism // len(grouped))
    work = [
        (scenes[scene_id].model_dump_json(), _packed(part))
        for scene_id, members in grouped.items()
        for part in tasks(members, slots)
    ]
    frame = spark.createDataFrame(work, _WORK.spark)
    return frame.repartition(len(work)).mapInArrow(_read, MADE.spark)


def _packed(cells: Iterable[Mapping[str, Any]]) -> bytearray:
    """Rows as one Arrow stream."""
    import pyarrow as pa

    schema = _OF_CELL.arrow
    table = pa.Table.from_pylist([{name: cell[name] for name in _OF_CELL.names} for cell in cells], schema=schema)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(table)
    return bytearray(sink.getvalue())


def _read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    schema = MADE.arrow
    with environment():
        for batch in batches:
            for item in batch.to_pylist():
                scene = Scene.model_validate_json(item["document"])
                cells = pa.ipc.open_stream(item["cells"]).read_all().to_pylist()
                rows: list[dict[str, Any]] = []
                for row in make_chips(scene, cells):
                    rows.append(row)
                    if len(rows) == _ROWS:
                        yield pa.RecordBatch.from_pylist(rows, schema=schema)
                        rows = []
                if rows:
                    yield pa.RecordBatch.from_pylist(rows, schema=schema)
