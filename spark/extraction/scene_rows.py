"""Rows of the scenes table: what each scene of the manifest gave, and whether it is settled."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claylake import sql
from claylake.vocabulary import (
    FAILED,
    ON_REPROCESSED,
    REJECTED,
    REPLACE,
    SCENE_DONE,
    SCENE_FAILED,
    SCENE_PARTIAL,
    SCENE_QUARANTINED,
    SCENES,
)
from spark.extraction.observing import ObservedScene
from spark.lake.bounds import extent_of_rows
from spark.lake.branch_state import BranchState
from spark.lake.names import branch_table
from spark.lake.replacing import is_newer, replaces
from spark.lake.tables import SECOND_SCENE, TABLES
from spark.sentinel2.choose import PRESENT
from spark.sentinel2.radiometry import evidence_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from claylake.catalogue.scene import Scene
    from claylake.plan import Plan
    from spark.extraction.quarantine import Verdicts
    from spark.extraction.read_failures import ReadFailures

FOOTPRINT = "footprint"
"""Reason code of a scene whose footprint is no polygon: which cells it shows is unknown."""
_VARIES = ("created_at", "bytes_read", "requests", "seconds")
"""Columns in which two attempts at the same thing may differ."""


@dataclass(frozen=True, kw_only=True)
class SceneRow:
    """A row of the scenes table, by its columns' names, `pass` apart; times are UTC."""

    run_id: str
    scene_id: str
    datetime: dt.datetime
    updated: str | None
    pass_id: str
    collection: str
    baseline: str | None
    radiometry: str
    evidence: str
    candidates: int
    chips: int
    rejections: dict[str, int]
    failures: dict[str, int]
    bytes_read: int
    requests: int
    seconds: float
    cells_digest: str
    selection_digest: str
    status: str
    created_at: dt.datetime

    def columns(self) -> dict[str, object]:
        """Values by the table's names."""
        return {"pass" if name == "pass_id" else name: value for name, value in vars(self).items()}


def count_outcomes(
    choice: DataFrame, existing: DataFrame, observed: DataFrame, *, replaces: bool = False
) -> dict[str, Counter[str]]:
    """By scene id: chips and rejections of which it is the source, and its failures where there is no chip.

    Keys of the counters are outcomes as in a choice. A scene that could not be read counts as failed even where another
    one of the pass gave a rejection: it may have shown more, and may give the chip when it is read again. Where the run
    replaces chips, it does so too where there is a chip of an older baseline. What two halves gave counts for the
    first, and what they failed to give together for both: each is to be read again beside the other.

    Args:
        choice: final, one row per (cell, pass).
        existing: cell_id, pass, scene_id and baseline of all chips, those just written included.
        observed: one row per (cell, scene) or cell of two halves, with its baseline, and what failed in `problem`.
        replaces: whether the run replaces chips.
    """
    from pyspark.sql import functions as f

    key = ["cell_id", "pass"]
    used = (
        choice.where(f.col("outcome") == PRESENT).select(*key, "outcome").join(existing.select(*key, "scene_id"), key)
    )
    rejected = choice.where(f.col("outcome").startswith(REJECTED))
    settled = "o.cell_id = c.cell_id AND o.`pass` = c.`pass`"
    if replaces:
        settled += f" AND NOT coalesce({is_newer('o.baseline', 'c.baseline')}, false)"
    failed = (
        _problems(observed)
        .alias("o")
        .join(existing.alias("c"), on=f.expr(settled), how="left_anti")
        .withColumn("outcome", f.concat(f.lit(FAILED), "problem"))
    )
    columns = ("scene_id", "outcome")
    rows = used.select(*columns).unionByName(rejected.select(*columns)).unionByName(failed.select(*columns))
    counts: dict[str, Counter[str]] = {}
    for row in rows.groupBy(*columns).count().collect():
        counts.setdefault(row["scene_id"], Counter())[row["outcome"]] = row["count"]
    return counts


def _problems(observed: DataFrame) -> DataFrame:
    """A row for each cell that a scene cannot be used for, alone or as a half; once for a cell."""
    from pyspark.sql import functions as f

    columns = ("cell_id", "pass", "scene_id", "baseline", "problem")
    bad = observed.where(f.col("problem").isNotNull())
    alone = bad.where(f.col(SECOND_SCENE).isNull()).select(*columns)
    scenes = f.explode(f.array("scene_id", SECOND_SCENE)).alias("scene_id")
    halves = bad.where(f.col(SECOND_SCENE).isNotNull()).select(
        *(scenes if name == "scene_id" else f.col(name) for name in columns)
    )
    of_cell = ["cell_id", "pass", "scene_id"]
    once = halves.groupBy(*of_cell).agg(f.min("baseline").alias("baseline"), f.min("problem").alias("problem"))
    return alone.unionByName(once.join(alone, on=of_cell, how="left_anti"))


def status(candidates: int, failures: int, *, quarantined: bool) -> str:
    """A scene is done when each candidate of it could be used, or has a chip of another scene.

    Args:
        candidates: number of cells that the scene may supply in this run.
        failures: of these, which the scene failed to supply and no other did; 1 where its footprint is no polygon.
        quarantined: whether the scene's pixels contradict its metadata.
    """
    if quarantined:
        return SCENE_QUARANTINED
    if not failures:
        return SCENE_DONE
    return SCENE_PARTIAL if failures < candidates else SCENE_FAILED


@dataclass(frozen=True, kw_only=True)
class SceneRows:
    """Makes the rows of a run.

    `observed`: by scene id. `outcomes`: as `count_outcomes` gives them. `verdicts`, `failures`: of all batches.
    `footprints`: scene id to what is wrong with its footprint.
    """

    plan: Plan
    observed: Mapping[str, ObservedScene]
    outcomes: Mapping[str, Counter[str]]
    verdicts: Verdicts
    failures: ReadFailures
    footprints: Mapping[str, str]

    def row(self, scene: Scene, created_at: dt.datetime) -> SceneRow:
        """One scene's row."""
        observed = self.observed.get(scene.id, ObservedScene())
        outcomes = self.outcomes.get(scene.id, Counter())
        failures = _by_reason(outcomes, FAILED)
        spent = observed.reading + self.verdicts.log.total(scene.id)
        decision = self.verdicts.decision(scene)
        evidence = evidence_document(scene, decision, self.verdicts.evidence(scene.id))
        if replaces(self.plan):
            evidence |= {ON_REPROCESSED: REPLACE}
        if scene.id in self.footprints:
            failures, evidence = {FOOTPRINT: 1}, evidence | {FOOTPRINT: self.footprints[scene.id]}
        quarantined = scene.id in self.failures.quarantined
        return SceneRow(
            run_id=self.plan.run.run_id,
            scene_id=scene.id,
            datetime=scene.datetime,
            updated=scene.updated,
            pass_id=scene.pass_id,
            collection=scene.collection,
            baseline=scene.baseline,
            radiometry=decision.radiometry,
            evidence=json.dumps(evidence, sort_keys=True),
            candidates=observed.candidates,
            chips=outcomes[PRESENT],
            rejections=_by_reason(outcomes, REJECTED),
            failures=failures,
            bytes_read=spent.downloaded,
            requests=spent.requests,
            seconds=spent.seconds,
            cells_digest=self.plan.cells_digest,
            selection_digest=self.plan.selection_digest,
            status=status(observed.candidates, sum(failures.values()), quarantined=quarantined),
            created_at=created_at,
        )


def write(spark: SparkSession, plan: Plan, rows: Sequence[SceneRow]) -> int:
    """Insert the rows that say something new; gives how many.

    A run done again adds nothing, and one that repaired something adds a later row of the scene.

    Args:
        spark: session.
        plan: whose branch is written, and whose run's rows are compared.
        rows: one for each scene of the run.
    """
    branch = BranchState.of(spark, plan, SCENES)
    values: list[Mapping[str, Any]] = [row.columns() for row in rows]
    bounds = extent_of_rows(values, TABLES[SCENES]).bounds
    if bounds is not None and branch.may_hold(bounds):
        values = _new(spark, plan, values)
    # An attempt's time is part of the key: no other row has it.
    if not values or branch.append(values):
        return len(values)
    # Others have written meanwhile; or the rows were, and the answer was lost.
    values = _new(spark, plan, values)
    if values:
        TABLES[SCENES].columns.frame(spark, values).coalesce(1).writeTo(branch_table(plan, SCENES)).append()
    return len(values)


def _new(spark: SparkSession, plan: Plan, values: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that say something which no row of the run on the branch says."""
    compared = TABLES[SCENES].columns.without(*_VARIES, "datetime").names
    query = (
        f"SELECT {sql.names(compared)} FROM {branch_table(plan, SCENES)} WHERE run_id = {sql.string(plan.run.run_id)}"
    )
    known = {_content(row.asDict()) for row in spark.sql(query).collect()}
    return [row for row in values if _content({name: row[name] for name in compared}) not in known]


def _by_reason(outcomes: Mapping[str, int], kind: str) -> dict[str, int]:
    return {outcome.removeprefix(kind): number for outcome, number in outcomes.items() if outcome.startswith(kind)}


def _content(row: Mapping[str, object]) -> str:
    return json.dumps(row, sort_keys=True)
