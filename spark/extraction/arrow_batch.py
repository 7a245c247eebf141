"""Arrow batches and streams of rows."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

    from spark.lake.columns import Columns


def batch_of(rows: Iterable[Mapping[str, object]], columns: Columns) -> pa.RecordBatch:
    """Rows as one batch of these columns."""
    import pyarrow as pa

    return pa.RecordBatch.from_pylist(list(rows), schema=columns.arrow)


def stream_of(rows: Iterable[Mapping[str, object]], columns: Columns) -> bytes:
    """Rows as one Arrow stream of these columns; others are left out."""
    import pyarrow as pa

    batch, sink = batch_of(({name: row[name] for name in columns.names} for row in rows), columns), io.BytesIO()
    with pa.ipc.new_stream(sink, columns.arrow) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def rows_of_stream(stream: bytes) -> list[Any]:
    """Rows of `stream_of`, as dictionaries by column."""
    import pyarrow as pa

    rows: list[Any] = pa.ipc.open_stream(stream).read_all().to_pylist()
    return rows
