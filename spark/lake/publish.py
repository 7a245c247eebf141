"""From a run's branch to main: audited, whole, and once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake.reports import TablePublish
from claylake.vocabulary import PUBLISH_ORDER
from spark.lake import branches
from spark.lake.audits import Findings, audit
from spark.lake.errors import PublishRaceError
from spark.lake.rebuild import rebuild
from spark.lake.refs import Refs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from spark.lake.scope import Scope

_log = logging.getLogger(__name__)
ATTEMPTS = 5
_UNIQUE = ("chip_ids_unique", "vector_keys_unique", "observation_keys_unique")


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was moved to main, table by table, and what the audits counted before."""

    tables: tuple[TablePublish, ...]
    findings: Findings

    @property
    def rows_added(self) -> int:
        """Rows that main gained."""
        return sum(table.rows_added for table in self.tables)

    @property
    def changed(self) -> bool:
        """Whether main of any table moved."""
        return any(table.how != "unchanged" for table in self.tables)


def publish(spark: SparkSession, scope: Scope) -> Published:
    """Audit the plan's branch and make it main, table by table; drop it at the end.

    A table that an interrupted attempt has published already is left as it is, so doing it again
    ends in the same tables.

    Raises:
        AuditError: if a check finds offending rows; nothing more is published, the branch is kept.
        TooManyFailuresError: likewise, if more failed than the limit.
        PublishRaceError: if main of a table moved during every attempt.
    """
    plan = scope.plan
    rebuilt = branches.open_branches(spark, plan)
    findings = _audited(spark, scope, repair=True)
    tables = tuple(
        _publish_table(spark, scope, name, "rebuilt" if name in rebuilt else "fast_forward") for name in PUBLISH_ORDER
    )
    branches.drop(spark, plan, plan.branch)
    branches.drop(spark, plan, f"{plan.branch}_next")
    return Published(tables=tables, findings=findings)


def _audited(spark: SparkSession, scope: Scope, *, repair: bool) -> Findings:
    plan = scope.plan
    findings = audit(spark, scope)
    if repair and any(findings.offending[name] for name in _UNIQUE):
        # Two writers of one branch, a step and its predecessor that was thought dead, may both
        # have appended a key; rebuilding takes each key once.
        _log.warning("branch %s holds keys twice: rebuilding it", plan.branch)
        for name in PUBLISH_ORDER:
            rebuild(spark, plan, scope, name)
        return _audited(spark, scope, repair=False)
    findings.require(plan.branch, plan.settings.limits.max_failed_frac)
    return findings


def _publish_table(spark: SparkSession, scope: Scope, name: str, how: str) -> TablePublish:
    plan = scope.plan
    table = branches.main(plan, name)
    for _ in range(ATTEMPTS):
        refs = Refs.read(spark, table)
        head = refs.heads[plan.branch]
        if refs.contains(refs.main, head):
            return TablePublish(
                table=name, how="unchanged", rows_added=0, snapshot_before=refs.main, snapshot_after=refs.main
            )
        if refs.contains(head, refs.main) and branches.fast_forward(spark, table, plan.branch):
            added = refs.rows(head) - refs.rows(refs.main)
            _log.info("published %s: %s, %d rows", table, how, added)
            return TablePublish(table=name, how=how, rows_added=added, snapshot_before=refs.main, snapshot_after=head)
        rebuild(spark, plan, scope, name)
        _audited(spark, scope, repair=False)
        how = "rebuilt"
    raise PublishRaceError(table, ATTEMPTS)
