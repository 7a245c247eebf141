"""Spark side of reading: tasks go out, complete chip rows come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, cast

from claylake.catalogue.scene import Scene
from claylake.vocabulary import CHIPS
from spark.chips.make import make_chips
from spark.extraction.arrow_batch import batch_of, rows_of_stream, stream_of
from spark.extraction.batches import OF_CELL, CellToRead, by_scene, tasks
from spark.lake.columns import Columns
from spark.lake.tables import LINEAGE, TABLES
from spark.reading.gdal import environment
from spark.reading.strips import CellIndex
from spark.sentinel2.scl import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from spark.chips.make import ReadCell

READ_CELLS = TABLES[CHIPS].columns.without(*LINEAGE) + Columns(
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
"""A row per cell read: a chip's columns (without lineage), and what `spark.chips.make` says of the reading.

`problem` is a reason code and `detail` its message; where they are null there is a chip."""
_CELLS = TABLES[CHIPS].columns.only(*OF_CELL) + Columns(dict.fromkeys(MEASURES, "double"))
"""What a chip's row repeats of its cell and of observing it."""
_WORK = Columns({"document": "string", "radiometry": "string", "cells": "binary"})
_ROWS = 32
"""Chips of an Arrow batch: 16 MB."""


class _Work(TypedDict):
    document: str
    radiometry: str
    cells: bytes


class _Cell(TypedDict):
    """The part of `_CELLS` that is read here; all of it goes into the chip's row."""

    cell_id: str
    col: int
    row: int


def read(
    spark: SparkSession, scenes: Mapping[str, Scene], radiometry: Mapping[str, str], cells: Sequence[CellToRead]
) -> DataFrame:
    """`READ_CELLS` for cells of some scenes.

    Args:
        spark: session.
        scenes: by id.
        radiometry: of these scenes, by id: what is done to their DN.
        cells: of these scenes.
    """
    grouped = by_scene(cells)
    slots = -(-spark.sparkContext.defaultParallelism // len(grouped))
    work = [
        (scenes[scene_id].model_dump_json(), radiometry[scene_id], _packed(part))
        for scene_id, members in grouped.items()
        for part in tasks(members, slots)
    ]
    frame = spark.createDataFrame(work, _WORK.spark)
    return frame.repartition(len(work)).mapInArrow(_read, READ_CELLS.spark)


def _packed(cells: Iterable[CellToRead]) -> bytearray:
    """Cells as one Arrow stream."""
    return bytearray(stream_of(({**vars(cell), **cell.measures.columns()} for cell in cells), _CELLS))


def _read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    with environment():
        for batch in batches:
            work = cast("list[_Work]", batch.to_pylist())
            for item in work:
                rows: list[dict[str, object]] = []
                for row in _rows(item):
                    rows.append(row)
                    if len(rows) == _ROWS:
                        yield batch_of(rows, READ_CELLS)
                        rows = []
                if rows:
                    yield batch_of(rows, READ_CELLS)


def _rows(item: _Work) -> Iterator[dict[str, object]]:
    """`READ_CELLS` of one task, as the cells are read."""
    scene = Scene.model_validate_json(item["document"])
    cells: list[_Cell] = rows_of_stream(item["cells"])
    by_index = {CellIndex(col=cell["col"], row=cell["row"]): cell for cell in cells}
    of_scene = {
        "scene_id": scene.id,
        "datetime": scene.datetime,
        "pass": scene.pass_id,
        "collection": scene.collection,
        "baseline": scene.baseline,
        "radiometry": item["radiometry"],
    }
    for read_cell in make_chips(scene, by_index, item["radiometry"]):
        cell = by_index[read_cell.index]
        yield {**cell, **of_scene, "id": f"{cell['cell_id']}_{scene.pass_id}", **_result(read_cell)}


def _result(read_cell: ReadCell) -> dict[str, object]:
    chip, error = read_cell.chip, read_cell.error
    return {
        "clay_tensor": chip.clay_tensor if chip else None,
        "geotiff": chip.geotiff if chip else None,
        "content_digest": chip.content_digest if chip else None,
        "problem": error.reason if error else None,
        "detail": str(error) if error else None,
        "clear_pixels": read_cell.evidence.clear_pixels,
        "below_1000": read_cell.evidence.below_1000,
        "requests": read_cell.traffic.requests,
        "downloaded": read_cell.traffic.downloaded,
        "seconds": read_cell.seconds,
    }
