"""Rows of what embedding made: each chip's row with its vector, or with the reason why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spark.embedding.columns import CARRIED, MADE

if TYPE_CHECKING:
    import pyarrow as pa

    from spark.embedding.decoding import Ready
    from spark.encoding import Encoder


def embed(ready: Ready, encoder: Encoder) -> pa.RecordBatch:
    """Run the encoder over rows made ready, and put vectors and failures beside them."""
    failures: list[str | None] = list(ready.failures)
    vectors: NDArray[np.float32] = np.empty((0, 0), dtype=np.float32)
    kept: list[int] = []
    if ready.prepared is not None:
        result = encoder.run(ready.prepared)
        for row, reason in zip(ready.whole, result.reasons, strict=True):
            failures[row] = reason
        kept = [row for row in ready.whole if failures[row] is None]
        vectors = result.vectors[result.ok]
    return _batch(ready.rows, vectors, kept, failures, encoder)


def _batch(
    rows: pa.RecordBatch, vectors: NDArray[np.float32], kept: list[int], failures: list[str | None], encoder: Encoder
) -> pa.RecordBatch:
    import pyarrow as pa

    count = rows.num_rows
    has = np.zeros(count, dtype=bool)
    has[kept] = True
    ends = np.concatenate([[0], np.cumsum(has * (vectors.shape[1] if kept else 0))]).astype(np.int32)
    # A row without a vector is null. Arrow takes that from the begin of each list; the last end is never null.
    null = np.append(~has, np.False_)
    column = pa.ListArray.from_arrays(pa.array(ends, pa.int32(), mask=null), pa.array(vectors.ravel(), pa.float32()))
    texts = (encoder.precision, encoder.device, encoder.path)
    made = [column, pa.array(failures, pa.string()), *(pa.array([text] * count, pa.string()) for text in texts)]
    carried = [rows.column(name) for name in CARRIED.names]
    return pa.RecordBatch.from_arrays([*carried, *made], names=list((CARRIED + MADE).names))
