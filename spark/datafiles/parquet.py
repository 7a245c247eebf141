"""One data file: its rows sorted and as Parquet, and the facts that Iceberg keeps of it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spark.datafiles.layout import Layout, rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow.parquet as pq

    from spark.datafiles.layout import Rules

GROUP_ROWS = 32
"""Rows of a row group of a table with blobs: reading one chip fetches a group of each column, 15 MB of pixels."""
_GROUP_ROWS_WITHOUT_BLOBS = 100_000
_FALSE_POSITIVES = 0.01
"""Of a Bloom filter that is made for as many values as there are rows."""


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file that is written, and not yet part of any table.

    `keys`: of its rows, in their order, the values of the table's key column. `document`: all that Iceberg keeps of
    it, as the JSON of its own `ContentFileParser`.
    """

    uri: str
    size: int
    keys: tuple[str, ...]
    document: Mapping[str, Any]


def encode(layout: Layout, rows: Sequence[Mapping[str, Any]]) -> tuple[bytes, pq.FileMetaData]:
    """Rows of one partition as a Parquet file, sorted as the table wants them; and its footer.

    Args:
        layout: of the table. Columns that rows lack are null.
        rows: by column; at least one.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    of, sink = rules(layout), io.BytesIO()
    footers: list[pq.FileMetaData] = []
    ordered = sorted(rows, key=lambda row: tuple(row[name] for name in layout.ordered_by))
    # Of a list or a map, what is stored has names of its own.
    names, leaves, blobs = of.arrow.names, list(of.ids), set(layout.blobs)
    size = GROUP_ROWS if blobs else _GROUP_ROWS_WITHOUT_BLOBS
    options: dict[str, Any] = {
        "compression": {name: "none" if name in blobs else "zstd" for name in leaves},
        "use_dictionary": [name for name in leaves if name not in blobs],
        "write_statistics": [name for name in leaves if of.ids[name] not in of.unmeasured],
        "max_rows_per_page": of.page_rows,
        "write_batch_size": min(of.page_rows, size),
        "sorting_columns": [pq.SortingColumn(leaves.index(name)) for name in layout.ordered_by],
        "bloom_filter_options": {name: {"ndv": len(rows), "fpp": _FALSE_POSITIVES} for name in of.bloomed},
        "store_schema": False,
        "version": "2.6",
        "metadata_collector": footers,
    }
    with pq.ParquetWriter(sink, of.arrow, **options) as writer:
        for start in range(0, len(ordered), size):
            group = [{name: row.get(name) for name in names} for row in ordered[start : start + size]]
            writer.write_batch(pa.RecordBatch.from_pylist(group, schema=of.arrow), row_group_size=size)
    return sink.getvalue(), footers[0]


def described(layout: Layout, uri: str, size: int, footer: pq.FileMetaData) -> dict[str, Any]:
    """What Iceberg keeps of a data file, in the JSON of its `ContentFileParser`.

    Args:
        layout: of the table.
        uri: of the file.
        size: its bytes.
        footer: as `encode` gives it: nothing is read again.

    Raises:
        ValueError: rows of several partitions are in it.
    """
    from pyiceberg.io.pyarrow import data_file_statistics_from_parquet_metadata

    of = rules(layout)
    statistics = data_file_statistics_from_parquet_metadata(footer, dict(of.statistics), of.ids)
    measures = statistics.to_serialized_dict()
    return {
        "spec-id": of.spec.spec_id,
        "content": "DATA",
        "file-path": uri,
        "file-format": "PARQUET",
        # By the least and the greatest value of the columns: every row is in it.
        "partition": of.partition_document(tuple(statistics.partition(of.spec, of.schema))),
        "file-size-in-bytes": size,
        "record-count": measures["record_count"],
        "column-sizes": _by_id(of, measures["column_sizes"]),
        "value-counts": _by_id(of, measures["value_counts"]),
        "null-value-counts": _by_id(of, measures["null_value_counts"]),
        "lower-bounds": _by_id(of, {key: value.hex().upper() for key, value in measures["lower_bounds"].items()}),
        "upper-bounds": _by_id(of, {key: value.hex().upper() for key, value in measures["upper_bounds"].items()}),
        "split-offsets": measures["split_offsets"],
        "sort-order-id": layout.sort_order,
    }


def _by_id(of: Rules, values: Mapping[int, object]) -> dict[str, list[Any]]:
    """A map of Iceberg's JSON; columns that are not measured are left out, as Iceberg does."""
    kept = sorted((key, value) for key, value in values.items() if key not in of.unmeasured)
    return {"keys": [key for key, _ in kept], "values": [value for _, value in kept]}
