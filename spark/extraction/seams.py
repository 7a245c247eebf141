"""Cells on the seam between two halves of one tile-date, observed in both together, where neither alone is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, cast

from claylake.area.grid import Cell
from claylake.catalogue.scene import Scene
from spark.extraction.arrow_batch import batch_of
from spark.extraction.observing import OBSERVED, rows_of, tasks_of
from spark.lake.columns import Columns
from spark.lake.tables import SECOND_SCENE
from spark.reading.gdal import environment
from spark.reading.strips import CellIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from spark.extraction.quarantine import Quarantine

Pairs = list[tuple[Scene, Scene]]
"""Halves, as `claylake.catalogue.halves` pairs them."""
_PAIRS = Columns(
    {"scene_id": "string", SECOND_SCENE: "string", "preference": "int", "document": "string", "other": "string"}
)
_SEEN = ("problem", "detail", "nodata_frac")


class _Work(TypedDict):
    preference: int
    document: str
    other: str
    cells: list[str]


def observe_seams(
    observed: DataFrame, pairs: Pairs, preferences: Mapping[str, int], max_nodata_frac: float
) -> DataFrame:
    """`OBSERVED` of each cell that two halves may complete: of both together, with the second's id.

    They may where neither is whole, and both together can be by their shares of nodata. Where one of them cannot be
    used, what is missing of the cell is not known: then its problem is that of both.

    Args:
        observed: `OBSERVED` of the scenes, persisted.
        pairs: of these scenes; at least one.
        preferences: rank of each scene id.
        max_nodata_frac: with more a cell is not whole.
    """
    from pyspark.sql import functions as f

    spark = observed.sparkSession
    rows = [
        (
            one.id,
            other.id,
            min(preferences[one.id], preferences[other.id]),
            one.model_dump_json(),
            other.model_dump_json(),
        )
        for one, other in pairs
    ]
    of_pairs = spark.createDataFrame(rows, _PAIRS.spark)
    key = ["scene_id", SECOND_SCENE]
    met = of_halves(observed, of_pairs.select(*key), max_nodata_frac).persist()
    unknown = met.where("problem IS NOT NULL").select(
        *(f.col(name) if name in met.columns else f.lit(None).alias(name) for name in OBSERVED.names)
    )
    work = (
        met.where("problem IS NULL")
        .groupBy(*key)
        .agg(f.collect_list("cell_id").alias("cells"))
        .join(f.broadcast(of_pairs), on=key, how="inner")
        .select("preference", "document", "other", "cells")
        .repartition(tasks_of(spark, len(pairs)))
    )
    return work.mapInArrow(_observe, OBSERVED.spark).unionByName(unknown)


def of_halves(observed: DataFrame, pairs: DataFrame, most: float) -> DataFrame:
    """A row for each cell to observe in two halves, with columns of `OBSERVED` and the problem of one that has any.

    Args:
        observed: `OBSERVED` of the scenes.
        pairs: their ids, `scene_id` and `second_scene_id`.
        most: share of nodata with which a cell is whole.
    """
    from pyspark.sql import functions as f

    shown = ("cell_id", "pass", "scene_id", "preference", "baseline", *_SEEN)
    one = observed.select(*shown).join(f.broadcast(pairs), on="scene_id", how="inner")
    other = observed.select("cell_id", f.col("scene_id").alias(SECOND_SCENE), *(f.col(n).alias(f"_{n}") for n in _SEEN))
    second = other.join(f.broadcast(pairs.select(SECOND_SCENE).distinct()), on=SECOND_SCENE, how="left_semi")
    whole = " OR ".join(f"({name}problem IS NULL AND {name}nodata_frac <= {most}D)" for name in ("", "_"))
    # A half without any data there has nothing that could be joined.
    part = " OR ".join(f"({name}problem IS NULL AND {name}nodata_frac < 1)" for name in ("", "_"))
    unknown = f"(problem IS NULL) <> (_problem IS NULL) AND ({part})"
    whole_together = f"problem IS NULL AND _problem IS NULL AND nodata_frac + _nodata_frac - 1 <= {most}D"
    return (
        one.join(second, on=["cell_id", SECOND_SCENE], how="inner")
        .where(f"NOT ({whole}) AND (({unknown}) OR ({whole_together}))")
        .withColumn("detail", f.coalesce("detail", "_detail"))
        .withColumn("problem", f.coalesce("problem", "_problem"))
        .select("cell_id", "pass", "scene_id", SECOND_SCENE, "preference", "baseline", "problem", "detail")
    )


def apart(pairs: Pairs, quarantine: Quarantine) -> list[tuple[str, str]]:
    """Ids of the halves that are not to be joined: of different radiometry, by all that is known, or quarantined.

    Args:
        pairs: of the run's scenes.
        quarantine: of the run.
    """
    decision, refused = quarantine.verdicts.decision, quarantine.failures.quarantined
    return [
        (one.id, other.id)
        for one, other in pairs
        if decision(one).radiometry != decision(other).radiometry or {one.id, other.id} & refused.keys()
    ]


def _observe(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    with environment():
        for batch in batches:
            for item in cast("list[_Work]", batch.to_pylist()):
                yield batch_of(_rows(item), OBSERVED)


def _rows(item: _Work) -> list[dict[str, object]]:
    one, other = (Scene.model_validate_json(document) for document in (item["document"], item["other"]))
    return rows_of(one, _indices(item["cells"]), item["preference"], other)


def _indices(cell_ids: Sequence[str]) -> list[CellIndex]:
    return [CellIndex(col=cell.col, row=cell.row) for cell in map(Cell.parse, cell_ids)]
