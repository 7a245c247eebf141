"""A run's branch on every table, opened before the first write: new, adopted, or put on top of what main has become."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import PUBLISH_ORDER
from spark.lake import branches, names, opened, tables
from spark.lake.rebuild import Rebuilt, rebuild
from spark.lake.refs import Refs
from spark.lake.scope import Scope

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claylake.plan import Plan

_log = logging.getLogger(__name__)


def open_branches(spark: SparkSession, plan: Plan) -> dict[str, Rebuilt]:
    """Make sure that all tables exist and carry the plan's branch, on top of what main is now.

    A branch that an earlier attempt left is adopted with its rows; where others have published
    since, it is rebuilt on top of theirs. Gives the names of the tables where that was needed, and what it did.
    """
    # Before there is anything to drop: maintenance of another run goes by this date.
    now = datetime.now(UTC)
    opened.record(plan, plan.branch, now)
    tables.create_all(spark, plan.database)
    rebuilt, created = {}, set()
    for name in PUBLISH_ORDER:
        table = names.main_table(plan, name)
        refs = _with_main(spark, table)
        head = refs.heads.get(plan.branch)
        if head is None:
            spark.sql(f"ALTER TABLE {table} CREATE BRANCH IF NOT EXISTS {sql.name(plan.branch)}")
            created.add(name)
        elif refs.main is None or refs.contains(head, refs.main):
            _log.info("adopting branch %s of %s at snapshot %s", plan.branch, table, head)
        elif refs.contains(refs.main, head):
            branches.point(spark, table, plan.branch, refs.main)
        else:
            rebuilt[name] = rebuild(spark, plan, Scope.of(plan), name)
    if created == set(PUBLISH_ORDER):
        opened.record(plan, plan.branch, now, anew=True)
    return rebuilt


def _with_main(spark: SparkSession, table: str) -> Refs:
    """The table's references, main among them.

    A table never written has no main, and each branch of it would begin with an empty snapshot of
    its own, so that no branch could follow another: the first one's becomes main.
    """
    refs = Refs.read(spark, table)
    if refs.main is None:
        seed = f"run_seed_{uuid.uuid4().hex[:8]}"
        spark.sql(f"ALTER TABLE {table} CREATE BRANCH {sql.name(seed)}")
        try:
            branches.fast_forward(spark, table, Refs.read(spark, table).heads[seed])
        finally:
            spark.sql(f"ALTER TABLE {table} DROP BRANCH IF EXISTS {sql.name(seed)}")
        refs = Refs.read(spark, table)
    return refs
