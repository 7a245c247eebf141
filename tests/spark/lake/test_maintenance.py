"""Upkeep changes files, never rows, and commits nothing where there is nothing to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from claylake import store
from claylake.run.reports import MaintainReport
from spark.lake import branches, maintenance, names, opened
from spark.lake.opening import open_branches
from spark.lake.refs import Refs, manifest_sizes
from spark.lake.scope import Scope
from spark.publishing.maintain import maintain
from tests.spark.lake import rows, runs

CELLS = rows.CELLS_3X3
pytestmark = pytest.mark.slow


@pytest.fixture
def plan(spark, make_plan):
    """A plan whose tables hold six small commits of one partition on main, and one of another month."""
    plan = make_plan()
    open_branches(spark, plan)
    made = runs.rows_of(plan, CELLS[:6])
    for table in ("chips", "embeddings", "observations"):
        for row in made[table]:
            rows.frame(spark, table, [row]).writeTo(names.main_table(plan, table)).append()
    august = rows.frame(spark, "chips", [rows.chip(CELLS[0], rows.PASS_AUGUST)])
    august.writeTo(names.main_table(plan, "chips")).append()
    branches.drop(spark, plan)
    return plan


def files(spark, plan, table):
    found = spark.sql(f"SELECT file_path, record_count FROM {names.main_table(plan, table)}.files").collect()
    return {row["file_path"]: row["record_count"] for row in found}


def test_small_files_are_joined_once_and_rows_stay(spark, plan, monkeypatch):
    before, state = files(spark, plan, "chips"), runs.state(spark, plan)
    assert len(before) == 7
    report = maintain(spark, plan)
    assert MaintainReport.load(plan) == report
    after = files(spark, plan, "chips")
    assert sorted(after.values()) == [1, 6]
    assert len(set(after) & set(before)) == 1, "the other month's file is none of this run's business"
    assert report.rewritten_files == {"chips": 6, "embeddings": 6, "observations": 6, "scenes": 0}
    assert runs.state(spark, plan) == state

    heads = runs.heads(spark, plan)
    again = maintain(spark, plan)
    assert runs.heads(spark, plan) == heads
    assert again.message == "nothing to do"


def test_files_that_extraction_wrote_once_stay(spark, plan, monkeypatch):
    monkeypatch.setattr(maintenance, "SMALL_CHIPS_FILE", min(file_sizes(spark, plan, "chips")))
    before = files(spark, plan, "chips")
    assert maintenance.compact(spark, Scope.of(plan), "chips") == 0
    assert files(spark, plan, "chips") == before


def file_sizes(spark, plan, table):
    found = spark.sql(f"SELECT file_size_in_bytes FROM {names.main_table(plan, table)}.files").collect()
    return [row["file_size_in_bytes"] for row in found]


def test_old_snapshots_orphans_and_stale_branches_go(spark, plan):
    name = names.main_table(plan, "chips")
    maintain(spark, plan)
    old, state = len(Refs.read(spark, name).snapshots), runs.state(spark, plan)
    spark.sql(f"ALTER TABLE {name} CREATE BRANCH run_dead_202401_0000000000")
    spark.sql(f"ALTER TABLE {name} CREATE BRANCH keep_me")
    soon = datetime.now(UTC) + timedelta(days=plan.settings.maintenance.snapshot_days, hours=1)
    assert maintenance.expire(spark, name, plan.settings.maintenance, soon) > 0
    assert len(Refs.read(spark, name).snapshots) < old

    now = datetime.now(UTC)
    assert maintenance.drop_stale(spark, plan, name, now) == 0, "its date is not known: it counts from now on"
    assert maintenance.drop_stale(spark, plan, name, now + timedelta(days=29)) == 0
    assert maintenance.drop_stale(spark, plan, name, now + timedelta(days=31)) == 1
    assert set(Refs.read(spark, name).heads) == {"main", "keep_me"}
    assert runs.state(spark, plan) == state


def test_a_branch_opened_now_in_a_lake_that_rested_a_month_stays(spark, plan, make_plan):
    other = make_plan("other", run_id="manual__2")
    open_branches(spark, other)
    late = datetime.now(UTC) + timedelta(days=31)
    opened.record(other, other.branch, late - timedelta(seconds=1))
    heads = runs.heads(spark, plan)
    assert all(other.branch in refs for refs in heads.values())
    tables = [names.main_table(plan, name) for name in heads]
    assert [maintenance.drop_stale(spark, plan, table, late) for table in tables] == [0, 0, 0, 0]
    assert all(other.branch in refs for refs in runs.heads(spark, plan).values())
    assert [maintenance.drop_stale(spark, plan, table, late + timedelta(days=31)) for table in tables] == [1, 1, 1, 1]
    assert not any(other.branch in refs for refs in runs.heads(spark, plan).values())


def test_young_files_are_not_taken_for_orphans(spark, plan):
    name = names.main_table(plan, "chips")
    orphan = next(iter(files(spark, plan, "chips"))).rpartition("/")[0] + "/orphan.parquet"
    store.write(orphan, b"x")
    limits = plan.settings.maintenance
    assert maintenance.remove_orphans(spark, name, datetime.now(UTC) - timedelta(days=limits.orphan_days)) == 0
    assert store.exists(orphan), "it may belong to a run that is about to commit"


def test_young_snapshots_cost_no_spark_job(spark, plan):
    name, limits = names.main_table(plan, "chips"), plan.settings.maintenance
    spark.sparkContext.setJobGroup("young", "maintenance of a table that needs none")
    try:
        assert maintenance.expire(spark, name, limits, datetime.now(UTC)) == 0
        asked = spark.sparkContext.statusTracker().getJobIdsForGroup("young")
    finally:
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
    assert not list(asked)


def test_references_that_may_expire_are_left_to_iceberg(spark, plan):
    name = names.main_table(plan, "chips")
    assert not Refs.read(spark, name).may_expire
    spark.sql(f"ALTER TABLE {name} CREATE BRANCH passing RETAIN 3 DAYS")
    assert Refs.read(spark, name).may_expire
    spark.sql(f"ALTER TABLE {name} DROP BRANCH passing")
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('history.expire.max-ref-age-ms' = '1000000000')")
    assert Refs.read(spark, name).may_expire


def test_manifests_are_counted_as_iceberg_lists_them(spark, plan):
    name = names.main_table(plan, "chips")
    listed = spark.sql(f"SELECT length FROM {name}.manifests").collect()
    assert sorted(manifest_sizes(spark, name)) == sorted(row["length"] for row in listed)
    assert len(listed) >= 5
    assert manifest_sizes(spark, names.main_table(plan, "scenes")) == []


def test_many_manifests_are_joined(spark, plan):
    name = names.main_table(plan, "chips")
    state = runs.state(spark, plan)
    assert maintenance.rewrite_manifests(spark, name) >= 5
    assert maintenance.rewrite_manifests(spark, name) == 0
    assert runs.state(spark, plan) == state
