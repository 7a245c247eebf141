"""Upkeep changes files, never rows, and commits nothing where there is nothing to do."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from claylake import store
from claylake.run.reports import MaintainReport
from spark.lake import branches, compaction, maintenance, names, opened
from spark.lake.errors import LakeError
from spark.lake.opening import open_branches
from spark.lake.refs import Refs, manifest_sizes
from spark.lake.scope import Scope
from spark.publishing.maintain import maintain
from tests.spark.lake import rows, runs
from tests.spark.lake.scans import files_read

CELLS = rows.CELLS_3X3
PASS_SEPTEMBER = "S2A_20240903T112111"
pytestmark = pytest.mark.slow


def appended(spark, plan, table):
    """Six small commits of one partition on main."""
    for row in runs.rows_of(plan, CELLS[:6])[table]:
        rows.frame(spark, table, [row]).writeTo(names.main_table(plan, table)).append()


@pytest.fixture
def plan(spark, make_plan):
    """A plan of whose chips main holds six small commits of one partition, and one of another month."""
    plan = make_plan()
    open_branches(spark, plan)
    appended(spark, plan, "chips")
    august = rows.frame(spark, "chips", [rows.chip(CELLS[0], rows.PASS_AUGUST)])
    august.writeTo(names.main_table(plan, "chips")).append()
    branches.drop(spark, plan)
    return plan


@contextmanager
def jobs(spark):
    """Collects the Spark jobs that are run inside."""
    found, group = [], uuid.uuid4().hex
    spark.sparkContext.setJobGroup(group, "maintenance")
    try:
        yield found
        found += spark.sparkContext.statusTracker().getJobIdsForGroup(group)
    finally:
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)


def files(spark, plan, table):
    found = spark.sql(f"SELECT file_path, record_count FROM {names.main_table(plan, table)}.files").collect()
    return {row["file_path"]: row["record_count"] for row in found}


def test_small_files_are_joined_once_and_rows_stay(spark, plan, monkeypatch):
    for table in ("embeddings", "observations"):
        appended(spark, plan, table)
    before, state = files(spark, plan, "chips"), runs.state(spark, plan)
    assert len(before) == 7
    report = maintain(spark, plan)
    assert MaintainReport.load(plan) == report
    after = files(spark, plan, "chips")
    assert sorted(after.values()) == [1, 6]
    assert len(set(after) & set(before)) == 1, "the other month's file is none of this run's business"
    assert report.rewritten_files == {"chips": 6, "embeddings": 6, "observations": 6, "changes": 0, "scenes": 0}
    assert runs.state(spark, plan) == state

    heads = runs.heads(spark, plan)
    with jobs(spark) as asked, files_read(spark) as opened:
        again = maintain(spark, plan)
    assert runs.heads(spark, plan) == heads
    assert again.message.startswith("nothing to do; not due: compaction of all partitions (")
    assert (list(asked), opened) == ([], [])


def test_files_that_extraction_wrote_once_stay(spark, plan, monkeypatch):
    monkeypatch.setattr(compaction, "SMALL_CHIPS_FILE", min(file_sizes(spark, plan, "chips")))
    before = files(spark, plan, "chips")
    assert compaction.compact(spark, Scope.of(plan), "chips") == 0
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
    assert maintenance.expire(spark, name, plan.settings.maintenance, soon).files > 0
    assert maintenance.expire(spark, name, plan.settings.maintenance, soon) is None, "those that are left are kept"
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
    assert [maintenance.drop_stale(spark, plan, table, late) for table in tables] == [0] * len(tables)
    assert all(other.branch in refs for refs in runs.heads(spark, plan).values())
    assert [maintenance.drop_stale(spark, plan, table, late + timedelta(days=31)) for table in tables] == [1] * len(
        tables
    )
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
    with jobs(spark) as asked:
        assert maintenance.expire(spark, name, limits, datetime.now(UTC)) is None
    assert not asked


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


def test_many_manifests_are_joined(spark, plan, monkeypatch):
    name = names.main_table(plan, "chips")
    state = runs.state(spark, plan)
    assert maintenance.rewrite_manifests(spark, name) >= 5
    assert maintenance.rewrite_manifests(spark, name) == 0
    assert runs.state(spark, plan) == state

    # A table that was made for larger ones: those that it has are cut.
    (size,) = manifest_sizes(spark, name)
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('commit.manifest.target-size-bytes' = '8388608')")
    assert maintenance.rewrite_manifests(spark, name) == 0, "there is nothing to cut"
    monkeypatch.setattr(maintenance, "MANIFEST_BYTES", size // 3)
    assert maintenance.rewrite_manifests(spark, name) == 1
    assert len(manifest_sizes(spark, name)) > 1
    assert runs.state(spark, plan) == state


def due(report):
    return {(part.table, part.part): part.due for part in report.parts}


def ran(report, part, table="chips"):
    (found,) = [one for one in report.parts if (one.part, one.table) == (part, table)]
    return found.ran


@pytest.mark.beside
def test_what_costs_as_much_as_the_table_is_large_runs_by_its_clock(spark, plan, make_plan, monkeypatch):
    asked, now = [], datetime.now(UTC).replace(microsecond=0)
    monkeypatch.setattr(maintenance, "remove_orphans", lambda *given: asked.append(given[2]) or 2)
    first = maintain(spark, plan, now)
    assert ran(first, maintenance.ORPHANS)
    assert first.orphan_files == {"chips": 2, "embeddings": 2, "observations": 2, "changes": 2, "scenes": 2}
    assert asked == [now - timedelta(days=plan.settings.maintenance.orphan_days)] * 5
    assert {when - now for when in due(first).values() if when} == {timedelta(days=7), timedelta(days=30)}

    # Another run of the same lake goes by the same clock.
    other = make_plan("other", run_id="manual__2", maintenance={"orphan_days": 3})
    early = maintain(spark, other, now + timedelta(days=6, hours=23))
    assert not ran(early, maintenance.ORPHANS)
    assert due(early)["scenes", maintenance.ORPHANS] == now + timedelta(days=7)
    assert f"removal of orphan files ({now + timedelta(days=7):%Y-%m-%d %H:%M} UTC)" in early.message
    assert len(asked) == 5
    late = now + timedelta(days=7)
    assert ran(maintain(spark, other, late), maintenance.ORPHANS)
    assert asked[5:] == [late - timedelta(days=3)] * 5
    always = make_plan("always", run_id="manual__3", maintenance={"orphans_every_days": 0})
    assert ran(maintain(spark, always, late), maintenance.ORPHANS)


@pytest.mark.beside
def test_a_part_that_failed_is_tried_again(spark, plan, monkeypatch):
    now, real = datetime.now(UTC), maintenance.remove_orphans

    def refused(spark, table, older_than):
        raise LakeError("AccessDenied")

    monkeypatch.setattr(maintenance, "remove_orphans", refused)
    with pytest.raises(LakeError, match="AccessDenied"):
        maintain(spark, plan, now)
    monkeypatch.setattr(maintenance, "remove_orphans", real)
    assert ran(maintain(spark, plan, now), maintenance.ORPHANS)
    assert not ran(maintain(spark, plan, now), maintenance.ORPHANS)


@pytest.mark.beside
def test_partitions_that_no_run_came_to_are_compacted_in_the_end(spark, plan, make_plan, monkeypatch):
    """A run's cluster was lost before it compacted what it wrote; no later one touches that month."""
    for row in runs.rows_of(plan, CELLS[:5], PASS_SEPTEMBER)["chips"]:
        rows.frame(spark, "chips", [row]).writeTo(names.main_table(plan, "chips")).append()
    october, now, state = make_plan(months=("2024-10",), run_id="manual__2"), datetime.now(UTC), runs.state(spark, plan)
    assert compaction.compact(spark, Scope.of(october), "chips") == 0
    with monkeypatch.context() as patch:
        lost = {"rewritten_data_files_count": 0, "failed_data_files_count": 5}
        patch.setattr(compaction, "_rewrite", lambda *_: [lost])
        assert not compaction.compact_all(spark, october, "chips").whole
    monkeypatch.setattr(compaction, "MOST_PARTITIONS", 1)
    first = maintain(spark, october, now)
    assert first.rewritten_files["chips"] in {5, 6}, "so many partitions at a time"
    assert ran(first, maintenance.COMPACTION)
    second = maintain(spark, october, now)
    assert first.rewritten_files["chips"] + second.rewritten_files["chips"] == 11
    assert sorted(files(spark, plan, "chips").values()) == [1, 5, 6]
    assert runs.state(spark, plan) == state
    assert not ran(maintain(spark, october, now), maintenance.COMPACTION)


def test_iceberg_says_which_snapshots_expire(spark, plan):
    """The procedure is called where, and only where, it would delete something."""
    table, now = names.main_table(plan, "chips"), datetime.now(UTC) + timedelta(days=30)
    for keep in (7, 3, 1):
        limits = plan.settings.maintenance.model_copy(update={"keep_snapshots": keep})
        before = set(Refs.read(spark, table).snapshots)
        done = maintenance.expire(spark, table, limits, now)
        after = set(Refs.read(spark, table).snapshots)
        assert (done is None) == (before == after)
        assert len(after) == min(len(before), keep)
