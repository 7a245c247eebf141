"""Pending chips in groups: the same chips, order and sizes as sorting them all in one place gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from claylake.vocabulary import CHIPS
from spark.embedding.pending import groups_of, members
from spark.lake.bounds import Bounds
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.slow
HOUR = "hour(datetime) AS hour"
DAY = datetime(2024, 7, 1, tzinfo=UTC)


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
