"""Branches of tables: moved, published as main, dropped."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import CATALOG, PUBLISH_ORDER
from spark.lake import names
from spark.lake.refs import MAIN

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claylake.plan import Plan

_log = logging.getLogger(__name__)
_REFUSED = ("is not an ancestor of", "CommitFailedException")
"""How Iceberg says that main has moved, before and while it commits."""


def fast_forward(spark: SparkSession, table: str, branch: str) -> bool:
    """Move main to a branch's head if main is in its history; False where main has moved elsewhere.

    The catalogue swaps the table's metadata only if no other writer has done so meanwhile, so this is a
    compare-and-swap: what it publishes was built on what main was.

    Args:
        spark: session.
        table: full name, as `names.main_table` gives it.
        branch: that becomes main.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        spark.sql(f"CALL {CATALOG}.system.fast_forward({', '.join(map(sql.string, (table, MAIN, branch)))})").collect()
    except (Py4JJavaError, PySparkException) as error:
        if any(sign in str(error) for sign in _REFUSED):
            _log.info("main of %s moved before %s could be published", table, branch)
            return False
        raise
    return True


def point(spark: SparkSession, table: str, branch: str, snapshot: int) -> None:
    """Create a branch at `snapshot`, or move it there.

    Args:
        spark: session.
        table: full name, as `names.main_table` gives it.
        branch: short name.
        snapshot: id of the snapshot that becomes its head.
    """
    spark.sql(f"ALTER TABLE {table} CREATE OR REPLACE BRANCH {sql.name(branch)} AS OF VERSION {snapshot}")


def drop(spark: SparkSession, plan: Plan, branch: str) -> None:
    """Drop a branch from all tables; missing ones are no error.

    Args:
        spark: session.
        plan: where the tables are.
        branch: short name.
    """
    for name in PUBLISH_ORDER:
        spark.sql(f"ALTER TABLE {names.main_table(plan, name)} DROP BRANCH IF EXISTS {sql.name(branch)}")
