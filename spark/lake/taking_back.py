"""Chips of scenes that turned out wrong, taken back from a run's branch with all that rests on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import CHIPS, EMBEDDINGS, OBSERVATIONS, OUTCOME_CHIP, SCENE_DONE, SCENES
from spark.lake import merge, names, replacing
from spark.lake.bounds import Bounds, from_micros
from spark.lake.columns import Columns
from spark.lake.tables import SECOND_SCENE, TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pyspark.sql import Row, SparkSession

    from claylake.plan import Plan
    from spark.lake.scope import Scope

_TAKEN = Columns(dict.fromkeys(("id", "cell_id", "pass", "detail"), "string"))


@dataclass(frozen=True, kw_only=True)
class TakenBack:
    """Ids of the chips that left the branch, `own` of them written by this attempt; those that main has stay.

    Where a chip that left had replaced one of main's, that one is on the branch again.
    """

    chips: tuple[str, ...]
    own: int
    published: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a scene's chips are taken back: the `detail` of their observations; those of radiometry `right` may stay."""

    detail: str
    right: str | None = None


def take_back(
    spark: SparkSession, scope: Scope, reasons: Mapping[str, Reason], outcome: str, created_at: datetime
) -> TakenBack:
    """Remove from the plan's branch the chips of scenes that main does not have.

    Their vectors go as well, and rows that call scenes of their passes done. Their observations get `outcome`, or again
    what main has of them where that is better. Nothing is committed where there are no such chips. The chips go last:
    where a step is killed before that, the next attempt finds them and does all of it again. What they had replaced
    comes back after that, at the latest when the branch is opened again.

    Args:
        spark: session.
        scope: the plan, and the cells that bound what is searched.
        reasons: by scene id.
        outcome: of these observations.
        created_at: the time that this attempt's rows carry, UTC.
    """
    plan = scope.plan
    chips = _chips_of(spark, scope, sorted(reasons), created_at)
    details = {row["id"]: detail for row in chips if (detail := _against(row, reasons)) is not None}
    found = [row for row in chips if row["id"] in details]
    taken = [row for row in found if not row["published"]]
    if taken:
        rows = [{**row.asDict(), "detail": details[row["id"]]} for row in taken]
        moments = [from_micros(row["micros"]) for row in taken]
        hashes = [row["geohash"] for row in taken]
        near = {name: Bounds.of_cells(TABLES[name], min(moments), max(moments), hashes) for name in TABLES}
        with merge.view_of(_TAKEN.frame(spark, rows)) as view:
            ids = f"t.id IN (SELECT id FROM {view})"
            passes = sql.is_in("t.`pass`", sorted({row["pass"] for row in taken}))
            _remove(spark, plan, EMBEDDINGS, near[EMBEDDINGS], ids)
            _remove(spark, plan, SCENES, near[SCENES], f"{passes} AND t.status = {sql.string(SCENE_DONE)}")
            _restore_observations(spark, plan, near[OBSERVATIONS], view, (outcome, created_at))
            _remove(spark, plan, CHIPS, near[CHIPS], ids)
        if any(row["replaced"] for row in taken):
            replacing.restore(spark, plan)
    return TakenBack(
        chips=tuple(sorted(row["id"] for row in taken)),
        own=sum(row["own"] for row in taken),
        published=tuple(sorted(row["id"] for row in found if row["published"])),
    )


def _against(chip: Row, reasons: Mapping[str, Reason]) -> str | None:
    """The detail of the first of a chip's scenes for which it is wrong; None where it is of the right radiometry."""
    scenes = (reasons[name] for name in (chip["scene_id"], chip[SECOND_SCENE]) if name in reasons)
    return next((reason.detail for reason in scenes if reason.right != chip["radiometry"]), None)


def _chips_of(spark: SparkSession, scope: Scope, scene_ids: Sequence[str], created_at: datetime) -> list[Row]:
    """The branch's chips of these scenes, of halves too: what is needed of each, whether `own`, whether main has it."""
    plan, near = scope.plan, scope.bounds(CHIPS).condition(TABLES[CHIPS], "m")
    query = (
        f"SELECT t.id, t.cell_id, t.`pass`, t.scene_id, t.{SECOND_SCENE}, t.radiometry, t.geohash, "
        "unix_micros(t.datetime) AS micros, "
        f"t.created_at = {sql.timestamp(created_at)} AS own, m.content_digest <=> t.content_digest AS published, "
        "NOT m.content_digest <=> t.content_digest AND m.id IS NOT NULL AS replaced "
        f"FROM {names.branch_table(plan, CHIPS)} t "
        f"LEFT JOIN (SELECT id, content_digest FROM {names.main_table(plan, CHIPS)} m WHERE {near}) m "
        f"ON m.id = t.id WHERE {scope.where(CHIPS)} "
        f"AND ({sql.is_in('t.scene_id', scene_ids)} OR {sql.is_in(f't.{SECOND_SCENE}', scene_ids)})"
    )
    return spark.sql(query).join(scope.cells_frame(spark).select("cell_id"), "cell_id", "left_semi").collect()


def _remove(spark: SparkSession, plan: Plan, name: str, near: Bounds, condition: str) -> None:
    """Delete the branch's rows (`t` in the condition) that main does not have; chips are those that are named."""
    shape, branch = TABLES[name], names.branch_table(plan, name)
    rows = spark.sql(
        f"SELECT {sql.names(shape.key, 't')} FROM {branch} t WHERE {near.condition(shape, 't')} AND {condition}"
    )
    # Main may have a chip's id with the pixels that this one replaced.
    beyond = rows if name == CHIPS else merge.missing(spark, names.main_table(plan, name), shape, rows, near)
    merge.delete(spark, plan, name, beyond, near)


def _restore_observations(
    spark: SparkSession, plan: Plan, near: Bounds, view: str, verdict: tuple[str, datetime]
) -> None:
    """Give the observations of the chips in `view` the verdict's outcome and time, and merge main's with them again."""
    shape, (outcome, created_at) = TABLES[OBSERVATIONS], verdict
    same = "t.cell_id = s.cell_id AND t.`pass` = s.`pass`"
    where = near.condition(shape, "t")
    spark.sql(
        f"MERGE INTO {names.branch_table(plan, OBSERVATIONS)} t USING {view} s ON {same} AND {where} "
        f"WHEN MATCHED AND t.outcome = {sql.string(OUTCOME_CHIP)} THEN UPDATE SET t.outcome = {sql.string(outcome)}, "
        f"t.detail = s.detail, t.run_id = {sql.string(plan.run.run_id)}, t.created_at = {sql.timestamp(created_at)}"
    )
    main = spark.sql(
        f"SELECT t.* FROM {names.main_table(plan, OBSERVATIONS)} t LEFT SEMI JOIN {view} s ON {same} WHERE {where}"
    )
    merge.upsert(spark, plan, OBSERVATIONS, main, cheap=True)
