"""Files that tasks have written, made part of a branch: as Iceberg would describe them, once, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from claylake import store
from claylake.plan import Plan
from spark.datafiles.writer import FileWriter
from spark.lake import append, branches, merge, names
from spark.lake.append import Appender, discard
from spark.lake.errors import LakeError
from spark.lake.opening import open_branches
from spark.lake.refs import Refs, load
from spark.lake.scope import Scope
from tests.spark.lake import rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from spark.datafiles.parquet import DataFile

CELLS = rows.CELLS_3X3
FAR = "32629_190_1342"
"""A cell of another partition."""
pytestmark = pytest.mark.slow


@pytest.fixture
def plan(spark, make_plan):
    plan = make_plan(cells=(*CELLS, FAR))
    open_branches(spark, plan)
    return plan


@pytest.fixture
def appender(spark, plan):
    appender = Appender(spark=spark, scope=Scope.of(plan), name="chips")
    appender.begin()
    return appender


def written(appender: Appender, batch: str, chips: Sequence[dict[str, Any]], name: str = "scene") -> list[DataFile]:
    """What a task would write of these chips, and say of it."""
    with FileWriter(appender.target(batch), name, chips) as task:
        for chip in chips:
            task.take(chip)
        return list(task.files())


def chips(cells: Sequence[str] = (*CELLS, FAR), pass_id: str = rows.PASS_A) -> list[dict[str, Any]]:
    return [rows.chip(cell, pass_id) for cell in cells]


def on_branch(spark: SparkSession, plan: Plan) -> list[str]:
    return sorted(row["id"] for row in spark.table(names.branch_table(plan, "chips")).select("id").collect())


def ids(cells: Sequence[str], pass_id: str = rows.PASS_A) -> list[str]:
    return sorted(f"{cell}_{pass_id}" for cell in cells)


def test_files_are_described_as_iceberg_does_and_read_as_spark_writes(spark, plan, appender):
    made = chips()
    files = written(appender, "one", made)
    assert len(files) == 2
    iceberg, api = load(spark, names.main_table(plan, "chips")), spark._jvm.org.apache.iceberg
    mode = api.MetricsConfig.forTable(iceberg)
    for file in files:
        metrics = api.parquet.ParquetUtil.fileMetrics(iceberg.io().newInputFile(file.uri), mode)
        content = api.DataFiles.builder(iceberg.spec()).withPath(file.uri).withFormat("parquet")
        content = content.withFileSizeInBytes(file.size).withMetrics(metrics)
        values = [str(value) for value in file.document["partition"].values()]
        content = content.withPartitionValues(values).build()
        theirs = json.loads(api.ContentFileParser.toJson(content, iceberg.spec()))
        ours = {key: value for key, value in file.document.items() if key not in ("sort-order-id", "split-offsets")}
        assert by_field(ours) == by_field({key: value for key, value in theirs.items() if key in ours})
        assert file.document["split-offsets"] == [4]
        assert theirs.keys() <= file.document.keys() | {"nan-value-counts", "key-metadata"}
    assert appender.append(files, "one") == tuple(files)

    frame = rows.frame(spark, "chips", made)
    ours = spark.table(names.branch_table(plan, "chips"))
    assert ours.count() == len(made)
    assert ours.exceptAll(frame).isEmpty()


def by_field(document: dict[str, Any]) -> dict[str, Any]:
    """Maps of Iceberg's JSON as maps."""
    return {
        key: dict(zip(value["keys"], value["values"], strict=True))
        if isinstance(value, dict) and "keys" in value
        else value
        for key, value in document.items()
    }


def test_readers_leave_files_out_by_all_columns(spark, plan, appender):
    appender.append(written(appender, "one", chips(CELLS)) + written(appender, "one", chips([FAR]), "other"), "one")
    appender.append(written(appender, "two", chips(CELLS, rows.PASS_B)), "two")
    expressions = spark._jvm.org.apache.iceberg.expressions.Expressions
    first = chips(CELLS[:1])[0]
    for condition, number in (
        (expressions.equal("id", first["id"]), 2),
        (expressions.equal("geohash", chips([FAR])[0]["geohash"]), 1),
        (expressions.startsWith("geohash", first["geohash"][:4]), 2),
        (expressions.lessThan("xmin", -90.0), 0),
        (expressions.greaterThan("clear_frac", 0.95), 0),
        (expressions.greaterThanOrEqual("datetime", "2025-01-01T00:00:00+00:00"), 0),
    ):
        scan = load(spark, names.main_table(plan, "chips")).newScan().useRef(plan.branch).filter(condition)
        found = scan.planFiles()
        count, iterator = 0, found.iterator()
        while iterator.hasNext():
            iterator.next()
            count += 1
        found.close()
        assert count == number, condition.toString()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: replace(file, size=file.size - 1), "bytes"),
        (lambda file: replace(file, document={**file.document, "file-size-in-bytes": 4}), "bytes, not 4"),
        (lambda file: replace(file, uri=file.uri + "x"), "not in the folder"),
        (lambda file: replace(file, document={**file.document, "file-path": file.uri + "x"}), "not in the folder"),
        (lambda file: replace(file, keys=file.keys[1:]), "9 rows, and 8 keys"),
        (
            lambda file: replace(file, document={**file.document, "partition": {"1000": "ev2z", "1001": 654}}),
            "partitions",
        ),
        (
            lambda file: replace(file, document={**file.document, "partition": {"1000": "ev2z", "1001": 0}}),
            "partitions",
        ),
    ],
)
def test_what_is_not_as_described_is_refused(spark, plan, appender, spoil, said):
    files = written(appender, "one", chips(CELLS))
    with pytest.raises(LakeError, match=said):
        appender.append([spoil(files[0])], "one")
    assert on_branch(spark, plan) == []


def test_the_same_file_or_key_twice_is_refused(spark, plan, appender):
    files = written(appender, "one", chips(CELLS)) + written(appender, "one", chips(CELLS[:1]), "again")
    for twice in (files, [files[0], files[0]]):
        with pytest.raises(LakeError, match="come twice in one batch of chips"):
            appender.append(twice, "one")
    assert on_branch(spark, plan) == []


def test_a_key_that_came_since_keeps_its_file_out(spark, plan, appender):
    files = written(appender, "one", chips())
    merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", chips(CELLS[:1])))
    kept = appender.append(files, "one")
    assert [file.keys for file in kept] == [tuple(ids([FAR]))]
    assert on_branch(spark, plan) == ids([CELLS[0], FAR])
    assert discard(appender.target("one").folder, kept) == 1
    assert list(store.sizes(appender.target("one").folder)) == [kept[0].uri]
    assert appender.append(written(appender, "two", chips(CELLS[1:2])), "two"), "its own commit is known"


def test_keys_of_an_adopted_branch_are_kept_out(spark, plan, appender):
    appender.append(written(appender, "one", chips(CELLS[:3])), "one")
    adopted = Appender(spark=spark, scope=appender.scope, name="chips")
    adopted.since = Refs.read(spark, names.main_table(plan, "chips")).main
    assert adopted.append(written(adopted, "two", chips(CELLS[2:4])), "two") == ()
    adopted.begin()
    assert len(adopted.append(written(adopted, "two", chips(CELLS[3:4])), "two")) == 1
    assert on_branch(spark, plan) == ids(CELLS[:4])


def test_keys_that_come_between_checking_and_committing(spark, plan, appender, monkeypatch):
    """Iceberg itself would take both."""
    real, came = branches.commits, []

    def another_first(change: Any, beside: tuple[str, ...] = ()) -> bool:
        if not came:
            came.append(True)
            merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", chips(CELLS[:1])))
        return real(change, beside)

    monkeypatch.setattr(append.branches, "commits", another_first)
    monkeypatch.setattr(branches, "SWAP_PAUSE_S", 0.0)
    kept = appender.append(written(appender, "one", chips()), "one")
    assert [file.keys for file in kept] == [tuple(ids([FAR]))]
    assert on_branch(spark, plan) == ids([CELLS[0], FAR])


@pytest.mark.parametrize("succeeded", [True, False])
def test_a_commit_whose_answer_is_lost_is_made_once(spark, plan, appender, monkeypatch, succeeded):
    real, tries = branches.commits, []

    def lost(change: Any, beside: tuple[str, ...] = ()) -> bool:
        tries.append(change)
        if len(tries) > 1 or succeeded:
            real(change, beside)
        return False

    monkeypatch.setattr(append.branches, "commits", lost)
    files = written(appender, "one", chips())
    assert appender.append(files, "one") == tuple(files)
    assert len(tries) == (1 if succeeded else 2)
    assert on_branch(spark, plan) == ids((*CELLS, FAR))


@pytest.mark.parametrize("succeeded", [True, False])
def test_the_last_try_is_found_too_if_its_answer_is_lost(spark, plan, appender, monkeypatch, succeeded):
    real, tries = branches.commits, []

    def lost(change: Any, beside: tuple[str, ...] = ()) -> bool:
        tries.append(change)
        if len(tries) == 2 and succeeded:
            real(change, beside)
        return False

    monkeypatch.setattr(append.branches, "commits", lost)
    monkeypatch.setattr(append.branches, "SWAPS", 2)
    files = written(appender, "one", chips())
    if succeeded:
        assert appender.append(files, "one") == tuple(files)
    else:
        with pytest.raises(LakeError, match="committed first 2 times in a row"):
            appender.append(files, "one")
    assert len(tries) == 2
    assert on_branch(spark, plan) == (ids((*CELLS, FAR)) if succeeded else [])


def test_a_batch_is_one_snapshot_and_an_append(spark, plan, appender):
    table = names.main_table(plan, "chips")
    before = Refs.read(spark, table)
    appender.append(written(appender, "one", chips()), "one")
    after = Refs.read(spark, table)
    assert after.since(after.heads[plan.branch], before.main) == (after.heads[plan.branch],)
    snapshot = after.snapshots[after.heads[plan.branch]]
    assert (snapshot.added, snapshot.appends) == (10, True)
    assert appender.append([], "none") == ()
    assert Refs.read(spark, table).heads == after.heads


def test_files_of_losing_attempts_are_deleted_and_nothing_else(spark, plan, appender):
    losing, winning = written(appender, "one", chips()), written(appender, "one", chips())
    other = written(appender, "two", chips(CELLS[:1], rows.PASS_B))
    kept = appender.append(winning, "one")
    assert discard(appender.target("one").folder, kept) == len(losing)
    assert set(store.sizes(appender.target("one").folder)) == {file.uri for file in winning}
    assert set(store.sizes(appender.target("two").folder)) == {file.uri for file in other}
