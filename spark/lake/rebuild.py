"""A branch put on top of what main has become."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import OBSERVATIONS
from spark.lake import branches, merge, names
from spark.lake.bounds import Bounds, extent_of
from spark.lake.refs import Refs
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from claylake.plan import Plan
    from spark.lake.scope import Scope

_log = logging.getLogger(__name__)


def rebuild(spark: SparkSession, plan: Plan, scope: Scope, name: str) -> int:
    """Make the plan's branch main plus this run's rows that main lacks; gives how many those are.

    Works on a second branch and swaps at the end, so that a crash loses no row.

    Args:
        spark: session.
        plan: whose branch, and where the tables are.
        scope: cells and months of the plan: which rows are the run's.
        name: a name of `spark.lake.tables.TABLES`.
    """
    table = names.main_table(plan, name)
    fresh = f"{plan.branch}_next"
    head = Refs.read(spark, table).main
    if head is None:
        return 0
    branches.point(spark, table, fresh, head)
    rows = scope.rows(spark, name, branch=plan.branch)
    write = merge.insert_only
    if name == OBSERVATIONS:
        write = merge.upsert
    else:
        rows = _new(spark, plan, name, rows)
    added = write(spark, plan, name, rows, branch=fresh, cheap=True)
    branches.point(spark, table, plan.branch, Refs.read(spark, table).heads[fresh])
    spark.sql(f"ALTER TABLE {table} DROP BRANCH IF EXISTS {sql.name(fresh)}")
    _log.info("rebuilt branch %s of %s on snapshot %s: %d rows", plan.branch, table, head, added)
    return added


def _new(spark: SparkSession, plan: Plan, name: str, rows: DataFrame) -> DataFrame:
    """Those rows whose key main lacks."""
    shape = TABLES[name]
    bounds: Bounds | None = extent_of(rows, shape).bounds
    if bounds is None:
        return rows
    return merge.missing(spark, names.main_table(plan, name), shape, rows, bounds)
