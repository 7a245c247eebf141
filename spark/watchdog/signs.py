"""What Spark and the step's own progress show of the work."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from claylake.errors import StoreError
from claylake.run.progress import Progress
from spark.watchdog.judge import Signs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark import SparkContext

    from claylake.plan import Plan

_log = logging.getLogger(__name__)
_DRIVER: Final = "driver"
_TOTALS: Final = ("completedTasks", "totalInputBytes", "totalShuffleRead", "totalShuffleWrite")
"""Of executors, counted when a task ends. Failed tasks are no headway."""
_RUNNING: Final = ("inputBytes", "outputBytes", "shuffleReadBytes", "shuffleWriteBytes")
"""Of stages, counted while tasks run."""


def read(context: SparkContext, plan: Plan) -> Signs:
    """The signs now. Py4J's errors come out: the session ends, or has ended.

    Args:
        context: of the session.
        plan: whose run folder has the step's progress.
    """
    store: Any = context._jsc.sc().statusStore()  # noqa: SLF001 - PySpark has no other way to the counts
    executors = list(_each(store.executorList(False)))
    # Without a cluster the driver's own threads do the work.
    master = context.master or ""
    is_local = master.startswith("local") and not master.startswith("local-cluster")
    active = sum(1 for one in executors if one.isActive() and (is_local or one.id() != _DRIVER))
    totals = tuple(sum(getattr(one, name)() for one in executors) for name in _TOTALS)
    stages = list(_each(store.activeStages()))
    running = tuple(sum(getattr(one, name)() for one in stages) for name in _RUNNING)
    return Signs(executors=active, headway=(*totals, *running, *_of_progress(plan)))


def _each(scala_seq: Any) -> Iterator[Any]:
    for index in range(scala_seq.size()):
        yield scala_seq.apply(index)


def _of_progress(plan: Plan) -> tuple[object, ...]:
    """What tasks have counted while they run, and the stage of the step."""
    try:
        found = Progress.load(plan)
    except StoreError as error:
        _log.warning("watchdog: %s", error)
        return ()
    return () if found is None else (found.step, found.stage, found.began, found.done, found.downloaded)
