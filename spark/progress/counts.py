"""What tasks have done so far, where the driver can see it while they run.

Spark hands over what a task counted when the task has ended, which may be after an hour. So each task keeps an empty
object whose name is its count: one listing gives the counts of all tasks, and nothing is read.
"""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from claylake import store
from claylake.errors import StoreError

if TYPE_CHECKING:
    from types import TracebackType

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Where the tasks of a stage keep their counts; goes to them with their work.

    `folder` is empty where nothing is to be counted. `stage` and `job` keep apart tasks of one number. `every_s`:
    seconds between two writes of a task at least.
    """

    folder: str
    every_s: float
    stage: int = 0
    job: str = ""

    @classmethod
    def none(cls) -> Self:
        """Nothing is counted."""
        return cls(folder="", every_s=0.0)

    def of_job(self) -> Counts:
        """Those of another job of the stage."""
        return replace(self, job=uuid.uuid4().hex)

    def of_task(self) -> Counter:
        """The counter of the task that calls this; of the only one outside Spark."""
        from pyspark import TaskContext

        context = TaskContext.get()
        return Counter(self, 0 if context is None else context.partitionId())

    def added_up(self) -> tuple[int, int]:
        """Units done and bytes fetched of all tasks; one that was repeated counts by the attempt that got farther.

        Raises:
            StoreError: the folder cannot be listed.
        """
        tasks: dict[str, tuple[int, int]] = {}
        for uri in store.names(self.folder):
            task, done, downloaded = uri.rpartition("/")[2].rsplit("-", 2)
            if task.startswith(f"{self.stage}."):
                tasks[task] = max(tasks.get(task, (0, 0)), (int(done), int(downloaded)))
        return sum(done for done, _ in tasks.values()), sum(downloaded for _, downloaded in tasks.values())


class Counter:
    """A context manager: a task's count, written every few seconds and at the task's end. It never fails the task.

    Args:
        counts: of the stage.
        task: number of the task in its job.
    """

    def __init__(self, counts: Counts, task: int) -> None:
        self._counts, self._task = counts, task
        self._done = self._downloaded = 0
        self._at = ""
        self._written = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()

    def add(self, done: int, downloaded: int = 0) -> None:
        """Count more.

        Args:
            done: units.
            downloaded: bytes that were fetched for them.
        """
        self._done += done
        self._downloaded += downloaded
        if time.monotonic() - self._written >= self._counts.every_s:
            self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        name = f"{self._counts.stage}.{self._counts.job}.{self._task}-{self._done}-{self._downloaded}"
        if not self._counts.folder or not (self._done or self._downloaded):
            return
        uri, before = store.join(self._counts.folder, name), self._at
        if uri == before:
            return
        try:
            store.write(uri, b"")
            self._at = uri
            store.remove([before] if before else [])
        except StoreError as error:
            # The work is what matters: a count that is not seen is made good by the next one.
            _log.warning("progress: %s", error)
