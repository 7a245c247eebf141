"""Finding the chips that spoil a batch ("poison"): it is halved until they are alone.

Poison is a chip that makes the network fail, or that turns its neighbours' vectors into numbers that are not finite.
"""

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)


def isolate(
    run: Callable[[NDArray[np.intp]], NDArray[np.float32]], count: int, dim: int, recheck: Callable[[], None]
) -> tuple[NDArray[np.float32], frozenset[int]]:
    """Run rows 0 to count together; what fails is run again in halves, until each poison chip is alone.

    Rows that come out finite are kept as they are. Rows that do not are run once more without the others: if a
    neighbour had spoilt them, they come out finite then.

    Args:
        run: Maps k row numbers to `(k, dim)`; a RuntimeError means that at least one of them is poison.
        count: Number of rows.
        dim: Length of a vector.
        recheck: Called before each search, and when one row alone has failed; raises if the fault is not the rows'.

    Returns:
        `(count, dim)` vectors, and the rows that raise when alone, whose vectors are NaN.
    """
    vectors = np.full((count, dim), np.nan, dtype=np.float32)
    raised: set[int] = set()
    waiting = [np.arange(count)] if count else []
    while waiting:
        rows = waiting.pop()
        try:
            made = run(rows)
        except RuntimeError as error:
            recheck()
            if len(rows) == 1:
                log.warning("one chip alone makes the encoder fail: %s", error)
                raised.add(int(rows[0]))
            else:
                waiting += _halves(rows)
            continue
        finite = np.isfinite(made).all(axis=1)
        vectors[rows[finite]] = made[finite]
        left = rows[~finite]
        if len(left):
            recheck()
        if len(left) < len(rows):
            waiting += [left] if len(left) else []
        elif len(rows) > 1:
            waiting += _halves(rows)
    return vectors, frozenset(raised)


def _halves(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    middle = len(rows) // 2
    return [rows[middle:], rows[:middle]]
