"""Branches of tables: moved, published as main, dropped."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from claylake import sql
from claylake.vocabulary import PUBLISH_ORDER
from spark.lake import names
from spark.lake.errors import LakeError
from spark.lake.refs import MAIN, Refs, load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claylake.plan import Plan

_log = logging.getLogger(__name__)
SWAPS: Final = 20
"""Commits in a row that other writers of the table, on branches of their own, may win before ours."""
SWAP_PAUSE_S = 0.5
_LOST, _UNKNOWN = "CommitFailedException", "CommitStateUnknownException"
"""Iceberg's classes: another commit came first; the catalogue's answer was lost, and the commit may have succeeded."""


def fast_forward(spark: SparkSession, table: str, snapshot: int) -> bool:
    """Make a snapshot main's head if main is in its history; False where main has moved elsewhere.

    The catalogue swaps the table's metadata only if no other writer has done so meanwhile: a compare-and-swap, on the
    metadata in which the history was checked. Another writer's commit to a branch of its own is met by trying again,
    and so is an answer that was lost: what main is then says whether the commit succeeded.

    Args:
        spark: session.
        table: full name, as `names.main_table` gives it.
        snapshot: id of the one that becomes main's head; exactly it, whatever its branch has become.
    """
    for _ in range(SWAPS):
        iceberg = load(spark, table)
        # First, because this reads the metadata anew: the ones on which the commit insists.
        change = iceberg.manageSnapshots()
        refs = Refs.of(iceberg)
        if refs.contains(refs.main, snapshot):
            return True
        if not refs.contains(snapshot, refs.main):
            return False
        change = change.replaceBranch(MAIN, snapshot) if refs.main else change.createBranch(MAIN, snapshot)
        if commits(change):
            return True
    raise LakeError(f"main of {table}: others committed first {SWAPS} times in a row. Clear the task: that is safe")


def move(spark: SparkSession, table: str, branch: str, before: int, after: int) -> bool:
    """Move a branch from one snapshot to another; False where another writer has moved it meanwhile.

    Args:
        spark: session.
        table: full name, as `names.main_table` gives it.
        branch: short name.
        before: id of the snapshot that the branch is to be at.
        after: id of the snapshot that becomes its head.
    """
    for _ in range(SWAPS):
        iceberg = load(spark, table)
        change = iceberg.manageSnapshots()
        head = Refs.of(iceberg).heads.get(branch)
        if head != before:
            return head == after
        if commits(change.replaceBranch(branch, after)):
            return True
    return False


def commits(change: Any) -> bool:
    """Commit an Iceberg update; False, after a pause, where another commit came first or the answer was lost."""
    from py4j.protocol import Py4JJavaError

    try:
        change.commit()
    except Py4JJavaError as error:
        kind = error.java_exception.getClass().getSimpleName()
        if kind not in (_LOST, _UNKNOWN):
            raise
        _log.info("a commit to a branch: %s", kind)
        time.sleep(SWAP_PAUSE_S)
        return False
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


def heads(spark: SparkSession, plan: Plan) -> dict[str, int]:
    """By table, the snapshot that the plan's branch points at."""
    return {name: Refs.read(spark, names.main_table(plan, name)).heads[plan.branch] for name in PUBLISH_ORDER}


def drop(spark: SparkSession, plan: Plan) -> None:
    """Drop the plan's branch from all tables, with what attempts at putting it on a moved main have left."""
    for name in PUBLISH_ORDER:
        table = names.main_table(plan, name)
        for branch in Refs.read(spark, table).heads:
            if branch == plan.branch or branch.startswith(next_prefix(plan)):
                spark.sql(f"ALTER TABLE {table} DROP BRANCH IF EXISTS {sql.name(branch)}")


def next_prefix(plan: Plan) -> str:
    """What the names of branches begin with on which the plan's branch is built anew."""
    return f"{plan.branch}_next_"
