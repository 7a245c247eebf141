"""Tables by months: a month reads a month's files. Tables by years go on by months, and their files stay as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from claylake.run.tables import catalog, open_table
from spark.lake import branches, compaction, layout, merge, names
from spark.lake.audits import audit
from spark.lake.opening import open_branches
from spark.lake.rebuild import rebuild
from spark.lake.refs import Refs, load
from spark.lake.scope import Scope
from spark.lake.tables import TABLES, create_all
from tests.spark.lake import rows, runs
from tests.spark.lake.scans import files_read

CELLS = rows.CELLS_3X3
NAMES = layout.ONCE_BY_YEARS
PASS_JUNE = "S2A_20240625T112111"
PASS_SEPTEMBER = "S2A_20240903T112111"
pytestmark = pytest.mark.slow


def append(spark, plan, name, cells, pass_id):
    made = runs.rows_of(plan, cells, pass_id)[name]
    rows.frame(spark, name, made).coalesce(1).writeTo(names.main_table(plan, name)).append()


def files(spark, plan, name):
    """Path to partition spec of main's data files."""
    found = spark.sql(f"SELECT file_path, spec_id FROM {names.main_table(plan, name)}.files").collect()
    return {row["file_path"]: row["spec_id"] for row in found}


def fields(spark, plan, name):
    return [field.transform().toString() for field in load(spark, names.main_table(plan, name)).spec().fields()]


def read(spark, plan, name):
    """Data files that are read for the plan's cells and months."""
    with files_read(spark) as opened:
        Scope.of(plan).rows(spark, name).select("cell_id").collect()
    return opened


@pytest.fixture
def by_years(spark, make_plan):
    """A plan of July whose tables were created by years: two files with rows of June and July, and one of August."""
    plan = make_plan()
    spark.sql(f"CREATE DATABASE lake.{plan.database}")
    for name in NAMES:
        spark.sql(replace(TABLES[name], partitioned_by="truncate(3, geohash), years(datetime)").ddl(plan.database))
        spark.sql(f"ALTER TABLE {names.main_table(plan, name)} WRITE ORDERED BY {TABLES[name].ordered_by}")
        append(spark, plan, name, CELLS[:1], rows.PASS_AUGUST)
        for cell in CELLS[:2]:
            both = [row for pass_id in (PASS_JUNE, rows.PASS_A) for row in runs.rows_of(plan, [cell], pass_id)[name]]
            rows.frame(spark, name, both).coalesce(1).writeTo(names.main_table(plan, name)).append()
    return plan


def test_a_month_reads_the_files_of_a_month(spark, make_plan):
    plan = make_plan()
    create_all(spark, plan.database)
    assert [fields(spark, plan, name) for name in NAMES] == [["truncate[3]", "month"]] * 2
    for pass_id in (PASS_JUNE, rows.PASS_A, rows.PASS_B, rows.PASS_AUGUST):
        append(spark, plan, "embeddings", CELLS[:2], pass_id)
    assert read(spark, plan, "embeddings") == [2]


def test_a_run_goes_on_in_a_lake_by_years_after_one_commit_of_metadata(spark, by_years):
    before, heads = {name: files(spark, by_years, name) for name in NAMES}, [main(spark, by_years, n) for n in NAMES]
    open_branches(spark, by_years)
    assert [fields(spark, by_years, name) for name in NAMES] == [["truncate[3]", "month"]] * 2
    assert {name: files(spark, by_years, name) for name in NAMES} == before
    assert [main(spark, by_years, name) for name in NAMES] == heads
    assert not any(layout.to_months(spark, names.main_table(by_years, name)) for name in NAMES)

    made = runs.rows_of(by_years, CELLS[6:8])["observations"]
    grown = rows.observation(CELLS[0], rows.PASS_A, scenes_considered=["S2_other"])
    merge.upsert(spark, by_years, "observations", rows.frame(spark, "observations", [*made, grown]))
    branch = spark.table(names.branch_table(by_years, "observations"))
    assert branch.count() == 5 + 2
    assert branch.where("array_contains(scenes_considered, 'S2_other')").count() == 1


def test_the_second_of_two_runs_finds_it_done(spark, by_years, monkeypatch):
    table = names.main_table(by_years, NAMES[0])
    loaded = iter([load(spark, table)])
    assert layout.to_months(spark, table)
    monkeypatch.setattr(layout, "load", lambda spark, table: next(loaded, None) or load(spark, table))
    monkeypatch.setattr(branches, "SWAP_PAUSE_S", 0)
    assert not layout.to_months(spark, table)
    assert next(loaded, None) is None, "it began with what the table was before"
    assert fields(spark, by_years, NAMES[0]) == ["truncate[3]", "month"]


def test_files_of_both_layouts_are_pruned_and_only_new_ones_joined(spark, by_years, make_plan, monkeypatch):
    name, old = "embeddings", files(spark, by_years, "embeddings")
    august = make_plan(months=("2024-08",), run_id="manual__2")
    assert (read(spark, by_years, name), read(spark, august, name)) == ([2], [1])
    create_all(spark, by_years.database)
    append(spark, by_years, name, CELLS[4:5], rows.PASS_B)
    assert (read(spark, by_years, name), read(spark, august, name)) == ([3], [1])

    monkeypatch.setattr(compaction, "MIN_FILES", 2)
    september = make_plan(months=("2024-09",), run_id="manual__3")
    for cell in CELLS[:2]:
        append(spark, september, name, [cell], PASS_SEPTEMBER)
    assert compaction.compact(spark, Scope.of(september), name) == 2
    assert read(spark, september, name) == [1]
    assert compaction.compact(spark, Scope.of(by_years), name) == 0, "rows of a year would be written with these"
    assert old.items() <= files(spark, by_years, name).items()

    table = open_table(catalog(by_years.deployed), by_years.database, name)
    assert table.scan().to_arrow().num_rows == len(contents(spark, by_years, name)) == 8
    scan = table.scan(row_filter=f"datetime >= '{september.start.isoformat()}'")
    assert (len(list(scan.plan_files())), scan.to_arrow().num_rows) == (1, 2)


def test_a_branch_by_years_is_put_on_a_main_by_months(spark, by_years):
    """Its files lie by years, main has moved on by months meanwhile."""
    name = "embeddings"
    table = names.main_table(by_years, name)
    branches.point(spark, table, by_years.branch, main(spark, by_years, name))
    added = runs.rows_of(by_years, CELLS[3:5])[name]
    merge.insert_only(spark, by_years, name, rows.frame(spark, name, added))
    create_all(spark, by_years.database)
    append(spark, by_years, name, CELLS[5:6], rows.PASS_B)
    done = rebuild(spark, by_years, Scope.of(by_years), name)
    assert (done.rows, done.copied) == (2, 0)
    assert branches.fast_forward(spark, table, Refs.read(spark, table).heads[by_years.branch])
    ids = {row[0] for row in spark.sql(f"SELECT id FROM {table}").collect()}
    assert {row["id"] for row in added} <= ids
    assert len(ids) == 8
    assert set(files(spark, by_years, name).values()) == {0, 1}


@pytest.fixture
def of_one_scene(spark, make_plan):
    """A plan of July whose tables were created without the column of a second scene, with a chip of July."""
    plan = make_plan()
    spark.sql(f"CREATE DATABASE lake.{plan.database}")
    for name, shape in TABLES.items():
        spark.sql(replace(shape, columns=shape.columns.without(layout.SECOND_SCENE)).ddl(plan.database))
        spark.sql(f"ALTER TABLE {names.main_table(plan, name)} WRITE ORDERED BY {shape.ordered_by}")
        made = rows.frame(spark, name, runs.rows_of(plan, CELLS[:1])[name])
        made.drop(layout.SECOND_SCENE).coalesce(1).writeTo(names.main_table(plan, name)).append()
    return plan


def test_a_run_goes_on_in_a_lake_without_second_scenes(spark, of_one_scene):
    plan = of_one_scene
    heads = {name: main(spark, plan, name) for name in TABLES}
    open_branches(spark, plan)
    assert {name: main(spark, plan, name) for name in TABLES} == heads
    for name in layout.ONCE_OF_ONE_SCENE:
        assert tuple(spark.table(names.main_table(plan, name)).columns) == TABLES[name].columns.names
        assert not layout.with_second_scene(spark, names.main_table(plan, name))
    # What is audited is a snapshot, which has the columns that it was written with.
    assert sum(audit(spark, Scope.of(plan), heads).offending.values()) == 1, "there is no report of extraction"

    made = runs.rows_of(plan, CELLS[1:2])
    for name in layout.ONCE_OF_ONE_SCENE:
        made[name][0] |= {layout.SECOND_SCENE: "S2_second"}
    merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", made["chips"]))
    merge.upsert(spark, plan, "observations", rows.frame(spark, "observations", made["observations"]))
    for name in layout.ONCE_OF_ONE_SCENE:
        found = spark.table(names.branch_table(plan, name)).select("cell_id", layout.SECOND_SCENE).collect()
        assert {tuple(row) for row in found} == {(CELLS[0], None), (CELLS[1], "S2_second")}


def test_a_run_goes_on_where_a_later_release_has_added_a_column(spark, make_plan):
    plan = make_plan()
    open_branches(spark, plan)
    made = runs.rows_of(plan, CELLS[:2])
    for name in ("chips", "observations"):
        spark.sql(f"ALTER TABLE {names.main_table(plan, name)} ADD COLUMN later string AFTER scene_id")
        write = merge.upsert if name == "observations" else merge.insert_only
        assert write(spark, plan, name, rows.frame(spark, name, made[name])) == 2
        found = spark.table(names.branch_table(plan, name)).select("cell_id", "later").collect()
        assert sorted(map(tuple, found)) == [(cell, None) for cell in CELLS[:2]]


def test_the_second_of_two_runs_finds_the_column(spark, of_one_scene, monkeypatch):
    table = names.main_table(of_one_scene, "chips")
    loaded = iter([load(spark, table)])
    assert layout.with_second_scene(spark, table)
    monkeypatch.setattr(layout, "load", lambda spark, table: next(loaded, None) or load(spark, table))
    monkeypatch.setattr(branches, "SWAP_PAUSE_S", 0)
    assert not layout.with_second_scene(spark, table)
    assert next(loaded, None) is None, "it began with what the table was before"


def main(spark, plan, name):
    return Refs.read(spark, names.main_table(plan, name)).main


def contents(spark, plan, name):
    return runs.values(spark.table(names.main_table(plan, name)), TABLES[name].key)
