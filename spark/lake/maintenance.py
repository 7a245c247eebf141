"""Maintenance of Iceberg tables: each part runs only where it pays, and no part is put off for ever.

What a run wrote is compacted at once. What costs as much as the table is large has a clock in the table's properties.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from claylake import sql
from claylake.run.reports import MaintenancePart
from claylake.vocabulary import CATALOG, CHIPS, PUBLISH_ORDER
from spark.lake import branches, compaction, months, names, opened
from spark.lake.clock import Clock, Done
from spark.lake.refs import Refs, load, manifest_sizes
from spark.lake.tables import MANIFEST_BYTES, MANIFEST_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from pyspark.sql import Row, SparkSession

    from claylake.configuration.settings import Maintenance
    from claylake.plan import Plan
    from spark.lake.scope import Scope

_log = logging.getLogger(__name__)
COMPACTION: Final = "compaction of all partitions"
EXPIRY: Final = "expiry of snapshots"
ORPHANS: Final = "removal of orphan files"
MIN_MANIFESTS: Final = 5
"""Manifests of a table that make it worth rewriting them."""


@dataclass(frozen=True, kw_only=True)
class Cleared:
    """What maintenance did to one table, in counts, and which of its parts ran."""

    dropped_branches: int
    ended_chips: int = 0
    rewritten_files: int = 0
    rewritten_manifests: int = 0
    expired_files: int = 0
    orphan_files: int = 0
    parts: tuple[MaintenancePart, ...] = ()


def maintain_table(spark: SparkSession, scope: Scope, name: str, now: datetime) -> Cleared:
    """Maintain one table. Commits nothing to main where nothing is to be rewritten.

    Stale branches go first, because they keep their snapshots' files alive. Where Glue's optimizers maintain
    the table, nothing else is done but that months of pixels end: they do the rest. A part that fails ends the step;
    its clock has not moved, so the next run tries it again.

    Args:
        spark: session.
        scope: whose plan has the limits, and whose partitions are compacted.
        name: a name of `spark.lake.tables.TABLES`.
        now: what ages count from, UTC.
    """
    plan = scope.plan
    table = names.main_table(plan, name)
    dropped = drop_stale(spark, plan, table, now)
    ended = months.end_old(spark, plan, now) if name == CHIPS else 0
    if plan.where.maintenance == "glue":
        return Cleared(dropped_branches=dropped, ended_chips=ended)
    rewritten = compaction.compact(spark, scope, name)
    parts = {part.part: part for part in _in_turn(spark, plan, name, now)}
    return Cleared(
        dropped_branches=dropped,
        ended_chips=ended,
        rewritten_files=rewritten + parts[COMPACTION].files,
        rewritten_manifests=rewrite_manifests(spark, table),
        expired_files=parts[EXPIRY].files,
        orphan_files=parts[ORPHANS].files,
        parts=tuple(parts.values()),
    )


def _in_turn(spark: SparkSession, plan: Plan, name: str, now: datetime) -> Iterator[MaintenancePart]:
    """The parts of which each has its clock, whether it ran or not."""
    table, limits = names.main_table(plan, name), plan.settings.maintenance
    # Files of an attempt that still runs are younger: no cluster lives for three days, the least of this setting.
    young = now - timedelta(days=limits.orphan_days)
    parts: dict[str, tuple[int, Callable[[], Done | None]]] = {
        COMPACTION: (limits.compact_all_every_days, lambda: compaction.compact_all(spark, plan, name)),
        EXPIRY: (limits.expire_every_days, lambda: expire(spark, table, limits, now)),
        ORPHANS: (limits.orphans_every_days, lambda: Done(files=remove_orphans(spark, table, young))),
    }
    properties = dict(load(spark, table).properties())
    for part, (days, work) in parts.items():
        clock = Clock(name=f"claylake.{part.replace(' ', '-')}", every=timedelta(days=days))
        later = clock.due(properties, now)
        done = None if later is not None else work()
        if done is not None and done.whole:
            clock.ran(spark, table, now)
            later = now + clock.every
        yield MaintenancePart(
            table=name, part=part, ran=done is not None, files=0 if done is None else done.files, due=later
        )


def existing_tables(spark: SparkSession, plan: Plan) -> tuple[str, ...]:
    """Tables that exist, in publishing order."""
    return tuple(name for name in PUBLISH_ORDER if spark.catalog.tableExists(names.main_table(plan, name)))


def rewrite_manifests(spark: SparkSession, table: str) -> int:
    """Join small manifests once there are many, sorted by partition; gives how many were rewritten.

    Tables that were made for larger manifests have theirs cut.
    """
    sizes = manifest_sizes(spark, table)
    many = len(sizes) >= max(MIN_MANIFESTS, 2 * (sum(sizes) // MANIFEST_BYTES + 1))
    if not many and max(sizes, default=0) <= 2 * MANIFEST_BYTES:
        return 0
    iceberg = load(spark, table)
    if dict(iceberg.properties()).get(MANIFEST_SIZE) != str(MANIFEST_BYTES):
        branches.commits(iceberg.updateProperties().set(MANIFEST_SIZE, str(MANIFEST_BYTES)))
    return _number(_call(spark, "rewrite_manifests", f"table => {sql.string(table)}"), "rewritten_manifests_count")


def expire(spark: SparkSession, table: str, limits: Maintenance, now: datetime) -> Done | None:
    """Expire old snapshots; None where there is none to expire.

    Then Iceberg's procedure is not called: it would read every manifest for nothing.

    Args:
        spark: session.
        table: full name, as `names.main_table` gives it.
        limits: age from which a snapshot is old, and how many are kept in any case.
        now: what ages count from, UTC.
    """
    before, iceberg = now - timedelta(days=limits.snapshot_days), load(spark, table)
    change = iceberg.expireSnapshots().expireOlderThan(math.floor(before.timestamp() * 1000))
    old = change.retainLast(limits.keep_snapshots).apply()
    if old.isEmpty() and not Refs.of(iceberg).may_expire:
        return None
    rows = _call(
        spark,
        "expire_snapshots",
        f"table => {sql.string(table)}, older_than => {sql.timestamp(before)}, "
        f"retain_last => {limits.keep_snapshots}, stream_results => true",
    )
    return Done(files=sum(value or 0 for row in rows for key, value in row.asDict().items() if key.endswith("_count")))


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


def _call(spark: SparkSession, procedure: str, arguments: str) -> list[Row]:
    rows: list[Row] = spark.sql(f"CALL {CATALOG}.system.{procedure}({arguments})").collect()
    return rows


def _number(rows: list[Row], column: str) -> int:
    return int(rows[0][column]) if rows else 0
