"""How many chips go through the network at once, found by trying; and a file that keeps what one worker found."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from spark.file_lock import locked

FIRST = {"cpu": 1, "cuda": 16, "mps": 4}
MOST = {"cpu": 32, "cuda": 512, "mps": 64}
"""Chips per pass to begin with, and at most, by kind of device."""
GAIN = 1.05
"""A doubled batch must bring this much more chips per second, or it only costs memory."""
BUDGET_S = 10.0
LONG_PASS_S = 1.0
"""A pass this long is timed well enough at once."""


def find_batch(seconds: Callable[[int], float | None], *, first: int, most: int, budget_s: float = BUDGET_S) -> int:
    """Double the batch while that pays.

    Args:
        seconds: Time of one pass of so many chips; None where they do not fit into memory.
        first: Where to begin; halved until it fits.
        most: Where to end.
        budget_s: No size is tried that would, by the last one's rate, end after this many seconds.

    Returns:
        The size with the most chips per second; 1 if nothing fits: the first pass raises then.
    """
    started = time.monotonic()
    batch = min(first, most)
    taken = seconds(batch)
    while taken is None and batch > 1:
        batch //= 2
        taken = seconds(batch)
    if taken is None:
        return 1
    while 2 * batch <= most and time.monotonic() - started + 2 * taken < budget_s:
        twice = seconds(2 * batch)
        if twice is None or 2 * taken < GAIN * twice:
            break
        batch, taken = 2 * batch, twice
    return batch


def timed(run: Callable[[], object]) -> float | None:
    """Seconds of a call that gives None where memory is short, and then None.

    A long first call is the measure; else it has warmed up, and the better of two more is.
    """
    first = _once(run)
    if first is None or first > LONG_PASS_S:
        return first
    more = [taken for taken in (_once(run), _once(run)) if taken is not None]
    return min(more) if more else None


def _once(run: Callable[[], object]) -> float | None:
    started = time.perf_counter()
    return None if run() is None else time.perf_counter() - started


def find_once(path: Path, find: Callable[[], str]) -> str:
    """The content of a file; where there is none, one worker of the machine finds and writes it while the others wait.

    Vectors of one chip in batches of different sizes, or by different execution paths, may differ in their last bits;
    so workers of one machine use the same. Several that tried at once would also disturb each other's times.
    """
    with locked(path.parent):
        try:
            return path.read_text()
        except FileNotFoundError:
            found = find()
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.", delete=False) as part:
            part.write(found)
        Path(part.name).replace(path)
        return found
