"""The driver's own rows on a branch: as Spark would have appended them, without a job, and never beside others' rows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from claylake.vocabulary import OBSERVATIONS, SCENES
from spark.lake import merge, names
from spark.lake.bounds import Bounds, extent_of_rows
from spark.lake.branch_state import BranchState
from spark.lake.opening import open_branches
from spark.lake.tables import TABLES
from tests.spark.jobs import jobs_of
from tests.spark.lake import rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claylake.plan import Plan

CELLS = rows.CELLS_3X3
FAR = "32629_190_1342"
"""A cell of another partition."""
MINUS_ZERO = bytes([0, 0, 0, 128])
pytestmark = pytest.mark.slow
MADE = {
    OBSERVATIONS: [
        rows.observation(CELLS[0], rows.PASS_A),
        rows.observation(FAR, rows.PASS_A, "failed:unreadable", detail="cut short", clear_frac=None, scl_mean=None),
        rows.observation(CELLS[1], rows.PASS_AUGUST, "rejected:cloud", scenes_considered=["a", "b"]),
        rows.observation(CELLS[2], rows.PASS_A, scenes_considered=[]),
    ],
    SCENES: [
        rows.scene(rows.PASS_A, rejections={"cloud": 3, "nodata": 1}, baseline=None),
        rows.scene(rows.PASS_AUGUST, failures={"unreadable": 2}),
    ],
}


@pytest.fixture
def plan(spark, make_plan):
    plan = make_plan(cells=(*CELLS, FAR))
    open_branches(spark, plan)
    return plan


def contents(spark: SparkSession, plan: Plan, table: str) -> list[tuple[Any, ...]]:
    """Rows in order of key, and the partition in which each lies."""
    found = spark.table(names.branch_table(plan, table)).selectExpr("*", "to_json(_partition) AS partition").collect()
    return sorted(tuple(map(repr, row)) for row in found)


def described(spark: SparkSession, plan: Plan, table: str) -> list[str]:
    """What Iceberg keeps of a branch's files: partition, rows, and of each column the counts and ends.

    Not of what lists and maps hold, by which no file is left out: an empty list is a null there, or nothing. The least
    of floats that are 0 is -0 in files of pyarrow's.
    """
    branch = BranchState.of(spark, plan, table)
    flat = {field.fieldId() for field in branch.iceberg.schema().columns() if field.type().isPrimitiveType()}
    by_column = ("value_counts", "null_value_counts", "lower_bounds", "upper_bounds")
    files = spark.sql(
        f"SELECT to_json(partition) AS place, record_count, spec_id, {', '.join(by_column)} "
        f"FROM {names.main_table(plan, table)}.files VERSION AS OF {branch.head}"
    )
    return sorted(
        repr(
            (
                *(row[name] for name in ("place", "record_count", "spec_id")),
                *({key: end(row[name][key]) for key in sorted(row[name]) if key in flat} for name in by_column),
            )
        )
        for row in files.collect()
    )


def end(value: int | bytearray) -> int | bytes:
    return value if isinstance(value, int) else bytes(4) if value == MINUS_ZERO else bytes(value)


@pytest.mark.parametrize("table", [OBSERVATIONS, SCENES])
def test_rows_lie_as_spark_appends_them(spark: SparkSession, plan: Plan, table: str) -> None:
    branch = BranchState.of(spark, plan, table)
    assert jobs_of(spark, lambda: branch.append(MADE[table])) == 0
    ours, facts = contents(spark, plan, table), described(spark, plan, table)
    spark.sql(f"DELETE FROM {names.branch_table(plan, table)} WHERE true")
    rows.frame(spark, table, MADE[table]).writeTo(names.branch_table(plan, table)).append()
    assert ours == contents(spark, plan, table)
    assert facts == described(spark, plan, table)
    assert len(ours) == len(MADE[table])


def test_what_others_have_written_meanwhile_is_not_joined(spark: SparkSession, plan: Plan) -> None:
    made = MADE[OBSERVATIONS]
    before = BranchState.of(spark, plan, OBSERVATIONS)
    assert merge.insert_only(spark, plan, OBSERVATIONS, rows.frame(spark, OBSERVATIONS, made[:1])) == 1
    there = contents(spark, plan, OBSERVATIONS)
    assert not before.append(made), "its head is not the branch's"
    assert contents(spark, plan, OBSERVATIONS) == there
    # As the step goes on then: by a MERGE, which adds what is new.
    frame = rows.frame(spark, OBSERVATIONS, made)
    assert merge.upsert(spark, plan, OBSERVATIONS, frame, extent=extent_of_rows(made, TABLES[OBSERVATIONS])) == 3
    assert len(contents(spark, plan, OBSERVATIONS)) == 4


def test_only_files_that_cannot_hold_a_row_are_left_out(spark: SparkSession, plan: Plan) -> None:
    table = TABLES[OBSERVATIONS]
    near, far, later = (extent_of_rows([MADE[OBSERVATIONS][number]], table).bounds for number in (0, 1, 2))
    assert near
    assert far
    assert later
    assert not BranchState.of(spark, plan, OBSERVATIONS).may_hold(near)
    assert BranchState.of(spark, plan, OBSERVATIONS).append(MADE[OBSERVATIONS][:1])
    branch = BranchState.of(spark, plan, OBSERVATIONS)
    assert branch.may_hold(near)
    assert not branch.may_hold(far), "another place"
    assert not branch.may_hold(later), "another month"
    end = MADE[OBSERVATIONS][0]["datetime"]
    assert not branch.may_hold(Bounds(start=end - timedelta(hours=9), end=end, prefixes=near.prefixes)), "half-open"
    crowd = tuple(f"{number:03}" for number in range(100))
    wide = Bounds(start=near.start, end=near.end, prefixes=crowd)
    assert branch.may_hold(wide), "of very many places all count"
    assert branch.most_rows(near, enough=9) == 1


def test_keys_that_cannot_be_there_are_appended_without_a_merge(spark: SparkSession, plan: Plan) -> None:
    made = rows.frame(spark, OBSERVATIONS, [MADE[OBSERVATIONS][0]] * 2)
    assert merge.insert_only(spark, plan, OBSERVATIONS, made) == 1, "a key that comes twice counts once"
    assert merge.insert_only(spark, plan, OBSERVATIONS, made) == 0
    assert len(contents(spark, plan, OBSERVATIONS)) == 1
