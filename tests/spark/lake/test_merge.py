"""Merging into branches: by key, once, without snapshots for nothing, and reading few files."""

from __future__ import annotations

import pytest

from spark.lake import branches, merge, names
from spark.lake.bounds import extent_of, extent_of_rows
from spark.lake.opening import open_branches
from spark.lake.tables import TABLES
from tests.spark.lake import rows, runs
from tests.spark.lake.scans import files_read

pytestmark = pytest.mark.slow


@pytest.fixture
def plan(spark, make_plan):
    plan = make_plan()
    open_branches(spark, plan)
    return plan


def snapshots(spark, plan, table):
    return spark.sql(f"SELECT * FROM {names.main_table(plan, table)}.snapshots").count()


def test_insert_only_adds_each_key_once_and_commits_nothing_for_nothing(spark, plan):
    made = [rows.chip(cell, rows.PASS_A) for cell in rows.CELLS_3X3[:4]]
    assert merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", made[:2])) == 2
    assert merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", made + made)) == 2
    before = snapshots(spark, plan, "chips")
    assert merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", made)) == 0
    assert merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", made[:1]).limit(0)) == 0
    assert snapshots(spark, plan, "chips") == before
    ids = [row.id for row in spark.table(names.branch_table(plan, "chips")).select("id").collect()]
    assert sorted(ids) == sorted(row["id"] for row in made)
    assert spark.table(names.main_table(plan, "chips")).count() == 0


def test_a_stored_chip_comes_back_as_it_went_in(spark, plan):
    made = rows.chip(rows.CELLS_3X3[0], rows.PASS_A)
    merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", [made]))
    back = spark.table(names.branch_table(plan, "chips")).first()
    assert bytes(back["clay_tensor"]) == made["clay_tensor"]
    assert back["content_digest"] == made["content_digest"]
    assert list(back.asDict()) == list(TABLES["chips"].columns.names)


def test_upsert_keeps_the_better_outcome_and_a_chip_stays_a_chip(spark, plan):
    cells = rows.CELLS_3X3[:3]
    first = [
        rows.observation(cells[0], rows.PASS_A, "chip"),
        rows.observation(cells[1], rows.PASS_A, "failed:read"),
        rows.observation(cells[2], rows.PASS_A, "rejected:cloud"),
    ]
    assert merge.upsert(spark, plan, "observations", rows.frame(spark, "observations", first)) == 3
    before = snapshots(spark, plan, "observations")
    again = [row | {"run_id": "another"} for row in first]
    assert merge.upsert(spark, plan, "observations", rows.frame(spark, "observations", again)) == 0
    assert snapshots(spark, plan, "observations") == before
    later = [
        rows.observation(cells[0], rows.PASS_A, "rejected:cloud"),
        rows.observation(cells[1], rows.PASS_A, "chip"),
        rows.observation(cells[2], rows.PASS_A, "rejected:cloud", clear_frac=0.1),
        rows.observation(cells[0], rows.PASS_B, "rejected:nodata"),
    ]
    assert merge.upsert(spark, plan, "observations", rows.frame(spark, "observations", later)) == 2
    found = spark.table(names.branch_table(plan, "observations")).collect()
    outcomes = {(row["cell_id"], row["pass"]): (row["outcome"], round(row["clear_frac"], 3)) for row in found}
    assert outcomes == {
        (cells[0], rows.PASS_A): ("chip", 0.9),
        (cells[1], rows.PASS_A): ("chip", 0.9),
        (cells[2], rows.PASS_A): ("rejected:cloud", 0.9),
        (cells[0], rows.PASS_B): ("rejected:nodata", 0.9),
    }


def test_one_per_key_does_not_depend_on_order(spark):
    shape = TABLES["observations"]
    twice = [rows.observation(rows.CELLS_3X3[0], rows.PASS_A, outcome) for outcome in ("chip", "failed:read")]
    kept = {
        merge.one_per_key(rows.frame(spark, "observations", order), shape).collect()[0]["outcome"]
        for order in (twice, twice[::-1])
    }
    assert len(kept) == 1


def test_literals_prune_files(spark, plan):
    far = "32629_190_1100"
    spread = [
        rows.chip(cell, pass_id) for cell in (rows.CELLS_3X3[0], far) for pass_id in (rows.PASS_A, rows.PASS_AUGUST)
    ]
    merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", spread))
    target = names.branch_table(plan, "chips")
    assert spark.sql(f"SELECT * FROM {names.main_table(plan, 'chips')}.all_data_files").count() == 4

    # One of them is new: Spark drops the scans of a MERGE that turns out to insert nothing.
    july = [rows.chip(cell, rows.PASS_A) for cell in (*rows.CELLS_3X3[:2], far)]
    source = rows.frame(spark, "chips", july)
    bounds = extent_of(source, TABLES["chips"]).bounds
    source.createOrReplaceTempView("pruning")
    statement = merge.insert_sql(TABLES["chips"], target, "pruning", bounds)
    physical = spark.sql(f"EXPLAIN {statement}").first()[0]
    scan = next(line for line in physical.splitlines() if "BatchScan lake" in line)
    assert "datetime >=" in scan
    assert "datetime <" in scan
    assert "truncate[4](geohash) IN" in scan

    with files_read(spark) as opened:
        merge.missing(spark, target, TABLES["chips"], source, bounds).collect()
    assert opened == [2]
    with files_read(spark) as opened:
        spark.sql(f"SELECT s.id FROM pruning s LEFT ANTI JOIN {target} t ON t.id = s.id").collect()
    assert opened == [4]
    with files_read(spark) as opened:
        spark.sql(statement)
    assert opened == [2]


def test_branch_without_rows_follows_main(spark, make_plan):
    first, second = make_plan("first"), make_plan("second")
    open_branches(spark, first)
    open_branches(spark, second)
    merge.insert_only(spark, first, "chips", rows.frame(spark, "chips", [rows.chip(rows.CELLS_3X3[0], rows.PASS_A)]))
    table = names.main_table(first, "chips")
    assert branches.fast_forward(spark, table, branches.heads(spark, first)["chips"])
    open_branches(spark, second)
    assert spark.table(names.branch_table(second, "chips")).count() == 1


def test_fast_forward_is_refused_when_main_has_moved(spark, make_plan):
    first, second = make_plan("first"), make_plan("second")
    for plan, cell in ((first, rows.CELLS_3X3[0]), (second, rows.CELLS_3X3[1])):
        open_branches(spark, plan)
        merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", [rows.chip(cell, rows.PASS_A)]))
    table = names.main_table(first, "chips")
    heads = [branches.heads(spark, plan)["chips"] for plan in (first, second)]
    assert [branches.fast_forward(spark, table, head) for head in heads] == [True, False]


@pytest.mark.parametrize("table", ["chips", "embeddings", "observations", "scenes"])
def test_the_driver_finds_the_extent_that_spark_finds(spark, make_plan, table):
    made = runs.rows_of(make_plan(), rows.CELLS_3X3[:5], rejected=rows.CELLS_3X3[5:7])[table]
    made = [*made, made[0]]
    assert extent_of_rows(made, TABLES[table]) == extent_of(rows.frame(spark, table, made), TABLES[table])
    assert extent_of_rows([], TABLES[table]) == extent_of(rows.frame(spark, table, []), TABLES[table])
