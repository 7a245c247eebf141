"""One list of columns, as Spark parses it, as data frames and as Arrow batches have it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pyarrow as pa
import pytest
from pyspark.sql import functions as f

from spark.lake.bounds import from_micros
from spark.lake.columns import Columns, Kind, filled
from spark.lake.tables import TABLES

EVERY = Columns({f"a {kind}": kind for kind in get_args(Kind)})
ROW = {
    "a string": "x",
    "a boolean": True,
    "a int": 1,
    "a bigint": 2**40,
    "a float": 0.5,
    "a double": 0.1,
    "a binary": bytearray(b"\0\1"),
    "a timestamp": datetime(2024, 7, 1, tzinfo=UTC),
    "a array<string>": ["x", None],
    "a array<float>": [0.5],
    "a array<double>": [0.1],
    "a map<string,int>": {"x": 1},
}


@pytest.mark.slow
@pytest.mark.parametrize("columns", [EVERY, *(table.columns for table in TABLES.values())])
def test_the_schema_is_what_spark_makes_of_the_ddl(spark, columns):
    assert spark.createDataFrame([], columns.ddl).schema == columns.spark


@pytest.mark.slow
def test_rows_go_through_arrow_and_back_in_every_type(spark):
    schema = EVERY.arrow

    def again(batches):
        for batch in batches:
            yield pa.RecordBatch.from_pylist(batch.to_pylist(), schema=schema)

    frame = EVERY.frame(spark, [ROW, dict.fromkeys(EVERY.names)])
    back = frame.mapInArrow(again, EVERY.spark)
    assert back.schema == EVERY.spark
    first, second = back.withColumn("a timestamp", f.unix_micros("a timestamp")).collect()
    assert {**first.asDict(), "a timestamp": from_micros(first["a timestamp"])} == ROW
    assert set(second.asDict().values()) == {None}


@pytest.mark.slow
def test_columns_of_an_arrow_table(spark):
    table = pa.table({"y": [1.5], "x": ["a"], "z": [None]})
    assert Columns({"x": "string", "y": "double"}).frame_of(spark, table).first().asDict() == {"x": "a", "y": 1.5}


def test_no_column_comes_twice():
    one, other = Columns({"x": "string", "y": "int"}), Columns({"y": "int"})
    with pytest.raises(ValueError, match="twice: y"):
        one + other
    assert (one.without("y") + other).names == ("x", "y")
    assert one.only("y") == other
    with pytest.raises(KeyError):
        one.only("z")


def test_order_is_part_of_what_columns_are():
    one, other = Columns({"x": "string", "y": "int"}), Columns({"y": "int", "x": "string"})
    assert one != other
    assert one == other.only("x", "y")
    assert len({one, other, other.only("x", "y")}) == 2
    assert one != {"x": "string", "y": "int"}


def test_a_column_without_nulls_gives_its_values():
    assert filled(pa.chunked_array([["x"], ["y"]]), str) == ["x", "y"]
    with pytest.raises(TypeError, match="1 of 2 values of a column are no str"):
        filled(pa.array(["x", None]), str)
