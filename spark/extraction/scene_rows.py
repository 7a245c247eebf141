"""Rows of the scenes table: what each scene of the manifest gave, and whether it is settled."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from claylake import sql
from claylake.vocabulary import (
    FAILED,
    REJECTED,
    SCENE_DONE,
    SCENE_FAILED,
    SCENE_PARTIAL,
    SCENE_QUARANTINED,
    SCENES,
)
from spark.choose import PRESENT
from spark.extraction.ledger import Entry
from spark.lake import merge
from spark.lake.bounds import extent_of_rows
from spark.lake.branches import on_branch
from spark.lake.tables import TABLES
from spark.radiometry import account, decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from pyspark.sql import DataFrame, SparkSession

    from claylake.plan import Plan
    from claylake.scene import Scene
    from spark.extraction.ledger import Ledger
    from spark.extraction.troubles import Troubles

FOOTPRINT = "footprint"
"""Reason code of a scene whose footprint is no polygon: none of its cells can be told."""
_VARIES = ("created_at", "bytes_read", "requests", "seconds")
"""Columns in which two attempts at the same thing may differ."""


def tally(choice: DataFrame, at_hand: DataFrame) -> dict[str, Counter[str]]:
    """By scene id: chips and rejections of which it is the source, and failures in which it was considered.

    Keys of the counters are outcomes as in a choice. A failed (cell, pass) counts for each of its
    scenes, because any of them may repair it.
    """
    from pyspark.sql import functions as f

    key = ["cell_id", "pass"]
    used = choice.where(f.col("outcome") == PRESENT).select(*key, "outcome").join(at_hand.select(*key, "scene_id"), key)
    rejected = choice.where(f.col("outcome").startswith(REJECTED))
    failed = choice.where(f.col("outcome").startswith(FAILED)).withColumn("scene_id", f.explode("considered"))
    columns = ("scene_id", "outcome")
    rows = used.select(*columns).unionByName(rejected.select(*columns)).unionByName(failed.select(*columns))
    counts: dict[str, Counter[str]] = {}
    for row in rows.groupBy(*columns).count().collect():
        counts.setdefault(row["scene_id"], Counter())[row["outcome"]] = row["count"]
    return counts


def status(candidates: int, failures: int, *, quarantined: bool) -> str:
    """A scene is done when every candidate of it has an outcome without failure."""
    if quarantined:
        return SCENE_QUARANTINED
    if not failures:
        return SCENE_DONE
    return SCENE_PARTIAL if failures < candidates else SCENE_FAILED


class SceneRows:
    """Makes the rows.

    Args:
        plan: the run.
        looked: scene id to number of candidates and what the first look took.
        counts: as `tally` gives them.
        ledger: what reading told.
        troubles: whose scenes are quarantined.
        footprints: scene id to what is wrong with its footprint.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        looked: Mapping[str, tuple[int, Entry]],
        counts: Mapping[str, Counter[str]],
        ledger: Ledger,
        troubles: Troubles,
        footprints: Mapping[str, str],
    ) -> None:
        self._plan = plan
        self._looked = looked
        self._counts = counts
        self._ledger = ledger
        self._troubles = troubles
        self._footprints = footprints

    def row(self, scene: Scene, created_at: datetime) -> dict[str, Any]:
        """One scene's row."""
        candidates, look = self._looked.get(scene.id, (0, Entry()))
        counts = self._counts.get(scene.id, Counter())
        failures = {key.removeprefix(FAILED): number for key, number in counts.items() if key.startswith(FAILED)}
        evidence = self._ledger.of(scene.id)
        spent = look + evidence
        decision = decide(scene)
        found = account(scene, decision, evidence.evidence)
        if scene.id in self._footprints:
            failures, found = {FOOTPRINT: 1}, found | {FOOTPRINT: self._footprints[scene.id]}
        return {
            "run_id": self._plan.run.run_id,
            "scene_id": scene.id,
            "datetime": scene.datetime,
            "updated": scene.updated,
            "pass": scene.pass_id,
            "collection": scene.collection,
            "baseline": scene.baseline,
            "radiometry": decision.radiometry,
            "evidence": json.dumps(found, sort_keys=True),
            "candidates": candidates,
            "chips": counts[PRESENT],
            "rejections": {key.removeprefix(REJECTED): n for key, n in counts.items() if key.startswith(REJECTED)},
            "failures": failures,
            "bytes_read": spent.downloaded,
            "requests": spent.requests,
            "seconds": spent.seconds,
            "cells_digest": self._plan.cells_digest,
            "selection_digest": self._plan.selection_digest,
            "status": status(candidates, sum(failures.values()), quarantined=scene.id in self._troubles.quarantined),
            "created_at": created_at,
        }


def write(spark: SparkSession, plan: Plan, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert the rows that say something new; gives how many.

    A run done again adds nothing, and one that repaired something adds a later row of the scene.
    """
    shape = TABLES[SCENES]
    compared = shape.columns.without(*_VARIES, "datetime").names
    query = f"SELECT {sql.names(compared)} FROM {on_branch(plan, SCENES)} WHERE run_id = {sql.string(plan.run.run_id)}"
    known = {_said(row.asDict()) for row in spark.sql(query).collect()}
    new = [row for row in rows if _said({name: row[name] for name in compared}) not in known]
    if not new:
        return 0
    frame = shape.columns.frame(spark, new)
    return merge.insert_only(spark, plan, SCENES, frame, extent=extent_of_rows(new, shape))


def _said(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)
