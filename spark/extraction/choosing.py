"""Spark side of the choice: cells are dealt into buckets, each chosen for on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark.lake.columns import Columns
from spark.lake.tables import SECOND_SCENE
from spark.sentinel2.choose import EXISTING, Rules, choose
from spark.sentinel2.scl import MEASURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from pyspark.sql import Column, DataFrame

    from spark.extraction.read_failures import ReadFailures

CHOICE = Columns(
    {
        "cell_id": "string",
        "pass": "string",
        "scene_id": "string",
        SECOND_SCENE: "string",
        "outcome": "string",
        "considered": "array<string>",
        "detail": "string",
    }
) + Columns(dict.fromkeys(MEASURES, "double"))
"""A row per (cell, pass)."""
_LOST = Columns(dict.fromkeys(("_cell", "_scene", "_second", "_problem", "_detail"), "string"))
_APART = Columns(dict.fromkeys(("scene_id", SECOND_SCENE), "string"))
_REFUSED = Columns({"scene_id": "string", "_refused": "string"})
_ROWS_PER_BUCKET = 20_000


def choose_all(observed: DataFrame, number: int, existing: DataFrame, rules: Rules) -> DataFrame:
    """`CHOICE` for every (cell, pass) of `observed`.

    Args:
        observed: `spark.extraction.observing.OBSERVED`, read failures included.
        number: rows of `observed`, about.
        existing: cell_id, pass and baseline of the chips that exist.
        rules: thresholds.
    """
    buckets = 1 + number // _ROWS_PER_BUCKET

    def decide(rows: pd.DataFrame, chips: pd.DataFrame) -> pd.DataFrame:
        # A bucket may hold chips of earlier runs alone.
        return (
            rows.reindex(columns=CHOICE.names)
            if rows.empty
            else choose(rows, chips[list(EXISTING)], rules)[list(CHOICE.names)]
        )

    left = observed.withColumn("_bucket", _bucket(buckets)).groupBy("_bucket")
    right = existing.select(*EXISTING).withColumn("_bucket", _bucket(buckets)).groupBy("_bucket")
    return left.cogroup(right).applyInPandas(decide, CHOICE.spark)


def with_failures(observed: DataFrame, failures: ReadFailures, apart: Sequence[tuple[str, str]] = ()) -> DataFrame:
    """`observed`, where scenes that failed when read cannot be used again.

    Args:
        observed: `spark.extraction.observing.OBSERVED`.
        failures: of the batches so far.
        apart: ids of halves that are not to be joined.
    """
    from pyspark.sql import functions as f

    spark = observed.sparkSession
    if apart:
        rows = spark.createDataFrame(apart, _APART.spark)
        observed = observed.join(f.broadcast(rows), on=list(_APART.names), how="left_anti")
    if not failures:
        return observed
    lost = spark.createDataFrame(failures.rows(), _LOST.spark)
    refused = spark.createDataFrame(sorted(failures.quarantined.items()), _REFUSED.spark)
    reason = f.lit(failures.quarantine_reason)
    same = f"cell_id = _cell AND scene_id = _scene AND {SECOND_SCENE} <=> _second"
    return (
        observed.join(f.broadcast(lost), on=f.expr(same), how="left")
        .join(f.broadcast(refused), on="scene_id", how="left")
        .withColumn("problem", f.coalesce("problem", "_problem", f.when(f.col("_refused").isNotNull(), reason)))
        .withColumn("detail", f.coalesce("detail", "_detail", "_refused"))
        .drop(*_LOST.names, "_refused")
    )


def _bucket(buckets: int) -> Column:
    from pyspark.sql import functions as f

    return f.pmod(f.xxhash64("cell_id"), f.lit(buckets))
