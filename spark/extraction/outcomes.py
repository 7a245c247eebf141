"""Observations: what became of every (cell, pass)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claylake.vocabulary import OBSERVATIONS, OUTCOME_CHIP
from spark.lake.columns import Columns
from spark.lake.tables import FRACTIONS, PROCESSING_VERSION, SECOND_SCENE, TABLES
from spark.sentinel2.choose import PRESENT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from claylake.catalogue.scene import Scene
    from claylake.plan import Plan

_DATES = Columns({"scene_id": "string", "datetime": "timestamp"})
_HASHES = Columns({"cell_id": "string", "geohash": "string"})
SHOWN = ("scene_id", SECOND_SCENE, "datetime", "scl_mean", *FRACTIONS)
"""What an observation repeats of its chip, or of the best scene."""


def constants(plan: Plan, created_at: datetime) -> dict[str, Any]:
    """What all rows of an attempt have in common."""
    return {
        "cells_digest": plan.cells_digest,
        "selection_digest": plan.selection_digest,
        "processing_version": PROCESSING_VERSION,
        "run_id": plan.run.run_id,
        "created_at": created_at,
    }


def observations(
    plan: Plan, choice: DataFrame, existing: DataFrame, cells: pa.Table, scenes: Iterable[Scene], created_at: datetime
) -> DataFrame:
    """Rows of the observations table, one for each of a final choice.

    Where there is a chip, fractions and scene are those of the chip's own row; elsewhere those of the best scene.

    Args:
        plan: gives run id and digests.
        choice: one row per (cell, pass), as `spark.extraction.choosing` gives it.
        existing: `spark.extraction.existing.COLUMNS` of the chips that exist, those just written included.
        cells: the run's, with columns cell_id and geohash.
        scenes: of the run: their times.
        created_at: when these rows are written, UTC.
    """
    from pyspark.sql import functions as f

    spark = choice.sparkSession
    dates = spark.createDataFrame([(scene.id, scene.datetime) for scene in scenes], _DATES.spark)
    hashes = _HASHES.frame_of(spark, cells)
    key = ["cell_id", "pass"]
    others = choice.where(f.col("outcome") != PRESENT).join(f.broadcast(dates), on="scene_id", how="inner")
    chips = (
        choice.where(f.col("outcome") == PRESENT)
        .select(*key, "considered", f.lit(None).cast("string").alias("detail"), f.lit(OUTCOME_CHIP).alias("outcome"))
        .join(existing, on=key, how="inner")
    )
    columns = (*key, "outcome", "considered", "detail", *SHOWN)
    rows = (
        others.select(*columns)
        .unionByName(chips.select(*columns))
        .join(f.broadcast(hashes), on="cell_id", how="inner")
        .withColumnRenamed("considered", "scenes_considered")
        .withColumns({name: f.lit(value) for name, value in constants(plan, created_at).items()})
    )
    return rows.select(
        *(f.col(name).cast(kind).alias(name) for name, kind in TABLES[OBSERVATIONS].columns.kinds.items())
    )
