"""Maintenance of Iceberg tables: compaction, manifests, stale branches, snapshots, orphan files."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import CATALOG, CHIPS, PUBLISH_ORDER
from spark.lake import layout, months, names, opened
from spark.lake.refs import Refs, manifest_sizes
from spark.lake.tables import TABLES, Table

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

    from claylake.configuration.settings import Maintenance
    from claylake.plan import Plan
    from spark.lake.scope import Scope

_log = logging.getLogger(__name__)
MIN_FILES = 5
"""Files of a partition that make it worth rewriting, and manifests of a table likewise."""
_MIB = 1024 * 1024
SMALL_CHIPS_FILE = 8 * _MIB
"""Bytes: smaller files of chips are joined. A scene's part of a partition is two to six times as large."""
_MANIFEST_BYTES = 8 * _MIB
_PREFIXES_PER_CALL = 200


@dataclass(frozen=True, kw_only=True)
class Cleared:
    """What maintenance did to one table, in counts."""

    dropped_branches: int
    ended_chips: int = 0
    rewritten_files: int = 0
    rewritten_manifests: int = 0
    expired_files: int = 0
    orphan_files: int = 0


def maintain_table(spark: SparkSession, scope: Scope, name: str, now: datetime) -> Cleared:
    """Maintain one table. Commits nothing to main where nothing is to be rewritten.

    Stale branches go first, because they keep their snapshots' files alive. Where Glue's optimizers maintain
    the table, nothing else is done but that months of pixels end: they do the rest.

    Args:
        spark: session.
        scope: whose plan has the limits, and whose partitions are compacted.
        name: a name of `spark.lake.tables.TABLES`.
        now: what ages count from, UTC.
    """
    plan, limits = scope.plan, scope.plan.settings.maintenance
    table = names.main_table(plan, name)
    dropped = drop_stale(spark, plan, table, now)
    ended = months.end_old(spark, plan, now) if name == CHIPS else 0
    if plan.where.maintenance == "glue":
        return Cleared(dropped_branches=dropped, ended_chips=ended)
    return Cleared(
        dropped_branches=dropped,
        ended_chips=ended,
        rewritten_files=compact(spark, scope, name),
        rewritten_manifests=rewrite_manifests(spark, table),
        expired_files=expire(spark, table, limits, now),
        orphan_files=remove_orphans(spark, table, now - timedelta(days=limits.orphan_days)),
    )


def existing_tables(spark: SparkSession, plan: Plan) -> tuple[str, ...]:
    """Tables that exist, in publishing order."""
    return tuple(name for name in PUBLISH_ORDER if spark.catalog.tableExists(names.main_table(plan, name)))


def compact(spark: SparkSession, scope: Scope, name: str) -> int:
    """Sort together the small files of the partitions that the run touched; gives files rewritten.

    Args:
        spark: session.
        scope: what the run touched.
        name: a name of `spark.lake.tables.TABLES`.
    """
    table, shape = names.main_table(scope.plan, name), TABLES[name]
    # Groups of limited size, each committed on its own: blobs are sorted on disk, not in memory,
    # and a lost cluster loses one group.
    group = 2048 if name == CHIPS else 512
    options = {
        "min-input-files": MIN_FILES,
        "max-file-group-size-bytes": group * _MIB,
        "max-concurrent-file-group-rewrites": 2,
        "partial-progress.enabled": "true",
        "partial-progress.max-commits": 10,
    }
    if name == CHIPS:
        # What extraction wrote once, a file for each scene, stays as it is: remnants alone, as of repairs, are joined.
        options["min-file-size-bytes"] = SMALL_CHIPS_FILE
    given = ", ".join(f"{sql.string(key)}, {sql.string(str(value))}" for key, value in options.items())
    rewritten = 0
    for where in _touched(spark, scope, shape):
        rewritten += _number(
            _call(
                spark,
                "rewrite_data_files",
                f"table => {sql.string(table)}, strategy => 'sort', sort_order => {sql.string(_sort_order(shape))}, "
                f"options => map({given}), where => {sql.string(where)}",
            ),
            "rewritten_data_files_count",
        )
    return rewritten


def rewrite_manifests(spark: SparkSession, table: str) -> int:
    """Join small manifests once there are many; gives how many were rewritten."""
    sizes = manifest_sizes(spark, table)
    if len(sizes) < max(MIN_FILES, 2 * (sum(sizes) // _MANIFEST_BYTES + 1)):
        return 0
    return _number(_call(spark, "rewrite_manifests", f"table => {sql.string(table)}"), "rewritten_manifests_count")


def expire(spark: SparkSession, table: str, limits: Maintenance, now: datetime) -> int:
    """Expire old snapshots; gives files deleted.

    Where all are young Iceberg's procedure is not called: it would read every manifest for nothing.

    Args:
        spark: session.
        table: full name, as `names.main_table` gives it.
        limits: age from which a snapshot is old, and how many are kept in any case.
        now: what ages count from, UTC.
    """
    before = now - timedelta(days=limits.snapshot_days)
    refs = Refs.read(spark, table)
    if not refs.may_expire and all(snapshot.when >= before for snapshot in refs.snapshots.values()):
        return 0
    done = _call(
        spark,
        "expire_snapshots",
        f"table => {sql.string(table)}, older_than => {sql.timestamp(before)}, "
        f"retain_last => {limits.keep_snapshots}, stream_results => true",
    )
    return sum(value or 0 for key, value in done[0].asDict().items() if key.endswith("_count")) if done else 0


def remove_orphans(spark: SparkSession, table: str, older_than: datetime) -> int:
    """Delete files that no snapshot refers to; gives how many.

    Args:
        spark: session.
        table: full name, as `names.main_table` gives it.
        older_than: UTC; younger files stay. Must lie further back than the longest run takes.
    """
    # S3FileIO cannot list through Hadoop's file systems.
    arguments = f"table => {sql.string(table)}, older_than => {sql.timestamp(older_than)}, prefix_listing => true"
    return len(_call(spark, "remove_orphan_files", arguments))


def drop_stale(spark: SparkSession, plan: Plan, table: str, now: datetime) -> int:
    """Drop branches that no run has opened for ``maintenance.stale_branch_days``; gives how many.

    A branch's own date counts, never that of the snapshot that it points at.

    Args:
        spark: session.
        plan: the limit, and where the dates of branches are.
        table: full name.
        now: UTC-aware.
    """
    # A run may hold its branch for as long as its cluster may live.
    idle = max(
        timedelta(days=plan.settings.maintenance.stale_branch_days), timedelta(hours=plan.settings.cluster.max_hours)
    )
    dropped = 0
    for branch in sorted(branch for branch in Refs.read(spark, table).heads if branch.startswith("run_")):
        # Each is dropped as soon as it is judged: a run may adopt one meanwhile.
        if opened.last_opened(plan, branch, now) < now - idle:
            _log.info("dropping stale branch %s of %s", branch, table)
            spark.sql(f"ALTER TABLE {table} DROP BRANCH IF EXISTS {sql.name(branch)}")
            dropped += 1
    return dropped


def _touched(spark: SparkSession, scope: Scope, shape: Table) -> list[str]:
    """Conditions that together cover the run's partitions, each of bounded length.

    Without places where rows of these months are in files of an earlier layout: Iceberg would write these anew with
    them, and such a file holds a year.
    """
    plan = scope.plan
    # The months themselves: what lies an hour beyond them is in the partitions of other months.
    bounds = replace(scope.bounds(shape.name), start=plan.start, end=plan.end)
    if shape.name in layout.ONCE_BY_YEARS:
        kept = layout.prefixes_of_before(spark, names.main_table(plan, shape.name), plan.start, plan.end)
        bounds = bounds.without(kept)
    return [part.condition(shape) for part in bounds.parts(_PREFIXES_PER_CALL)]


def _sort_order(shape: Table) -> str:
    return ", ".join(f"{column.strip()} ASC NULLS LAST" for column in shape.ordered_by.split(","))


def _call(spark: SparkSession, procedure: str, arguments: str) -> list[Row]:
    rows: list[Row] = spark.sql(f"CALL {CATALOG}.system.{procedure}({arguments})").collect()
    return rows


def _number(rows: list[Row], column: str) -> int:
    return int(rows[0][column]) if rows else 0
