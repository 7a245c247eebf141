"""Rows of chips as they come from the table, made ready for the encoder."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spark.lake.pixels import ChipError, open_chip

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pyarrow as pa

    from spark.encoding import Encoder, Prepared

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Rows on their way through the encoder.

    Attributes:
        rows: as they came.
        whole: positions of the rows that hold a chip.
        failures: of each row, why it holds none; None where it does.
        prepared: the chips of `whole`, on the encoder's device; None where there are none.
    """

    rows: pa.RecordBatch
    whole: tuple[int, ...]
    failures: tuple[str | None, ...]
    prepared: Prepared | None


def make_ready(rows: pa.RecordBatch, encoder: Encoder, threads: Executor) -> Ready:
    """Decode the chips of an Arrow batch, several at a time in `threads`, and bring them to the device.

    Args:
        rows: with the columns of `spark.embedding.columns.INPUT`.
        encoder: gives the memory to decode into, and the device.
        threads: where chips are decoded.
    """
    import pyarrow as pa

    frames, digests = rows.column("clay_tensor"), rows.column("content_digest").to_pylist()
    buffer = encoder.buffer(rows.num_rows)

    def decode(row: int) -> str | None:
        try:
            buffer[row] = open_chip(frames[row].as_py(), digests[row] or "")
        except ChipError as error:
            _log.warning("chip %s cannot be embedded: %s", digests[row], error)
            return error.reason
        return None

    failures = tuple(threads.map(decode, range(rows.num_rows)))
    whole = [row for row, failure in enumerate(failures) if failure is None]
    prepared = None
    if whole:
        places = np.column_stack([rows.column("lon").to_numpy(), rows.column("lat").to_numpy()])
        moments = rows.column("datetime").cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
        chips = buffer if len(whole) == rows.num_rows else buffer[whole]
        prepared = encoder.prepare(chips, places[whole], moments[whole])
    return Ready(rows=rows, whole=tuple(whole), failures=failures, prepared=prepared)
