"""Computing results before they are needed, in order, a bounded number ahead."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor, Future

Given = TypeVar("Given")
Made = TypeVar("Made")


def prefetch(
    executor: Executor, function: Callable[[Given], Made], items: Iterable[Given], count: int
) -> Iterator[Made]:
    """`map`, at most `count` results ahead of the one taken.

    Items are taken by the caller's thread, in order. An exception of `function` is raised where its result would come;
    whatever ends the iteration, what has not begun is cancelled.

    Args:
        executor: where `function` runs.
        function: makes a result of one item.
        items: may be endless: they are taken only as results are.
        count: how many results may be begun or done beyond the one taken.
    """
    pending: deque[Future[Made]] = deque()
    try:
        for item in items:
            pending.append(executor.submit(function, item))
            if len(pending) > count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
