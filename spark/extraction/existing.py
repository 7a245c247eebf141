"""The chips that exist for a plan's cells and months: published, or left on the branch by an earlier attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import CHIPS
from spark.lake.bounds import Bounds
from spark.lake.columns import Columns, filled
from spark.lake.names import branch_table
from spark.lake.tables import FRACTIONS, TABLES

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from claylake.plan import Plan

COLUMNS = ("cell_id", "pass", "datetime", "scene_id", "baseline", "scl_mean", *FRACTIONS)


def existing_chips(spark: SparkSession, plan: Plan, cells: pa.Table) -> DataFrame:
    """`COLUMNS` of the chips on the plan's branch. No pixels are read, nor files of other places and times.

    Args:
        spark: session.
        plan: whose branch is read, and whose months bound it.
        cells: the run's, with columns cell_id and geohash.
    """
    from pyspark.sql import functions as f

    table = TABLES[CHIPS]
    bounds = Bounds.of_cells(table, plan.start, plan.end, filled(cells["geohash"], str))
    names, where = sql.names(COLUMNS, "t"), bounds.condition(table, "t")
    chips = spark.sql(f"SELECT {names} FROM {branch_table(plan, CHIPS)} t WHERE {where}")
    ids = Columns({"cell_id": "string"}).frame_of(spark, cells)
    return chips.join(f.broadcast(ids), on="cell_id", how="left_semi")
