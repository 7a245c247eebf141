"""Between Arrow and Spark: schemas of DDL strings for `mapInArrow`, and small tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

_COLUMN = re.compile(r"`?(\w+)`?\s+([\w<>]+)")


def schema_of(ddl: str) -> pa.Schema:
    """The Arrow schema of columns such as ``id string, datetime timestamp``.

    Raises:
        KeyError: for a type not used by the project's flat rows.
    """
    import pyarrow as pa

    kinds = {
        "string": pa.string(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "binary": pa.binary(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    return pa.schema([(name, kinds[kind]) for name, kind in _COLUMN.findall(ddl)])


def frame_of(spark: SparkSession, table: pa.Table, ddl: str) -> DataFrame:
    """The columns of `table` that a DDL string names. For tables that the driver holds anyway."""
    # By way of tuples: pyspark 3.5's short cut for pandas warns with pandas 2.
    names = [name for name, _ in _COLUMN.findall(ddl)]
    return spark.createDataFrame(list(zip(*(table[name].to_pylist() for name in names), strict=True)), ddl)
