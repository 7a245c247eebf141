"""From a run's branch to main: audited, whole, and once."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake.run.reports import TablePublish
from claylake.vocabulary import PUBLISH_ORDER
from spark.lake import branches, names
from spark.lake.audits import Findings, audit
from spark.lake.errors import PublishRaceError
from spark.lake.opening import open_branches
from spark.lake.rebuild import rebuild
from spark.lake.refs import Refs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from spark.lake.scope import Scope

_log = logging.getLogger(__name__)
ATTEMPTS = 5
PAUSE_S = 10.0
"""Longer than another run takes from its first table to its last."""
_BETWEEN_TABLES = {"chip_has_vector", "chip_is_observed", "observed_chip_exists"}
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

    Where main has moved, the branch is rebuilt on top of what it has become, audited again, and the
    tables that are left are tried again. A table that an interrupted attempt has published is left
    as it is, so doing it again ends in the same tables.

    Raises:
        AuditError: if a check finds offending rows; nothing more is published, the branch is kept.
        TooManyFailuresError: likewise, if more failed than the limit.
        PublishRaceError: if main of a table moved during every attempt.
    """
    plan, done, rebuilt = scope.plan, dict[str, TablePublish](), set[str]()
    for _ in range(ATTEMPTS):
        findings = _ready(spark, scope, rebuilt)
        for name in PUBLISH_ORDER:
            if name not in done:
                swapped = _swap(spark, scope, name, "rebuilt" if name in rebuilt else "fast_forward")
                if swapped is None:
                    break
                done[name] = swapped
        else:
            branches.drop(spark, plan, plan.branch)
            branches.drop(spark, plan, f"{plan.branch}_next")
            return Published(tables=tuple(done.values()), findings=findings)
    raise PublishRaceError(next(name for name in PUBLISH_ORDER if name not in done), ATTEMPTS)


def _ready(spark: SparkSession, scope: Scope, rebuilt: set[str]) -> Findings:
    """Put the branch on top of main and audit it; adds to `rebuilt` the tables that needed it."""
    plan = scope.plan
    for attempt in range(1, ATTEMPTS + 1):
        rebuilt |= open_branches(spark, plan)
        before = _mains(spark, scope)
        findings = audit(spark, scope)
        if any(findings.offending[name] for name in _UNIQUE):
            # Two writers of one branch, a step and its predecessor that was thought dead, may both
            # have appended a key; rebuilding takes each key once.
            _log.warning("branch %s holds keys twice: rebuilding it", plan.branch)
            for name in PUBLISH_ORDER:
                rebuild(spark, plan, scope, name)
            findings = audit(spark, scope)
        bad = {name for name, rows in findings.offending.items() if rows}
        # Tables disagree for a moment while another run publishes: then this is tried again.
        may_pass = bool(bad) and bad <= _BETWEEN_TABLES
        if not may_pass or attempt == ATTEMPTS or not _moved(spark, scope, before):
            break
    findings.require(plan.branch, plan.settings.limits.max_failed_frac)
    return findings


def _swap(spark: SparkSession, scope: Scope, name: str, how: str) -> TablePublish | None:
    """Fast-forward main of one table; None where main has moved and the branch must be rebuilt."""
    plan = scope.plan
    table = names.main_table(plan, name)
    refs = Refs.read(spark, table)
    before, head = refs.main, refs.heads[plan.branch]
    if refs.contains(before, head):
        return TablePublish(table=name, how="unchanged", rows_added=0, snapshot_before=before, snapshot_after=before)
    if not refs.contains(head, before) or not branches.fast_forward(spark, table, plan.branch):
        return None
    added = refs.rows(head) - refs.rows(before)
    _log.info("published %s: %s, %d rows", table, how, added)
    return TablePublish(table=name, how=how, rows_added=added, snapshot_before=before, snapshot_after=head)


def _moved(spark: SparkSession, scope: Scope, before: dict[str, int | None]) -> bool:
    """Whether another run is publishing."""
    time.sleep(PAUSE_S)
    return _mains(spark, scope) != before


def _mains(spark: SparkSession, scope: Scope) -> dict[str, int | None]:
    return {name: Refs.read(spark, names.main_table(scope.plan, name)).main for name in PUBLISH_ORDER}
