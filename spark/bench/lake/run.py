"""A run's work on its branch, written as the steps would have left it, and main put back to where it was."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from claylake.run.reports import EmbedReport, ExtractReport
from claylake.vocabulary import CHIPS, EMBEDDINGS, OBSERVATIONS, PUBLISH_ORDER, SCENES
from spark.bench.lake import filled
from spark.bench.lake.filled import FEW
from spark.bench.lake.rows import chips
from spark.datafiles.writer import FileWriter
from spark.lake import names
from spark.lake.append import Appender
from spark.lake.opening import open_branches
from spark.lake.refs import Refs, load
from spark.lake.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from pyspark.sql import SparkSession

    from claylake.plan import Plan
    from spark.bench.lake.rows import Given


def extracted(spark: SparkSession, plan: Plan, cells: pa.Table, pass_id: str, given: Given) -> None:
    """Chips, observations and the scene on the plan's branch; no vector yet.

    Args:
        spark: session.
        plan: of the run.
        cells: of the run.
        pass_id: in which all cells have a chip.
        given: what the rows have in their blobs.
    """
    open_branches(spark, plan)
    _append_chips(spark, plan, cells, pass_id, given)
    for name in (OBSERVATIONS, SCENES):
        _append(spark, plan, name, cells, pass_id, given)
    number = cells.num_rows
    ExtractReport(
        seconds=0,
        scenes=1,
        passes=1,
        candidates=number,
        chips=number,
        present=0,
        rejected={},
        failed={},
        scene_status={"done": 1},
        bytes_read=0,
        message="",
    ).save(plan)


def embedded(spark: SparkSession, plan: Plan, cells: pa.Table, pass_id: str, given: Given) -> None:
    """The vectors of the same chips.

    Args:
        spark: session.
        plan: of the run.
        cells: of the run.
        pass_id: in which all cells have a chip.
        given: what the rows have in their blobs.
    """
    _append(spark, plan, EMBEDDINGS, cells, pass_id, given)
    EmbedReport(
        seconds=0,
        vectors=cells.num_rows,
        present=0,
        failed={},
        model_version=plan.model_version,
        convention=plan.settings.encoder.convention,
        precision="fp32",
        device="cpu",
        message="",
    ).save(plan)


def _append(spark: SparkSession, plan: Plan, name: str, cells: pa.Table, pass_id: str, given: Given) -> None:
    target = Appender(spark=spark, scope=Scope.of(plan), name=name).target(uuid.uuid4().hex)
    files = filled.written(target, plan, name, cells, pass_id, given)
    filled.commit(spark, names.main_table(plan, name), files, plan.branch)


def _append_chips(spark: SparkSession, plan: Plan, cells: pa.Table, pass_id: str, given: Given) -> None:
    """As extraction does."""
    appender, batch = Appender(spark=spark, scope=Scope.of(plan), name=CHIPS), uuid.uuid4().hex
    appender.begin()
    target, ordered = appender.target(batch), cells.sort_by("geohash")
    expected = [{"geohash": row["geohash"], "datetime": row["datetime"]} for row in chips(plan, ordered, pass_id, FEW)]
    with FileWriter(target, "bench", expected) as writer:
        for row in chips(plan, ordered, pass_id, given):
            writer.take(row)
        files = writer.files()
    appender.append(files, batch)


def heads(spark: SparkSession, plan: Plan) -> dict[str, dict[str, int]]:
    """References of each table."""
    return {name: dict(Refs.read(spark, names.main_table(plan, name)).heads) for name in PUBLISH_ORDER}


def put_back(spark: SparkSession, plan: Plan, main: Mapping[str, int], branch: Mapping[str, int]) -> None:
    """Let main and the plan's branch point at these snapshots again, whatever was published.

    Args:
        spark: session.
        plan: whose branch.
        main: by table.
        branch: by table.
    """
    for name in PUBLISH_ORDER:
        iceberg = load(spark, names.main_table(plan, name))
        there = Refs.of(iceberg).heads
        change = iceberg.manageSnapshots().replaceBranch("main", main[name])
        if plan.branch in there:
            change = change.replaceBranch(plan.branch, branch[name])
        else:
            change = change.createBranch(plan.branch, branch[name])
        change.commit()


def chips_mb(spark: SparkSession, plan: Plan) -> float:
    """Bytes of the chips' files that the branch added, MB."""
    iceberg = load(spark, names.main_table(plan, CHIPS))
    snapshot = iceberg.snapshot(Refs.of(iceberg).heads[plan.branch])
    return int(snapshot.summary().get("added-files-size") or 0) / 1e6
