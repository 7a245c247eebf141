"""A run's worth of rows on its branch, and the reports that extract and embed would leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claylake.run.reports import EmbedReport, ExtractReport
from claylake.vocabulary import PUBLISH_ORDER
from spark.lake import merge, names
from spark.lake.opening import open_branches
from spark.lake.tables import LINEAGE, TABLES
from tests.spark.lake import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from claylake.plan import Plan

Rows = dict[str, list[dict[str, Any]]]


def rows_of(plan: Plan, cells: Sequence[str], pass_id: str = rows.PASS_A, rejected: Sequence[str] = ()) -> Rows:
    """Chips, vectors and observations of these cells in one pass, and the pass's scene. Changes are publish's own."""
    run = {"run_id": plan.run.run_id}
    chips = [rows.chip(cell, pass_id, **run) for cell in cells]
    observations = [rows.observation(cell, pass_id, **run) for cell in cells]
    observations += [rows.observation(cell, pass_id, "rejected:too_cloudy", **run) for cell in rejected]
    return {
        "chips": chips,
        "embeddings": [rows.vector(chip, plan.model_version) for chip in chips],
        "observations": observations,
        "changes": [],
        "scenes": [rows.scene(pass_id, **run)],
    }


def write(spark: SparkSession, plan: Plan, made: Rows, spoil: Callable[[Rows], None] | None = None) -> Plan:
    """Put the rows on the plan's branch as they are, faults included, and save the reports."""
    open_branches(spark, plan)
    outcomes = [row["outcome"] for row in made["observations"]]
    save_reports(plan, outcomes)
    if spoil:
        spoil(made)
    for table in PUBLISH_ORDER:
        if made[table]:
            frame = rows.frame(spark, table, made[table])
            if spoil:
                frame.writeTo(names.branch_table(plan, table)).append()
            elif table == "observations":
                merge.upsert(spark, plan, table, frame)
            else:
                merge.insert_only(spark, plan, table, frame)
    return plan


def save_reports(plan: Plan, outcomes: Sequence[str], poison: int = 0) -> None:
    """extract.json and embed.json for these outcomes."""
    ExtractReport(
        seconds=1,
        scenes=1,
        passes=1,
        candidates=len(outcomes),
        chips=outcomes.count("chip"),
        present=0,
        rejected={"too_cloudy": sum(outcome.startswith("rejected") for outcome in outcomes)},
        failed={"read": sum(outcome.startswith("failed") for outcome in outcomes)},
        scene_status={"done": 1},
        bytes_read=1,
        message="",
    ).save(plan)
    EmbedReport(
        seconds=1,
        vectors=outcomes.count("chip"),
        present=0,
        failed={"chip_digest": poison} if poison else {},
        model_version=plan.model_version,
        convention="tutorial",
        precision="fp32",
        device="cpu",
        message="",
    ).save(plan)


def state(spark: SparkSession, plan: Plan) -> dict[str, list[tuple[Any, ...]]]:
    """What readers of main see, without lineage: sorted rows of every table."""
    left_out = (*LINEAGE, "rejections", "failures")
    return {
        table: values(spark.table(names.main_table(plan, table)), TABLES[table].columns.without(*left_out).names)
        for table in PUBLISH_ORDER
    }


def values(frame: DataFrame, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """These columns of a data frame as JSON: its rows, sorted."""
    shown = frame.selectExpr(*(f"to_json(struct(`{name}`)) AS `{name}`" for name in columns))
    return sorted(tuple(row) for row in shown.collect())


def heads(spark: SparkSession, plan: Plan) -> dict[str, dict[str, int]]:
    """References of every table."""
    from spark.lake.refs import Refs

    return {table: dict(Refs.read(spark, names.main_table(plan, table)).heads) for table in PUBLISH_ORDER}
