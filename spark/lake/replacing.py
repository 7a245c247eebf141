"""Chips that a newer processing replaces: the old row makes room, and what rests on it follows.

A chip is replaced in two commits to the run's branch, a delete and an insert, so a step that is killed between them
leaves a branch without it. Who opens the branch next restores what main has of it first (`restore`), so no chip is ever
lost. Vectors and observations follow at the end of extraction (`follow`). Main moves once for each table, as always.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import CHIPS, EMBEDDINGS, OBSERVATIONS, OUTCOME_CHIP, REPLACE
from spark.lake import merge, names, vectors
from spark.lake.columns import Columns
from spark.lake.refs import Refs
from spark.lake.scope import Scope
from spark.lake.tables import FRACTIONS, PROCESSING_VERSION, SECOND_SCENE, TABLES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from claylake.plan import Plan
    from spark.lake.bounds import Bounds

_log = logging.getLogger(__name__)
BASELINES = Columns({"id": "string", "baseline": "string"})
_OF_CHIP = ("datetime", "scene_id", SECOND_SCENE, "scl_mean", *FRACTIONS, "run_id", "created_at")
"""What an observation repeats of its chip."""


def replaces(plan: Plan) -> bool:
    """Whether the run replaces chips of an older baseline."""
    return plan.settings.catalogue.on_reprocessed == REPLACE


def is_newer(one: str, other: str) -> str:
    """The SQL condition that a baseline is newer than another one; never met where either is no number.

    Two digits, a point and two digits: as numbers they are in order.
    """
    return f"cast({one} AS double) > cast({other} AS double)"


def make_room(spark: SparkSession, plan: Plan, rows: DataFrame, bounds: Bounds, *, branch: str | None = None) -> int:
    """Delete from the branch the chips of an older baseline than the rows of their id have; gives how many.

    Args:
        spark: session.
        plan: where the tables are.
        rows: `BASELINES` of what is to be inserted next.
        bounds: of these rows.
        branch: another branch than the plan's.
    """
    shape, target = TABLES[CHIPS], names.branch_table(plan, CHIPS, branch)
    with merge.view_of(rows) as view:
        older = spark.sql(
            f"SELECT t.id FROM {target} t JOIN {view} s ON s.id = t.id AND {bounds.condition(shape, 't')} "
            f"WHERE {is_newer('s.baseline', 't.baseline')}"
        )
        return merge.delete(spark, plan, CHIPS, older, bounds, branch=branch)


def restore(spark: SparkSession, plan: Plan) -> int:
    """Give the plan's branch again what main has of the run's cells and months and the branch has lost: chips, vectors.

    Gives the number of chips. Nothing is read where the branch has only added chips.
    """
    if not _touched(spark, plan):
        return 0
    scope = Scope.of(plan)
    here, there = (scope.rows(spark, CHIPS, branch=branch) for branch in (plan.branch, None))
    lost = there.join(here.select("id"), on="id", how="left_anti")
    number = merge.insert_only(spark, plan, CHIPS, lost, cheap=True)
    kept = scope.rows(spark, CHIPS, branch=plan.branch).select("id", "content_digest")
    theirs = scope.rows(spark, EMBEDDINGS).join(kept, on=["id", "content_digest"], how="left_semi")
    ours = scope.rows(spark, EMBEDDINGS, branch=plan.branch).select(*TABLES[EMBEDDINGS].key)
    without = theirs.join(ours, on=list(TABLES[EMBEDDINGS].key), how="left_anti")
    merge.insert_only(spark, plan, EMBEDDINGS, without, cheap=True)
    if number:
        _log.warning("%d chips that %s had lost were restored as main has them", number, plan.branch)
    return number


def follow(spark: SparkSession, plan: Plan) -> int:
    """Let vectors and observations of the plan's branch follow chips that were replaced; gives how many observations.

    Vectors of the former pixels go. Nothing is read where the branch has only added chips.
    """
    if not _touched(spark, plan):
        return 0
    scope = Scope.of(plan)
    vectors.drop_without_chip(spark, scope)
    return follow_observations(spark, scope)


def follow_observations(spark: SparkSession, scope: Scope, *, branch: str | None = None) -> int:
    """Let observations describe the chips that the plan's branch has by now, and say what these replace.

    An observation that is older than its chip is of a former chip: both carry the time of the attempt that made them,
    and an observation is never written before its chip. Gives how many there were.

    Args:
        spark: session.
        scope: cells and months of the plan.
        branch: another branch than the plan's, whose observations are changed.
    """
    plan, shape = scope.plan, TABLES[OBSERVATIONS]
    target = names.branch_table(plan, OBSERVATIONS, branch)
    of_chip = sql.names(_OF_CHIP, "c")
    scenes = f"array_compact(array(c.scene_id, c.{SECOND_SCENE}))"
    stale = spark.sql(
        f"SELECT o.cell_id, o.`pass`, {of_chip}, "
        f"array_sort(array_union(o.{merge.CONSIDERED}, {scenes})) AS {merge.CONSIDERED}, "
        f"concat('replaces a chip of ', concat_ws(' and ', o.scene_id, o.{SECOND_SCENE}), "
        "coalesce(concat(', baseline ', m.baseline), '')) AS detail "
        f"FROM {names.branch_table(plan, CHIPS)} c JOIN {target} o ON o.cell_id = c.cell_id AND o.`pass` = c.`pass` "
        f"LEFT JOIN (SELECT id, baseline FROM {names.main_table(plan, CHIPS)} m WHERE {scope.where(CHIPS, 'm')}) m "
        f"ON m.id = c.id WHERE {scope.where(CHIPS, 'c')} AND {scope.where(OBSERVATIONS, 'o')} "
        f"AND o.outcome = {sql.string(OUTCOME_CHIP)} AND o.created_at < c.created_at"
    ).persist()
    try:
        number = stale.count()
        if number:
            constant = {
                "cells_digest": plan.cells_digest,
                "selection_digest": plan.selection_digest,
                "processing_version": PROCESSING_VERSION,
            }
            changes = [f"t.{name} = s.{name}" for name in map(sql.name, (*_OF_CHIP, merge.CONSIDERED, "detail"))]
            changes += [f"t.{sql.name(name)} = {sql.string(value)}" for name, value in constant.items()]
            with merge.view_of(stale) as view:
                spark.sql(
                    f"MERGE INTO {target} t USING {view} s ON t.cell_id = s.cell_id AND t.`pass` = s.`pass` "
                    f"AND {scope.bounds(OBSERVATIONS).condition(shape, 't')} "
                    f"WHEN MATCHED THEN UPDATE SET {', '.join(changes)}"
                )
    finally:
        stale.unpersist()
    return number


def _touched(spark: SparkSession, plan: Plan) -> bool:
    """Whether the branch may have done more than add chips since it left main, by metadata alone."""
    return not Refs.read(spark, names.main_table(plan, CHIPS)).only_adds(plan.branch)
