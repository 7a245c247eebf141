"""Pending chips in groups: the same chips, order and sizes as sorting them all in one place gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from claylake.vocabulary import CHIPS
from spark.datafiles.parquet import GROUP_ROWS
from spark.embedding import pending as module
from spark.embedding.pending import groups_of, members, with_pixels, without_vector
from spark.lake import merge
from spark.lake.append import Appender
from spark.lake.bounds import Bounds
from spark.lake.opening import open_branches
from spark.lake.scope import Scope
from spark.lake.tables import TABLES
from tests.spark.conftest import LAKE
from tests.spark.lake import rows
from tests.spark.lake.rows import PlanMaker
from tests.spark.lake.test_append import written

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from infra.local.client import StackInfo

pytestmark = pytest.mark.slow
HOUR = "hour(datetime) AS hour"
DAY = datetime(2024, 7, 1, tzinfo=UTC)


@pytest.fixture
def make_plan(stack: StackInfo) -> PlanMaker:
    return PlanMaker(lake=LAKE, database="pending")


def made_up(spark: SparkSession, count: int) -> DataFrame:
    """Chips in no order; geohashes and datetimes repeat."""
    return spark.range(count, numPartitions=5).selectExpr(
        "concat('c', lpad(id * 7919 % 100003, 6, '0')) AS id",
        "'d' AS content_digest",
        "timestamp_micros(1719792000000000 + id % 11 * 3600000000) AS datetime",
        "concat('u2', lpad(id * 31 % 97, 2, '0'), 'abc') AS geohash",
    )


@pytest.mark.parametrize(("count", "size"), [(0, 10), (1, 10), (10, 10), (11, 10), (997, 100), (1000, 100)])
def test_groups_are_slices_of_the_sorted_chips(spark: SparkSession, count: int, size: int) -> None:
    rows = made_up(spark, count).persist()
    ordered = sorted((row["geohash"], row["id"], "d", row["hour"]) for row in rows.selectExpr("*", HOUR).collect())
    slices = [ordered[start : start + size] for start in range(0, count, size)]
    groups = groups_of(rows, size)
    assert [(group.chips, group.first, group.last) for group in groups] == [
        (len(part), part[0][:3], part[-1][:3]) for part in slices
    ]
    for group, part in zip(groups, slices, strict=True):
        moments = [DAY + timedelta(hours=row[3]) for row in part]
        assert group.bounds == Bounds.of_cells(TABLES[CHIPS], min(moments), max(moments), [row[0] for row in part])
    for group, part in list(zip(groups, slices, strict=True))[:2]:
        assert {row["id"] for row in members(rows, group).collect()} == {row[1] for row in part}
    rows.unpersist()


def test_nothing_is_kept(spark: SparkSession) -> None:
    kept = spark.sparkContext._jsc.getPersistentRDDs
    before = len(kept())
    assert len(groups_of(made_up(spark, 30), 10)) == 3
    assert len(kept()) == before


def test_few_scattered_chips_are_read_by_their_ids(
    spark: SparkSession, make_plan: PlanMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two files of 96 chips, in row groups of 32, the two groups that hold them."""
    cells = [f"{rows.EPSG}_{rows.COL + x}_{rows.ROW + y}" for x in range(12) for y in range(8)]
    centres = {row["cell_id"]: (row["lon"], row["lat"]) for row in rows.cells_table(cells).to_pylist()}
    plan, groups = make_plan(cells=cells), []
    open_branches(spark, plan)
    chips = [small(cell, pass_id) for pass_id in (rows.PASS_A, rows.PASS_B) for cell in cells]
    appender = Appender(spark=spark, scope=Scope.of(plan), name="chips")
    appender.begin()
    files = [*written(appender, "one", chips[:96]), *written(appender, "one", chips[96:], "other")]
    assert sum(len(file.keys) for file in appender.append(files, "one")) == 192
    lacking = {chips[5]["id"], chips[150]["id"]}
    vectors = [
        rows.vector(chip, plan.model_version, global_embedding=[1.0]) for chip in chips if chip["id"] not in lacking
    ]
    merge.insert_only(spark, plan, "embeddings", rows.frame(spark, "embeddings", vectors))
    # The driver finds them, or Spark: the same ones, in the same groups.
    for few in (module.FEW, 191):
        monkeypatch.setattr(module, "FEW", few)
        pending = without_vector(spark, appender.scope)
        assert (pending.held is None) == (few == 191)
        assert (pending.total, pending.chips) == (192, 2)
        assert {row["id"] for row in pending.missing.collect()} == lacking
        found = with_pixels(spark, appender.scope, pending, pending.groups[0])
        made = {row["id"]: (row["lon"], row["lat"]) for row in found.collect()}
        assert made == {chip["id"]: centres[chip["cell_id"]] for chip in chips if chip["id"] in lacking}
        assert rows_scanned(found, "chips", "clay_tensor") <= 2 * GROUP_ROWS
        groups.append([without_vector(spark, appender.scope, size).groups for size in (1, 2)])
    assert groups[0] == groups[1]


def small(cell: str, pass_id: str) -> dict[str, Any]:
    row = rows.chip(rows.CELLS_3X3[0], pass_id, clay_tensor=b"pixels", geotiff=b"picture")
    place = rows.cells_table([cell]).to_pylist()[0]
    _, col, line = cell.split("_")
    return row | {
        "id": f"{cell}_{pass_id}",
        "cell_id": cell,
        "geohash": place["geohash"],
        "col": int(col),
        "row": int(line),
    }


def rows_scanned(frame: DataFrame, table: str, column: str) -> int:
    """Rows that Spark was given by the scan of a column of an Iceberg table; `frame` was collected."""
    plan, number = frame._jdf.queryExecution().executedPlan(), []

    def visit(node: Any) -> None:
        text = node.simpleString(1000)
        if text.startswith("BatchScan") and f".{table}" in text and column in text:
            number.append(node.metrics().apply("numOutputRows").value())
        children = node.children()
        for place in range(children.size()):
            visit(children.apply(place))
        if node.getClass().getSimpleName() == "AdaptiveSparkPlanExec":
            visit(node.executedPlan())
        if node.getClass().getSimpleName().endswith("QueryStageExec"):
            visit(node.plan())

    visit(plan)
    assert len(number) == 1
    return int(number[0])
