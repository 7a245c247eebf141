"""How far a long loop is: done, total, rate and time left, every few seconds."""

from __future__ import annotations

import logging
import time

_log = logging.getLogger(__name__)


class Progress:
    """Counts what is done and logs it.

    Args:
        what: plural noun, e.g. ``chips``.
        total: how many there will be.
        every_s: seconds between two lines at least.
    """

    def __init__(self, what: str, total: int, every_s: float = 5.0) -> None:
        self._what = what
        self._total = total
        self._every_s = every_s
        self._done = 0
        self._start = self._logged = time.monotonic()

    def add(self, number: int) -> None:
        """Count `number` more."""
        self._done += number
        now = time.monotonic()
        if now - self._logged < self._every_s and self._done < self._total:
            return
        self._logged = now
        rate = self._done / max(now - self._start, 1e-9)
        left = (self._total - self._done) / rate if rate else float("inf")
        _log.info("%s: %d of %d, %.1f/s, %.0f s left", self._what, self._done, self._total, rate, left)
