"""Audits of a run's branch: nothing is published before all of them find nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from claylake import sql
from claylake.run.reports import EmbedReport, ExtractReport
from claylake.vector_kind import VectorKind
from claylake.vocabulary import CELL_KM2, CHIPS, EMBEDDINGS, FAILED, OBSERVATIONS, SCENES
from spark.lake.checks import UNHELD, checks, of_rows, without_vector
from spark.lake.errors import AuditError, TooManyFailuresError
from spark.lake.names import main_table
from spark.lake.reaches import times_added
from spark.lake.refs import Refs, load
from spark.lake.sample import sample
from spark.lake.tables import TABLES
from spark.session import planned_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, SparkSession

    from spark.lake.scope import Scope

_log = logging.getLogger(__name__)
VIEWS = {"audit_chips": CHIPS, "audit_vectors": EMBEDDINGS, "audit_observations": OBSERVATIONS, "audit_scenes": SCENES}
PUBLISHED_VIEWS = {
    "audit_published_chips": CHIPS,
    "audit_published_vectors": EMBEDDINGS,
    "audit_published_observations": OBSERVATIONS,
}
"""Keys of what main has, and the digests of its chips' pixels."""
_USABLE = (
    "size(global_embedding) = 1024 AND forall(global_embedding, x -> x IS NOT NULL AND NOT isnan(x) "
    "AND abs(x) < cast('Infinity' AS float)) AND exists(global_embedding, x -> x <> 0)"
)
_SLACK = timedelta(days=62)
"""Audits search this far beyond the months for rows of a wrong date, where metadata do not say how far there may be."""
_ADVICE = "Look at the branch with the queries of spark/lake/checks.py; drop it to begin the month anew."


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the audits counted in the run's cells and months, main's rows included.

    `offending`: check name to offending rows. `failed` are (cell, pass) pairs whose reading failed
    and chips that could not be embedded, by reason.
    """

    offending: dict[str, int]
    chips: int
    vectors: int
    observations: int
    cells_with_chip: int
    outcomes: dict[str, int]
    failed: dict[str, int]
    rows_of_run: int

    @property
    def area_km2(self) -> float:
        """Area of the cells that have a chip."""
        return self.cells_with_chip * CELL_KM2

    @property
    def failed_frac(self) -> float:
        """Failures of all (cell, pass) pairs of the months."""
        return sum(self.failed.values()) / self.observations if self.observations else 0.0

    def require(self, branch: str, max_failed_frac: float) -> None:
        """Let pass, or stop publishing.

        Raises:
            AuditError: if any check found rows.
            TooManyFailuresError: if more failed than is allowed.
        """
        bad = {name: rows for name, rows in self.offending.items() if rows}
        if bad:
            raise AuditError(branch, bad, _ADVICE)
        if self.failed_frac > max_failed_frac:
            reasons = ", ".join(f"{rows} {reason}" for reason, rows in sorted(self.failed.items()))
            raise TooManyFailuresError(sum(self.failed.values()), self.observations, max_failed_frac, reasons)


def audit(spark: SparkSession, scope: Scope, heads: Mapping[str, int]) -> Findings:
    """Run every check on what the plan's branch is to publish; reads pixels of a sample only.

    Args:
        spark: session.
        scope: cells and months of the plan.
        heads: by table, the snapshot that is audited: the branch itself may be written to meanwhile.
    """
    held = {
        view: audited(scope.rows(spark, table, snapshot=head, slack=_slack(spark, scope, table, head)), table)
        for view, table, head in ((view, table, heads[table]) for view, table in VIEWS.items())
    }
    try:
        for view, frame in held.items():
            frame.persist().createOrReplaceTempView(view)
        sample(spark, scope, heads[CHIPS]).createOrReplaceTempView("audit_sample")
        for view, table in PUBLISHED_VIEWS.items():
            keys = dict.fromkeys((*TABLES[table].key, *(["content_digest"] if table == CHIPS else [])))
            scope.rows(spark, table).select(*map(sql.name, keys)).createOrReplaceTempView(view)
        return _count(spark, scope)
    finally:
        for view, frame in held.items():
            spark.catalog.dropTempView(view)
            frame.unpersist()
        for view in ("audit_sample", *PUBLISHED_VIEWS):
            spark.catalog.dropTempView(view)


def _slack(spark: SparkSession, scope: Scope, table: str, head: int) -> timedelta:
    """How far the run's own files reach beyond its months: a wrong date hides no row, and no other month is read."""
    iceberg = load(spark, main_table(scope.plan, table))
    if head == Refs.of(iceberg).main:
        return timedelta(0)
    times = times_added(spark, iceberg, TABLES[table], head)
    if times is None:
        return _SLACK
    first, last = times
    return max(timedelta(0), scope.plan.start - first, last - scope.plan.end)


def audited(rows: DataFrame, table: str) -> DataFrame:
    """What the checks see of a table's rows: no blobs, and of a vector only whether it can be used."""
    columns = map(sql.name, TABLES[table].columns.without(*UNHELD).names)
    return rows.selectExpr(*columns, *([f"coalesce({_USABLE}, false) AS usable"] if table == EMBEDDINGS else []))


def _count(spark: SparkSession, scope: Scope) -> Findings:
    plan, kind = scope.plan, VectorKind.of(scope.plan)
    queries, conditions = checks(plan.start, plan.end), of_rows(plan.start, plan.end)
    together = {name for named in conditions.values() for name in named}
    numbers = tally(
        spark,
        {
            **{name: f"SELECT count(*) FROM ({query})" for name, query in queries.items() if name not in together},
            "cells": "SELECT count(DISTINCT cell_id) FROM audit_chips",
            "without_vector": f"SELECT count(*) FROM ({without_vector(kind)})",
            "rows_of_run": _rows_of(plan.run.run_id),
        },
        {view: dict(named) for view, named in conditions.items()}
        | {
            "audit_chips": conditions["audit_chips"] | {"chips": "true"},
            "audit_vectors": conditions["audit_vectors"] | {"vectors": kind.condition()},
        },
    )
    counted = {name: numbers[name] for name in queries}
    rows = spark.sql("SELECT outcome, count(*) AS n FROM audit_observations GROUP BY outcome").collect()
    outcomes = {row["outcome"]: row["n"] for row in rows}
    embedded = EmbedReport.load(plan)
    poison = dict(embedded.failed) if embedded else {}
    failed = {name.removeprefix(FAILED): n for name, n in outcomes.items() if name and name.startswith(FAILED)} | poison
    observations = sum(outcomes.values())
    counted["chip_has_vector"] = max(0, numbers["without_vector"] - sum(poison.values()))
    counted |= _complete(ExtractReport.load(plan), observations, needed=plan.work == "full")
    _log.info("audits of %s: %s", plan.branch, counted)
    return Findings(
        offending=counted,
        chips=numbers["chips"],
        vectors=numbers["vectors"],
        observations=observations,
        cells_with_chip=numbers["cells"],
        outcomes=outcomes,
        failed=failed,
        rows_of_run=numbers["rows_of_run"],
    )


def _complete(extracted: ExtractReport | None, observations: int, *, needed: bool) -> dict[str, int]:
    """Whether every planned (cell, pass) has an outcome, by extraction's own count."""
    if extracted is None:
        return {"extract_reported": int(needed)}
    accounted = extracted.chips + extracted.present + sum(extracted.rejected.values()) + sum(extracted.failed.values())
    return {
        "extract_reported": 0,
        "extract_adds_up": abs(extracted.candidates - accounted),
        "observations_complete": max(0, extracted.candidates - observations),
    }


def tally(
    spark: SparkSession, queries: Mapping[str, str], conditions: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, int]:
    """The number that each query gives, and how many rows of a view meet each of its conditions, in one job.

    Args:
        spark: session.
        queries: name to SQL that gives one number.
        conditions: view to name to SQL; all of a view are counted in one pass over it.
    """
    # Tables, not scalar subqueries: each of those is run on its own, whatever it is part of.
    parts = [f"SELECT {sql.string(name)} AS name, n FROM ({query}) AS q(n)" for name, query in queries.items()]
    for view, named in (conditions or {}).items():
        counts = ", ".join(f"count_if({condition}) AS {sql.name(name)}" for name, condition in named.items())
        pairs = ", ".join(f"{sql.string(name)}, {sql.name(name)}" for name in named)
        parts.append(f"SELECT stack({len(named)}, {pairs}) AS (name, n) FROM (SELECT {counts} FROM {view})")
    with planned_once(spark):
        return {row["name"]: int(row["n"]) for row in spark.sql(" UNION ALL ".join(parts)).collect()}


def _rows_of(run_id: str) -> str:
    views = " UNION ALL ".join(
        f"SELECT run_id FROM {view}" for view in ("audit_chips", "audit_vectors", "audit_observations")
    )
    return f"SELECT count(*) FROM ({views}) WHERE run_id = {sql.string(run_id)}"
