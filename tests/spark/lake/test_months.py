"""Months of pixels end whole, by metadata alone; vectors and observations stay, and runs of these months go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from py4j.protocol import Py4JJavaError

from claylake import store
from claylake.month import Month
from claylake.run.reports import MaintainReport
from spark.lake import branches, months, names
from spark.lake.opening import open_branches
from spark.lake.refs import load
from spark.publishing.maintain import maintain
from spark.publishing.run import publish_run
from tests.spark.lake import rows, runs

CELLS = rows.CELLS_3X3
PASS_JUNE = "S2A_20240625T112111"
NOW = datetime(2024, 9, 15, 12, tzinfo=UTC)
pytestmark = pytest.mark.slow


@pytest.fixture
def lake(spark, make_plan):
    """A plan of July that keeps one month; main has a chip of each of three months, and one of July's last minute.

    The datetime of the last, as of its vector and observation, is of August.
    """
    plan = make_plan(maintenance={"chips_keep_months": 1})
    open_branches(spark, plan)
    late = {"datetime": datetime(2024, 8, 1, 0, 0, 20, tzinfo=UTC)}
    chips = [rows.chip(CELLS[0], pass_id) for pass_id in (PASS_JUNE, rows.PASS_A, rows.PASS_AUGUST)]
    chips.append(rows.chip(CELLS[1], "S2A_20240731T235901", **late))
    made = {
        "chips": chips,
        "embeddings": [rows.vector(chip, plan.model_version) for chip in chips],
        "observations": [rows.observation(chip["cell_id"], chip["pass"], datetime=chip["datetime"]) for chip in chips],
    }
    for name, each in made.items():
        rows.frame(spark, name, each).writeTo(names.main_table(plan, name)).append()
    branches.drop(spark, plan)
    return plan


def ids(spark, plan, name="chips"):
    return {row["id"] for row in spark.sql(f"SELECT id FROM {names.main_table(plan, name)}").collect()}


def test_whole_months_end_by_one_commit_of_metadata(spark, lake, make_plan):
    table = names.main_table(lake, "chips")
    heads = runs.heads(spark, lake)
    assert months.end_old(spark, make_plan(), NOW) == 0, "by default all are kept"
    assert months.end_old(spark, lake, datetime(2024, 7, 31, tzinfo=UTC)) == 0
    assert (runs.heads(spark, lake), months.kept_from(spark, lake)) == (heads, None)

    before, state = load(spark, table).currentSnapshot(), runs.state(spark, lake)
    stored = {row["file_path"] for row in spark.sql(f"SELECT file_path FROM {table}.files").collect()}
    report = maintain(spark, lake, NOW)
    assert MaintainReport.load(lake) == report
    assert (report.ended_chips, report.message) == (2, "2 chips of months that are no longer kept dropped")
    after = load(spark, table)
    summary = dict(after.currentSnapshot().summary())
    assert after.currentSnapshot().parentId() == before.snapshotId()
    assert after.currentSnapshot().operation() == "delete"
    assert (summary["deleted-records"], "added-data-files" in summary) == ("2", False)
    assert {row["file_path"] for row in spark.sql(f"SELECT file_path FROM {table}.files").collect()} < stored
    assert ids(spark, lake) == {f"{CELLS[0]}_{rows.PASS_AUGUST}", f"{CELLS[1]}_S2A_20240731T235901"}
    assert {name: state[name] for name in state if name != "chips"} == {
        name: values for name, values in runs.state(spark, lake).items() if name != "chips"
    }
    assert months.kept_from(spark, lake) == Month(2024, 8)

    heads = runs.heads(spark, lake)
    assert maintain(spark, lake, NOW).message.startswith("nothing to do; not due: ")
    assert runs.heads(spark, lake) == heads


def test_months_on_which_a_run_works_stay_until_it_has_published(spark, lake, make_plan, monkeypatch):
    other = make_plan("an-aoi-of-a-name-that-is-long", months=("2024-07", "2024-08"), run_id="manual__2")
    open_branches(spark, other)
    assert months.end_old(spark, lake, NOW) == 1
    assert months.kept_from(spark, lake) == Month(2024, 7)
    branches.drop(spark, other)
    assert months.end_old(spark, lake, NOW) == 1
    assert months.kept_from(spark, lake) == Month(2024, 8)

    early = make_plan("early", months=("2024-06",), run_id="manual__3")
    open_branches(spark, early)
    may = rows.frame(spark, "chips", [rows.chip(CELLS[0], "S2A_20240525T112111")])
    may.writeTo(names.main_table(lake, "chips")).append()
    assert months.end_old(spark, lake, NOW) == 1
    assert months.kept_from(spark, lake) == Month(2024, 8), "the mark only moves on"
    branches.drop(spark, early)

    # Were a file to hold a row that stays, Iceberg would refuse rather than write it anew.
    start_of = Month.start.fget
    monkeypatch.setattr(
        Month, "start", property(lambda month: start_of(month) + timedelta(days=3, hours=11, minutes=30))
    )
    hours = [
        rows.chip(CELLS[hour], rows.PASS_AUGUST, datetime=datetime(2024, 8, 4, 11 + hour, tzinfo=UTC))
        for hour in (0, 1)
    ]
    rows.frame(spark, "chips", hours).coalesce(1).writeTo(names.main_table(lake, "chips")).append()
    with pytest.raises(Py4JJavaError, match="some, but not all, rows match"):
        months.end_old(spark, lake, NOW)


@pytest.mark.beside
def test_a_later_run_of_an_ended_month_is_audited_and_published(spark, lake, make_plan):
    """It adds one cell; what main has of the others is vectors and observations without a chip."""
    months.end_old(spark, lake, NOW)
    plan = make_plan(run_id="manual__4", maintenance={"chips_keep_months": 1})
    runs.write(spark, plan, runs.rows_of(plan, CELLS[4:5]))
    report = publish_run(spark, plan)
    assert {name: found for name, found in report.audits.items() if found} == {}
    assert (report.month_chips, report.month_vectors) == (2, 3), "one new, one of July's last minute; two ended"
    assert store.exists(report.report)
    assert f"{CELLS[4]}_{rows.PASS_A}" in ids(spark, plan)
    vectors = ids(spark, plan, "embeddings")
    assert months.end_old(spark, plan, NOW) == 1
    assert ids(spark, plan, "embeddings") == vectors
