"""The driver's part: adds up what tasks count, and says how far the step is, in the run folder and in the log."""

from __future__ import annotations

import logging
import time
from collections import deque
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from claylake import store
from claylake.errors import StoreError
from claylake.run.progress import COUNTS, Progress
from spark.progress.counts import Counts

if TYPE_CHECKING:
    from types import TracebackType

    from claylake.plan import Plan

_log = logging.getLogger(__name__)
_EVERY_S: Final = 10.0
_NEARBY_S: Final = 1.0
"""In a folder of this machine, where a person watches."""
_LOGGED_S: Final = 10.0
_WINDOW_S: Final = 60.0
"""Of the rate: the start of the workers shall not slow it down for ever."""


class Reporter:
    """A context manager around a step. What it writes is for people: where that fails, the step goes on.

    Args:
        plan: whose run folder it writes to.
        step: a name of `claylake.vocabulary.STEPS`.
        every_s: seconds between two writes; None: as the run folder's place bears.
    """

    def __init__(self, plan: Plan, step: str, every_s: float | None = None) -> None:
        nearby = urlsplit(plan.uri("")).scheme in ("", "file")
        self._plan, self._step = plan, step
        self._every_s = every_s if every_s is not None else _NEARBY_S if nearby else _EVERY_S
        self._lock, self._ended = Lock(), Event()
        self._thread = Thread(target=self._watch, name="progress", daemon=True)
        self._stages = 0
        self._now: Progress | None = None
        self._saved: Progress | None = None
        self._counts = Counts.none()
        self._window: deque[tuple[float, int]] = deque()
        self._logged = 0.0

    def __enter__(self) -> Self:
        self._clear()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._update()
        self._clear()

    def stage(self, name: str, unit: str = "", total: int | None = None) -> Counts:
        """The step's next stage begins; gives what its tasks count with.

        Args:
            name: what is done, e.g. ``read chips``.
            unit: what is counted, plural; nothing by default.
            total: how many there will be, if known.
        """
        self._update()
        now = datetime.now(UTC)
        with self._lock:
            self._stages += 1
            folder = self._plan.uri(COUNTS) if unit else ""
            self._counts = Counts(folder=folder, every_s=self._every_s, stage=self._stages)
            self._now = Progress(step=self._step, stage=name, unit=unit, total=total, began=now, written=now)
            self._window.clear()
            self._window.append((time.monotonic(), 0))
            self._logged = time.monotonic()
        self._update()
        return self._counts

    def _watch(self) -> None:
        while not self._ended.wait(self._every_s):
            self._update()

    def _update(self) -> None:
        with self._lock:
            try:
                self._write()
            except StoreError as error:
                _log.warning("progress: %s", error)

    def _write(self) -> None:
        if self._now is None:
            return
        if self._counts.folder:
            done, downloaded = self._counts.added_up()
            self._now = self._now.model_copy(update={"done": done, "downloaded": downloaded})
        if self._now == self._saved:
            return
        rate, now = self._rate(self._now.done), datetime.now(UTC)
        self._now = self._now.model_copy(update={"per_second": rate, "written": now})
        self._now.save(self._plan)
        self._saved = self._now
        if self._now.done and time.monotonic() - self._logged >= _LOGGED_S:
            self._logged = time.monotonic()
            _log.info("%s", self._now.text)

    def _rate(self, done: int) -> float | None:
        now = time.monotonic()
        self._window.append((now, done))
        while len(self._window) > 2 and now - self._window[1][0] > _WINDOW_S:
            self._window.popleft()
        since, before = self._window[0]
        return (done - before) / (now - since) if done > before and now > since else None

    def _clear(self) -> None:
        """Remove the counts of tasks, also those of an attempt that was killed."""
        try:
            store.remove(list(store.names(self._plan.uri(COUNTS))))
        except StoreError as error:
            _log.warning("progress: %s", error)
