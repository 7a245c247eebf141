"""A run's branch on the four tables: opened before the first write, dropped after the last."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import CATALOG, PUBLISH_ORDER
from spark.lake import tables
from spark.lake.refs import MAIN, Refs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claylake.plan import Plan

_log = logging.getLogger(__name__)
_REFUSED = ("is not an ancestor of", "CommitFailedException")
"""How Iceberg says that main has moved, before and while it commits."""


def main(plan: Plan, table: str) -> str:
    """What readers see: ``lake.<database>.<table>``."""
    return f"{CATALOG}.{plan.database}.{table}"


def on_branch(plan: Plan, table: str) -> str:
    """The run's own view of a table, main's history included: readable and writable."""
    return named(plan, table, plan.branch)


def named(plan: Plan, table: str, branch: str) -> str:
    """A table as any branch of it has it."""
    return f"{main(plan, table)}.branch_{branch}"


def open_branches(spark: SparkSession, plan: Plan) -> frozenset[str]:
    """Make sure that all tables exist and carry the plan's branch, on top of what main is now.

    A branch that an earlier attempt left is adopted with its rows; where others have published
    since, it is rebuilt on top of theirs. Gives the names of the tables where that was needed.
    """
    # Rebuilding itself works on branches.
    from spark.lake.rebuild import rebuild
    from spark.lake.scope import Scope

    tables.create_all(spark, plan.database)
    rebuilt = set()
    for name in PUBLISH_ORDER:
        table = main(plan, name)
        refs = _with_main(spark, table)
        head = refs.heads.get(plan.branch)
        if head is None:
            spark.sql(f"ALTER TABLE {table} CREATE BRANCH IF NOT EXISTS {plan.branch}")
        elif refs.main is None or refs.contains(head, refs.main):
            _log.info("adopting branch %s of %s at snapshot %s", plan.branch, table, head)
        elif refs.contains(refs.main, head):
            point(spark, table, plan.branch, refs.main)
        else:
            rebuild(spark, plan, Scope.of(plan), name)
            rebuilt.add(name)
    return frozenset(rebuilt)


def _with_main(spark: SparkSession, table: str) -> Refs:
    """The table's references, main among them.

    A table never written has no main, and each branch of it would begin with an empty snapshot of
    its own, so that no branch could follow another: the first one's becomes main.
    """
    refs = Refs.read(spark, table)
    if refs.main is None:
        seed = f"run_seed_{uuid.uuid4().hex[:8]}"
        spark.sql(f"ALTER TABLE {table} CREATE BRANCH {seed}")
        try:
            fast_forward(spark, table, seed)
        finally:
            spark.sql(f"ALTER TABLE {table} DROP BRANCH IF EXISTS {seed}")
        refs = Refs.read(spark, table)
    return refs


def fast_forward(spark: SparkSession, table: str, branch: str) -> bool:
    """Move main to a branch's head if main is in its history; False where main has moved elsewhere.

    The catalogue swaps the table's metadata only if nobody else has meanwhile, so this is a
    compare-and-swap: what it publishes was built on what main was.
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
    """Create a branch at `snapshot`, or move it there."""
    spark.sql(f"ALTER TABLE {table} CREATE OR REPLACE BRANCH {branch} AS OF VERSION {snapshot}")


def drop(spark: SparkSession, plan: Plan, branch: str) -> None:
    """Drop a branch from all tables; missing ones are no error."""
    for name in PUBLISH_ORDER:
        spark.sql(f"ALTER TABLE {main(plan, name)} DROP BRANCH IF EXISTS {branch}")
