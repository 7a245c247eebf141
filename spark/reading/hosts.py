"""Hosts that serve files: how many requests each is sent side by side, and how long all wait while it is unwell.

What a host does to one request holds for the next: pauses and the number of requests side by side belong to the host,
and all threads of a process share them.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock
from urllib.parse import urlsplit

_log = logging.getLogger(__name__)
WIDEST = 16
"""Requests side by side of a host that answers well: a scene's eleven files, and some more."""
PATIENCE_S, PATIENCE_WITH_BUSY_S = 150.0, 900.0
"""A host that gives nothing but failures for so long is given up, until it answers again; one that says that it is busy
is alive, so it is waited for longer."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
_WIDER_AFTER = 8
"""Answers in a row after which one request more is sent side by side."""


class Clock:
    """Seconds since some moment. Tests have one that stands still while nothing sleeps."""

    def now(self) -> float:
        """The time."""
        return time.monotonic()

    def sleep_until(self, moment: float) -> None:
        """Wait."""
        time.sleep(max(0.0, moment - self.now()))


clock = Clock()


class Host:
    """One host, as this process finds it.

    Args:
        name: for the log.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = Condition()
        self._width = WIDEST
        self._sent = 0
        self._well = 0
        self._failures = 0
        self._failing_since = self._failed_last = -math.inf
        self._closed_until = 0.0

    @property
    def width(self) -> int:
        """Requests that may be side by side now."""
        return self._width

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for the end of a pause and until there are few enough requests; inside it is one of them."""
        with self._changed:
            self._changed.wait_for(lambda: self._sent < self._width)
            self._sent += 1
        try:
            while self._closed_until > clock.now():
                clock.sleep_until(self._closed_until)
            yield
        finally:
            with self._changed:
                self._sent -= 1
                self._changed.notify_all()

    def answered(self) -> None:
        """A request went well."""
        with self._changed:
            self._failed_last, self._failures = -math.inf, 0
            self._well += 1
            if self._well % _WIDER_AFTER == 0 and self._width < WIDEST:
                self._width += 1
                self._changed.notify_all()

    def failed(self, why: str, *, busy: bool = False, retry_after_s: float | None = None) -> bool:
        """A request went wrong, through the host or the way to it: whether to try again, after a pause for all.

        Args:
            why: for the log.
            busy: the host answers that it cannot serve now.
            retry_after_s: how long the host wants to be left alone, seconds.
        """
        now = clock.now()
        with self._changed:
            if now - self._failed_last > PATIENCE_S:
                self._failing_since = now
            self._failed_last = now
            if now - self._failing_since >= (PATIENCE_WITH_BUSY_S if busy else PATIENCE_S):
                return False
            if now >= self._closed_until:
                # Those that were side by side fail together: they count once.
                self._failures += 1
                self._width = max(1, self._width // 2)
                self._well = 0
                pause = min(_FIRST_PAUSE_S * 2 ** (self._failures - 1), _LONGEST_PAUSE_S)
                pause = min(max(pause, retry_after_s or 0.0), 2 * _LONGEST_PAUSE_S)
                self._closed_until = now + pause
                _log.warning("%s: %s; next request in %.0f s, %d side by side", self._name, why, pause, self._width)
            return True


_hosts: dict[str, Host] = {}
_lock = Lock()


def host_of(href: str) -> Host:
    """The host, or bucket, that serves an address."""
    parts = urlsplit(href)
    name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    with _lock:
        return _hosts.setdefault(name, Host(name))
