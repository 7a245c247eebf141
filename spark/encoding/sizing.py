"""The batch size with which an encoder is fastest on its device."""

import re
from pathlib import Path

import numpy as np

from model.processor import this_processor
from spark.encoding.batch import FIRST, MOST, find_batch, find_once, timed
from spark.encoding.device import kind_of
from spark.encoding.runner import NetworkEncoder
from spark.encoding.selfcheck import Reference


def batch_of(
    encoder: NetworkEncoder, reference: Reference, *, wanted: int | None, most: int, tuning: Path | None
) -> int:
    """The batch size that is wanted, else the one another worker found, else one found by trying; at most `most`.

    Args:
        encoder: Its batch size may be changed while sizes are tried.
        reference: Chips to try with, repeated as often as needed.
        wanted: None where no size is given.
        most: Largest batch that the artefact's program takes.
        tuning: Folder in which a machine's workers keep what the first one of them found; None where each finds its
            own.
    """
    kind = kind_of(encoder.device)
    if wanted is not None:
        return min(wanted, most)

    def find() -> int:
        encoder.batch = 1  # passes are filled up to it
        return find_batch(
            lambda count: seconds_of_pass(encoder, reference, count), first=FIRST[kind], most=min(MOST[kind], most)
        )

    return find() if tuning is None else min(most, int(find_once(tuning / _key(encoder), lambda: str(find()))))


def seconds_of_pass(encoder: NetworkEncoder, reference: Reference, count: int) -> float | None:
    """Time of one pass over so many chips; None where they do not fit into memory.

    Args:
        encoder: What embeds them.
        reference: Its chips are repeated until there are enough.
        count: Chips of the pass.
    """
    chips = np.resize(reference.chips, (count, *reference.chips.shape[1:]))
    lonlat = np.resize(reference.lonlat, (count, 2))
    prepared = encoder.prepare(chips, lonlat, [reference.when[number % len(reference.when)] for number in range(count)])
    return timed(lambda: encoder.once(prepared))


def _key(encoder: NetworkEncoder) -> str:
    """File name for the best batch size, made of all that it depends on."""
    import torch

    cuda = kind_of(encoder.device) == "cuda"
    name = (
        torch.cuda.get_device_name(encoder.device) if cuda else f"cpu-{this_processor().kind}-{torch.get_num_threads()}"
    )
    return "batch-" + re.sub(r"[^A-Za-z0-9]+", "-", f"{encoder.precision}-{encoder.path}-{name}")
