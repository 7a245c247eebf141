"""Of the ways in which an encoder can run here, the one that gives the most chips per second."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from model.processor import here
from model.ways import Way
from spark.encoding.batch import remembered

log = logging.getLogger(__name__)

GAIN = 1.05
"""A way must be this much faster than the one expected to be fastest, or a machine's noise would choose."""


def in_order(ways: Sequence[Way], seconds: Callable[[Way], float | None], *, known: Path | None) -> tuple[Way, ...]:
    """The ways, the one to take first.

    Args:
        ways: All that are possible, the one expected to be fastest first.
        seconds: Time of a pass; None where the way cannot serve.
        known: File in which a machine's workers keep what the first one of them found; None where each finds out.
    """
    if len(ways) == 1:
        return tuple(ways)
    by_name = {way.name: way for way in ways}

    def find() -> str:
        # The favourite comes last, so that it lies at hand when it wins.
        taken = {way.name: seconds(way) for way in reversed(ways)}
        return _best({name: taken[name] for name in by_name})

    name = find() if known is None else remembered(known, find)
    best = by_name.get(name, ways[0])
    return best, *(way for way in ways if way is not best)


def key_of(model_version: str, precision: str) -> str:
    """File name that tells apart what the quickest way on a CPU depends on."""
    import torch

    parts = (model_version, precision, here().kind, str(torch.get_num_threads()), torch.__version__)
    return "way-" + re.sub(r"[^A-Za-z0-9]+", "-", "-".join(parts))


def _best(taken: Mapping[str, float | None]) -> str:
    """The first by default; another one only where it gains enough."""
    served = {name: time for name, time in taken.items() if time is not None}
    if not served:
        return next(iter(taken))
    first, fastest = next(iter(served)), min(served, key=served.__getitem__)
    best = fastest if served[fastest] * GAIN < served[first] else first
    log.info("a pass takes %s: %s", ", ".join(f"{time:.3g} s by {name}" for name, time in served.items()), best)
    return best
