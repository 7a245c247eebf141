"""The order in which execution paths are tried: the expected one stays first unless another is 5 % faster here."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from model.execution import Execution
from model.processor import this_processor
from spark.encoding.batch import find_once

log = logging.getLogger(__name__)

GAIN = 1.05
"""A path must be this much faster than the one expected to be fastest, or a machine's noise would choose."""


def in_order(
    possible: Sequence[Execution], seconds: Callable[[Execution], float | None], *, known: Path | None
) -> tuple[Execution, ...]:
    """The execution paths, the one to take first.

    Args:
        possible: The paths, the one expected to be fastest first.
        seconds: Time of a pass; None where the path fails.
        known: File in which a machine's workers keep what the first one of them found; None where each finds out.
    """
    if len(possible) == 1:
        return tuple(possible)
    by_name = {execution.name: execution for execution in possible}

    def find() -> str:
        # The one expected to be fastest is timed last, so that it is still loaded if it wins.
        taken = {execution.name: seconds(execution) for execution in reversed(possible)}
        return _best({name: taken[name] for name in by_name})

    name = find() if known is None else find_once(known, find)
    best = by_name.get(name, possible[0])
    return best, *(execution for execution in possible if execution is not best)


def key_of(model_version: str, precision: str) -> str:
    """File name for the quickest path on a CPU, made of all that it depends on."""
    import torch

    parts = (model_version, precision, this_processor().kind, str(torch.get_num_threads()), torch.__version__)
    return "way-" + re.sub(r"[^A-Za-z0-9]+", "-", "-".join(parts))


def _best(taken: Mapping[str, float | None]) -> str:
    """The name of the first path, unless the fastest is `GAIN` times as fast; a failed one (None) does not count."""
    timed = {name: time for name, time in taken.items() if time is not None}
    if not timed:
        return next(iter(taken))
    first, fastest = next(iter(timed)), min(timed, key=timed.__getitem__)
    best = fastest if timed[fastest] * GAIN < timed[first] else first
    log.info("a pass takes %s: %s", ", ".join(f"{time:.3g} s by {name}" for name, time in timed.items()), best)
    return best
