"""Columns of rows, named and typed once: for tables, for data frames, and for Arrow batches between JVM and Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from claylake import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType, StructType

Value = TypeVar("Value")
Kind = Literal[
    "string",
    "boolean",
    "int",
    "bigint",
    "float",
    "double",
    "binary",
    "timestamp",
    "array<string>",
    "array<float>",
    "array<double>",
    "map<string,int>",
]
"""Spark SQL's names of the types that rows are made of."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns by name, in order, with their types; every one of them may be null. The same in another order differ."""

    kinds: Mapping[str, Kind]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Columns) and tuple(self.kinds.items()) == tuple(other.kinds.items())

    def __hash__(self) -> int:
        return hash(tuple(self.kinds.items()))

    def __add__(self, other: Columns) -> Columns:
        """The columns of both.

        Raises:
            ValueError: if they share a name.
        """
        shared = sorted(self.kinds.keys() & other.kinds.keys())
        if shared:
            raise ValueError(f"columns would come twice: {', '.join(shared)}")
        return Columns({**self.kinds, **other.kinds})

    def only(self, *names: str) -> Columns:
        """These columns, in this order.

        Raises:
            KeyError: there is no such column.
        """
        return Columns({name: self.kinds[name] for name in names})

    def without(self, *names: str) -> Columns:
        """The other columns."""
        return Columns({name: kind for name, kind in self.kinds.items() if name not in names})

    @property
    def names(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(self.kinds)

    @property
    def ddl(self) -> str:
        """As ``CREATE TABLE`` takes them."""
        return ", ".join(f"{sql.name(name)} {kind}" for name, kind in self.kinds.items())

    @property
    def spark(self) -> StructType:
        """The schema of a data frame."""
        from pyspark.sql.types import StructField, StructType

        return StructType([StructField(name, _spark(kind)) for name, kind in self.kinds.items()])

    @property
    def arrow(self) -> pa.Schema:
        """The schema of the Arrow batches that Spark makes of such rows, and takes for them."""
        from pyspark.sql.pandas.types import to_arrow_schema

        return to_arrow_schema(self.spark)

    def frame(self, spark: SparkSession, rows: Iterable[Mapping[str, object]]) -> DataFrame:
        """Rows that the driver holds, each with these columns at least, as a data frame."""
        return spark.createDataFrame([tuple(row[name] for name in self.names) for row in rows], self.spark)

    def frame_of(self, spark: SparkSession, table: pa.Table) -> DataFrame:
        """These columns of an Arrow table that the driver holds, as a data frame."""
        # By way of tuples: pyspark 3.5's short cut for pandas warns with pandas 2.
        values = (table[name].to_pylist() for name in self.names)
        return spark.createDataFrame(list(zip(*values, strict=True)), self.spark)


def filled(column: pa.Array[Any] | pa.ChunkedArray[Any], kind: type[Value]) -> list[Value]:
    """The values of an Arrow column that may hold no null.

    Raises:
        TypeError: one of them is null, or of another type than `kind`.
    """
    values: list[object] = column.to_pylist()
    found = [value for value in values if isinstance(value, kind)]
    if len(found) < len(values):
        raise TypeError(f"{len(values) - len(found)} of {len(values)} values of a column are no {kind.__name__}")
    return found


def _spark(kind: Kind) -> DataType:
    from pyspark.sql import types

    kinds: dict[Kind, DataType] = {
        "string": types.StringType(),
        "boolean": types.BooleanType(),
        "int": types.IntegerType(),
        "bigint": types.LongType(),
        "float": types.FloatType(),
        "double": types.DoubleType(),
        "binary": types.BinaryType(),
        "timestamp": types.TimestampType(),
        "array<string>": types.ArrayType(types.StringType()),
        "array<float>": types.ArrayType(types.FloatType()),
        "array<double>": types.ArrayType(types.DoubleType()),
        "map<string,int>": types.MapType(types.StringType(), types.IntegerType()),
    }
    return kinds[kind]
