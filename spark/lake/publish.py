"""From a run's branch to main: audited, whole, and once."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from claylake.run.reports import TablePublish
from claylake.vocabulary import CHANGES, CHIPS, EMBEDDINGS, OBSERVATIONS, PUBLISH_ORDER
from spark.change.run import Changed, write_changes
from spark.lake import branches, merge, names, vectors
from spark.lake.audits import Findings, audit
from spark.lake.errors import PublishRaceError
from spark.lake.opening import open_branches
from spark.lake.rebuild import rebuild
from spark.lake.refs import Refs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession

    from spark.lake.scope import Scope

_log = logging.getLogger(__name__)
ATTEMPTS = 10
PAUSE_S = 10.0
"""Longer than another run takes from its first table to its last."""
_BETWEEN_TABLES = {
    "chip_has_vector",
    "vector_has_chip",
    "chip_is_observed",
    "observed_chip_exists",
    "published_chip_stays",
}
_UNIQUE = {
    "chip_ids_unique": CHIPS,
    "vector_keys_unique": EMBEDDINGS,
    "observation_keys_unique": OBSERVATIONS,
}
_AUDITED = (CHIPS, EMBEDDINGS, OBSERVATIONS)
"""Tables of which an audit depends on the rows of other runs, too."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was moved to main, table by table, and what the audits counted before.

    `embed_again`: chips that lack a vector of the run's kind, because another run has published them meanwhile. Above 0
    the run is not published to its end: it is to embed them, and then to publish again.
    `changes`: what became of the cells and months that were to be compared.
    """

    tables: tuple[TablePublish, ...]
    findings: Findings
    embed_again: int = 0
    changes: Changed = field(default_factory=Changed)

    @property
    def rows_added(self) -> int:
        """Rows that main gained."""
        return sum(table.rows_added for table in self.tables)

    @property
    def changed(self) -> bool:
        """Whether main of any table moved."""
        return any(table.how != "unchanged" for table in self.tables)


@dataclass(kw_only=True)
class _Candidate:
    """What is to become main: the snapshot of each table that was audited, whatever their branch becomes.

    `shared`: by table, rows of the run whose key others have published meanwhile; a table is in it if its branch was
    rebuilt. `findings`: of these snapshots; None before they are audited.
    """

    heads: dict[str, int] = field(default_factory=dict)
    shared: dict[str, int] = field(default_factory=dict)
    findings: Findings | None = None


def publish(spark: SparkSession, scope: Scope) -> Published:
    """Audit the plan's branch and make what was audited main, table by table; drop the branch at the end.

    Where main has moved, the branch is put on top of what it has become and audited again, unless no file with rows of
    the run's cells and months has changed; the tables that are left are tried again. A table that an interrupted
    attempt has published is left as it is, so doing it again ends in the same tables. Changes are made of the vectors
    that were audited, and audited themselves.

    Raises:
        AuditError: if a check finds offending rows; nothing more is published, the branch is kept.
        TooManyFailuresError: likewise, if more failed than the limit.
        PublishRaceError: if main of a table moved during every attempt.
    """
    plan, done, candidate = scope.plan, dict[str, TablePublish](), _Candidate()
    changes = Changed()
    for _ in range(ATTEMPTS):
        findings = _ready(spark, scope, candidate)
        lacking = findings.offending["chip_has_vector"]
        if lacking:
            _log.info("%d chips that others have published lack a vector of this run's kind", lacking)
            return Published(tables=tuple(done.values()), findings=findings, embed_again=lacking)
        if CHANGES not in done:
            changes = write_changes(spark, scope, candidate.heads)
            candidate.heads[CHANGES] = branches.heads(spark, plan)[CHANGES]
        for name in PUBLISH_ORDER:
            if name not in done:
                swapped = _swap(spark, scope, name, candidate)
                if swapped is None:
                    break
                done[name] = swapped
        else:
            branches.drop(spark, plan)
            return Published(tables=tuple(done.values()), findings=findings, changes=changes)
    raise PublishRaceError(next(name for name in PUBLISH_ORDER if name not in done), ATTEMPTS, candidate.shared)


def _ready(spark: SparkSession, scope: Scope, candidate: _Candidate) -> Findings:
    """Put the branch on top of main and audit it. At most chips without a vector are left to be found.

    Raises:
        AuditError: if a check finds offending rows.
        TooManyFailuresError: if more failed than the limit.
    """
    plan, copied = scope.plan, set[str]()
    for attempt in range(1, ATTEMPTS + 1):
        for name, rebuilt in open_branches(spark, plan).items():
            candidate.shared[name] = candidate.shared.get(name, 0) + rebuilt.shared
        findings = _audited(spark, scope, candidate)
        bad = {name for name, rows in findings.offending.items() if rows}
        if not bad or attempt == ATTEMPTS:
            break
        candidate.findings = None
        twice = {_UNIQUE[check] for check in bad & _UNIQUE.keys()}
        if twice - copied:
            # Two writers of one branch, a step and its predecessor that was thought dead, may both
            # have appended a key; copying takes each key once.
            for name in sorted(twice - copied):
                _log.warning("branch %s of %s holds keys twice: rebuilding it", plan.branch, name)
                rebuilt = rebuild(spark, plan, scope, name, copy=True)
                candidate.shared[name] = candidate.shared.get(name, 0) + rebuilt.shared
            copied |= twice
        # Tables disagree for a moment while another run publishes: then this is tried again.
        elif not bad <= _BETWEEN_TABLES or not (
            _moved(spark, scope, candidate) or ("vector_has_chip" in bad and vectors.drop_without_chip(spark, scope))
        ):
            break
    if bad != {"chip_has_vector"}:
        findings.require(plan.branch, plan.settings.limits.max_failed_frac)
    return findings


def _audited(spark: SparkSession, scope: Scope, candidate: _Candidate) -> Findings:
    """What the audits say of the branch as it is: what they said before, if the same files hold its rows."""
    before, candidate.heads = candidate.heads, branches.heads(spark, scope.plan)
    if candidate.findings is None or _files(spark, scope, before) != _files(spark, scope, candidate.heads):
        candidate.findings = audit(spark, scope, candidate.heads)
    return candidate.findings


def _files(spark: SparkSession, scope: Scope, heads: Mapping[str, int]) -> frozenset[str]:
    """Data files that hold rows of the run's cells and months. They never change, only which of them count does."""
    with merge.view_of(scope.cells_frame(spark).select("cell_id")) as cells:
        parts = [
            f"SELECT DISTINCT t._file FROM {names.snapshot_table(scope.plan, name, heads[name])} t "
            f"LEFT SEMI JOIN {cells} c ON c.cell_id = t.cell_id WHERE {scope.where(name)}"
            for name in _AUDITED
        ]
        return frozenset(row["_file"] for row in spark.sql(" UNION ALL ".join(parts)).collect())


def _swap(spark: SparkSession, scope: Scope, name: str, candidate: _Candidate) -> TablePublish | None:
    """Make the audited snapshot of one table main; None where main has moved and the branch must be rebuilt."""
    table, head = names.main_table(scope.plan, name), candidate.heads[name]
    refs = Refs.read(spark, table)
    before = refs.main
    if refs.contains(before, head):
        return TablePublish(table=name, how="unchanged", rows_added=0, snapshot_before=before, snapshot_after=before)
    if not branches.fast_forward(spark, table, head):
        return None
    added, how = refs.rows(head) - refs.rows(before), "rebuilt" if name in candidate.shared else "fast_forward"
    _log.info("published %s: %s, %d rows", table, how, added)
    return TablePublish(
        table=name,
        how=how,
        rows_added=added,
        rows_shared=candidate.shared.get(name, 0),
        snapshot_before=before,
        snapshot_after=head,
    )


def _moved(spark: SparkSession, scope: Scope, candidate: _Candidate) -> bool:
    """Whether another run is publishing: whether main of some table is not what the candidate was built on."""
    time.sleep(PAUSE_S)
    tables = ((name, Refs.read(spark, names.main_table(scope.plan, name))) for name in PUBLISH_ORDER)
    return not all(refs.contains(candidate.heads[name], refs.main) for name, refs in tables)
