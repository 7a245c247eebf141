"""What data files of a table must be like, by the table's own metadata; small enough to go out with every task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa
    from pyiceberg.io.pyarrow import StatisticsCollector
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema

_BLOOM = "write.parquet.bloom-filter-enabled.column."
_PAGE_ROWS, _PAGE_ROWS_DEFAULT = "write.parquet.page-row-limit", 20_000
Partition = tuple[object, ...]
"""A value for each field of the partition spec, as its transform gives it."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A table's schema and partition spec as Iceberg's JSON, the id and columns of its sort order, its properties.

    `blobs`: columns that are compressed already.
    """

    schema: str
    spec: str
    sort_order: int
    ordered_by: tuple[str, ...]
    properties: tuple[tuple[str, str], ...]
    blobs: tuple[str, ...]

    @classmethod
    def of(cls, api: Any, iceberg: Any, blobs: tuple[str, ...]) -> Layout:
        """That of Iceberg's own table, as `spark.lake.refs.load` gives it.

        Args:
            api: Iceberg's Java packages.
            iceberg: the table.
            blobs: names of columns that are compressed already.
        """
        schema, order = iceberg.schema(), iceberg.sortOrder()
        return cls(
            schema=api.SchemaParser.toJson(schema),
            spec=api.PartitionSpecParser.toJson(iceberg.spec()),
            sort_order=order.orderId(),
            ordered_by=tuple(schema.findColumnName(field.sourceId()) for field in order.fields()),
            properties=tuple(sorted(dict(iceberg.properties()).items())),
            blobs=blobs,
        )


@lru_cache(maxsize=8)
def rules(layout: Layout) -> Rules:
    """The rules of a layout, made once in a process."""
    return Rules(layout)


class Rules:
    """A layout's JSON read by pyiceberg: what a writer of files goes by."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    @cached_property
    def schema(self) -> Schema:
        """Columns with their field ids."""
        from pyiceberg.schema import Schema

        return Schema.model_validate_json(self.layout.schema)

    @cached_property
    def spec(self) -> PartitionSpec:
        """How rows are dealt into partitions."""
        from pyiceberg.partitioning import PartitionSpec

        return PartitionSpec.model_validate_json(self.layout.spec)

    @cached_property
    def properties(self) -> Mapping[str, str]:
        """The table's, by name."""
        return dict(self.layout.properties)

    @cached_property
    def arrow(self) -> pa.Schema:
        """The schema of a file, field ids included."""
        from pyiceberg.io.pyarrow import schema_to_pyarrow

        schema: pa.Schema = schema_to_pyarrow(self.schema)
        return schema

    @cached_property
    def statistics(self) -> Mapping[int, StatisticsCollector]:
        """What is to be known of each column, by field id."""
        from pyiceberg.io.pyarrow import compute_statistics_plan

        plan: dict[int, StatisticsCollector] = compute_statistics_plan(self.schema, dict(self.properties))
        return plan

    @cached_property
    def ids(self) -> dict[str, int]:
        """Field id of each column of a Parquet file, by its path there."""
        from pyiceberg.io.pyarrow import parquet_path_to_id_mapping

        ids: dict[str, int] = parquet_path_to_id_mapping(self.schema)
        return ids

    @cached_property
    def unmeasured(self) -> frozenset[int]:
        """Field ids of columns of which the table wants to know nothing."""
        from pyiceberg.io.pyarrow import MetricModeTypes

        return frozenset(key for key, column in self.statistics.items() if column.mode.type == MetricModeTypes.NONE)

    @property
    def page_rows(self) -> int:
        """Rows of a page at most."""
        return int(self.properties.get(_PAGE_ROWS, _PAGE_ROWS_DEFAULT))

    @property
    def bloomed(self) -> tuple[str, ...]:
        """Columns that have a Bloom filter."""
        return tuple(
            key.removeprefix(_BLOOM)
            for key, value in self.properties.items()
            if key.startswith(_BLOOM) and value == "true"
        )

    @cached_property
    def _transforms(self) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
        found = []
        for field in self.spec.fields:
            source = self.schema.find_field(field.source_id)
            transform = field.transform.transform(source.field_type)
            found.append((source.name, lambda value, of=transform: of(_literal(value))))
        return tuple(found)

    def partition(self, row: Mapping[str, Any]) -> Partition:
        """The partition that a row belongs to.

        Args:
            row: with the columns at least that the partition spec goes by.
        """
        return tuple(transform(row[name]) for name, transform in self._transforms)

    def partition_document(self, partition: Partition) -> dict[str, object]:
        """A partition as Iceberg's JSON has it: by field id."""
        return {str(field.field_id): value for field, value in zip(self.spec.fields, partition, strict=True)}

    def partitions_of_bounds(self, document: Mapping[str, Any]) -> tuple[dict[str, object], ...]:
        """The partitions of a file's least and greatest values, as `partition_document` gives them.

        Args:
            document: what Iceberg keeps of the file.
        """
        from pyiceberg.conversions import from_bytes

        found = []
        for side in ("lower-bounds", "upper-bounds"):
            values = dict(zip(document[side]["keys"], document[side]["values"], strict=True))
            row = {}
            for field in self.spec.fields:
                source = self.schema.find_field(field.source_id)
                row[source.name] = from_bytes(source.field_type, bytes.fromhex(values[field.source_id]))
            found.append(self.partition_document(self.partition(row)))
        return tuple(found)


def _literal(value: Any) -> Any:
    """A value as pyiceberg's transforms take it: times as microseconds since 1970."""
    from pyiceberg.utils.datetime import datetime_to_micros

    return datetime_to_micros(value) if isinstance(value, datetime) else value
