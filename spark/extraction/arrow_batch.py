"""Arrow batches of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

    from spark.lake.columns import Columns


def batch_of(rows: Iterable[Mapping[str, object]], columns: Columns) -> pa.RecordBatch:
    """Rows as one batch of these columns."""
    import pyarrow as pa

    return pa.RecordBatch.from_pylist(list(rows), schema=columns.arrow)
