"""The work of one Python worker: Arrow batches of chips in, of vectors out.

Three things happen at once: this thread takes batches from Spark and gives vectors back; `decoding` decodes the chips
of the next groups and brings them to the device; `encoding` keeps the device busy. So the device waits for nothing as
long as each of the others is faster than it.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING

from spark.embedding.decoding import make_ready
from spark.embedding.errors import ModelChangedError
from spark.embedding.local_copy import LocalCopy
from spark.embedding.outcome import embed
from spark.embedding.prefetch import prefetch
from spark.embedding.rebatch import rebatched
from spark.embedding.task_gpu import device_of_task
from spark.encoding import load_encoder, read_artefact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa

    from spark.embedding.encoder_choice import EncoderChoice
    from spark.encoding import Encoder
    from spark.progress import Counts

DECODED_AHEAD = 2
"""Groups that are decoded while one is encoded: a chip takes 1.3 MB then."""
ENCODED_AHEAD = 1
"""Groups that wait at the encoder, so that it never waits for this thread."""
MOST_DECODERS = 8


def embedder(choice: EncoderChoice, counts: Counts) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function for `mapInArrow`: batches with columns `INPUT` to batches of `OUTPUT`, of other sizes.

    Args:
        choice: of the encoder.
        counts: tasks count their chips with it.
    """

    def embed_all(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rest = iter(batches)
        for first in rest:
            # Not loaded before the first row: an empty partition needs no encoder.
            if first.num_rows:
                encoder = _encoder(choice, device_of_task())
                with counts.of_task() as counter:
                    for made in embedded(chain([first], rest), encoder, choice.threads):
                        counter.add(made.num_rows)
                        yield made

    return embed_all


def embedded(batches: Iterable[pa.RecordBatch], encoder: Encoder, threads: int) -> Iterator[pa.RecordBatch]:
    """Every chip's row with its vector, or with the reason why it has none, in order.

    Args:
        batches: with columns `INPUT`, of any size.
        encoder: that makes the vectors; its batch size is that of the groups.
        threads: chips decoded at once for a GPU, from 2 to `MOST_DECODERS`; for a CPU it is one.
    """
    import blosc2

    # Chips are decoded beside each other: threads within each would be started anew for every one.
    blosc2.set_nthreads(1)
    decoders = 1 if encoder.device == "cpu" else min(MOST_DECODERS, max(2, threads))
    with (
        ThreadPoolExecutor(decoders, "blosc2") as blosc,
        ThreadPoolExecutor(1, "decoding") as decoding,
        ThreadPoolExecutor(1, "encoding") as encoding,
    ):
        groups = rebatched(batches, lambda: encoder.batch)
        ready = prefetch(decoding, lambda rows: make_ready(rows, encoder, blosc), groups, DECODED_AHEAD)
        yield from prefetch(encoding, lambda group: embed(group, encoder), ready, ENCODED_AHEAD)


@functools.lru_cache(maxsize=1)
def _encoder(choice: EncoderChoice, device: str | None) -> Encoder:
    """The encoder of this process: loading proves it, which takes seconds, and workers are reused."""
    import torch

    torch.set_num_threads(choice.threads)
    copy = LocalCopy.of(choice.model)
    found = read_artefact(copy.folder).described.model_version
    if found != choice.model_version:
        raise ModelChangedError(choice.model_version, found)
    return load_encoder(
        copy.folder,
        convention=choice.convention,
        precision=choice.precision,
        device=device,
        batch=choice.batch_size,
        fetch=copy.fetch,
        tuning=copy.folder,
    )
