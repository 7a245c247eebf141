"""The work of one Python worker: Arrow batches of chips in, of vectors out.

Three things happen at once: this thread takes batches from Spark and gives vectors back; `decoding` decodes the chips
of the next groups and brings them to the device; `encoding` keeps the device busy. So the device waits for nothing as
long as each of the others is faster than it.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from spark.embedding.ahead import ahead
from spark.embedding.artefact import LocalCopy
from spark.embedding.decoding import make_ready
from spark.embedding.device import device_of_task
from spark.embedding.errors import ModelChangedError
from spark.embedding.outcome import embed
from spark.embedding.regroup import regrouped
from spark.embedding.work import CARRIED, MADE
from spark.encoding import load_encoder, read_artefact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa

    from spark.embedding.work import Work
    from spark.encoding import Encoder

INPUT = (*CARRIED.names, "clay_tensor", "lon", "lat")
OUTPUT = CARRIED + MADE
DECODED_AHEAD = 2
"""Groups that are decoded while one is encoded: a chip takes 1.3 MB then."""
ENCODED_AHEAD = 1
"""Groups that wait at the encoder, so that it never waits for this thread."""
MOST_DECODERS = 8


def embedder(work: Work) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function for `mapInArrow`: batches with columns `INPUT` to batches of `OUTPUT`, of other sizes."""

    def embed_all(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rest = iter(batches)
        for first in rest:
            # Not loaded before the first row: an empty partition needs no encoder.
            if first.num_rows:
                yield from embedded(_after(first, rest), _encoder(work, device_of_task()), work.threads)

    return embed_all


def embedded(batches: Iterable[pa.RecordBatch], encoder: Encoder, threads: int) -> Iterator[pa.RecordBatch]:
    """Every chip's row with its vector, or with the reason why it has none, in order."""
    import blosc2

    # Chips are decoded beside each other: threads within each would be started anew for every one.
    blosc2.set_nthreads(1)
    decoders = 1 if encoder.device == "cpu" else min(MOST_DECODERS, max(2, threads))
    with (
        ThreadPoolExecutor(decoders, "blosc2") as blosc,
        ThreadPoolExecutor(1, "decoding") as decoding,
        ThreadPoolExecutor(1, "encoding") as encoding,
    ):
        groups = regrouped(batches, lambda: encoder.batch)
        ready = ahead(decoding, lambda rows: make_ready(rows, encoder, blosc), groups, DECODED_AHEAD)
        yield from ahead(encoding, lambda group: embed(group, encoder), ready, ENCODED_AHEAD)


def _after(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest


@functools.lru_cache(maxsize=1)
def _encoder(work: Work, device: str | None) -> Encoder:
    """The encoder of this process: loading proves it, which takes seconds, and workers are reused."""
    import torch

    torch.set_num_threads(work.threads)
    copy = LocalCopy.of(work.model)
    found = read_artefact(copy.folder).described.model_version
    if found != work.model_version:
        raise ModelChangedError(work.model_version, found)
    return load_encoder(
        copy.folder,
        convention=work.convention,
        precision=work.precision,
        device=device,
        batch=work.batch_size,
        fetch=copy.fetch,
        tuning=copy.folder,
    )
