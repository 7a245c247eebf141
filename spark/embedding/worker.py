"""The work of one Python worker: Arrow batches of chips in, of vectors out."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spark.embedding.errors import ModelChangedError
from spark.embedding.work import CARRIED, MADE
from spark.lake.pixels import ChipError, open_chip

if TYPE_CHECKING:
    import pyarrow as pa

    from spark.embedding.work import Work
    from spark.encoder import Encoder

_log = logging.getLogger(__name__)
INPUT = (*(name for name, _ in CARRIED), "clay_tensor", "lon", "lat")
OUTPUT_DDL = ", ".join(f"{name} {kind}" for name, kind in (*CARRIED, *MADE))


def embedder(work: Work) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function for `mapInArrow`: batches with columns `INPUT` to batches of `OUTPUT_DDL`."""

    def embed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            # Not loaded before the first batch: an empty partition needs no encoder.
            if batch.num_rows:
                yield embed_batch(batch, _encoder(work), work.batch_size)

    return embed


def embed_batch(batch: pa.RecordBatch, encoder: Encoder, size: int) -> pa.RecordBatch:
    """Every chip's row with its vector, or with the reason why it has none."""
    import pyarrow as pa

    frames, digests = batch.column("clay_tensor"), batch.column("content_digest").to_pylist()
    places = np.column_stack([batch.column("lon").to_numpy(), batch.column("lat").to_numpy()])
    moments = batch.column("datetime").cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
    vectors: list[np.ndarray[Any, Any] | None] = [None] * batch.num_rows
    failures: list[str | None] = [None] * batch.num_rows
    for start in range(0, batch.num_rows, size):
        part = range(start, min(start + size, batch.num_rows))
        whole, chips = _decode(part, frames, digests, failures)
        if not whole:
            continue
        result = encoder.encode(np.stack(chips), places[whole], moments[whole])
        for row, vector, ok in zip(whole, result.vectors, result.ok, strict=True):
            failures[row] = None if ok and np.any(vector) else "vector_zero" if ok else "vector_not_finite"
            vectors[row] = vector if failures[row] is None else None
    carried = [batch.column(name) for name, _ in CARRIED]
    made = [
        pa.array([None if vector is None else vector.tolist() for vector in vectors], pa.list_(pa.float32())),
        pa.array(failures, pa.string()),
        pa.array([str(getattr(encoder, "device", "unknown"))] * batch.num_rows, pa.string()),
    ]
    return pa.RecordBatch.from_arrays([*carried, *made], names=[name for name, _ in (*CARRIED, *MADE)])


def _decode(
    part: Sequence[int], frames: pa.Array, digests: Sequence[str], failures: list[str | None]
) -> tuple[list[int], list[np.ndarray[Any, Any]]]:
    """Rows of `part` that hold a chip, and the chips; the others get a failure."""
    whole, chips = [], []
    for row in part:
        try:
            chips.append(open_chip(frames[row].as_py(), digests[row]))
            whole.append(row)
        except ChipError as error:
            failures[row] = error.reason
            _log.warning("chip %s cannot be embedded: %s", digests[row], error)
    return whole, chips


@functools.lru_cache(maxsize=1)
def _encoder(work: Work) -> Encoder:
    """The encoder of this process: loading proves it, which takes seconds, and workers are reused."""
    import torch

    from spark.embedding.artefact import local_copy
    from spark.encoder import load_encoder

    torch.set_num_threads(work.threads)
    encoder = load_encoder(local_copy(work.model), convention=work.convention, precision=work.precision)
    if encoder.model_version != work.model_version:
        raise ModelChangedError(work.model_version, encoder.model_version)
    return encoder
