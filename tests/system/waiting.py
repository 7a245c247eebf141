"""Waiting for a real Airflow, which shares its machine with the other tests."""

from __future__ import annotations

import time

PAUSE_S = 0.5


def until(there, within_s=300, report=lambda: ""):
    """The first true answer of `there`; after so many seconds an error with the text of `report`.

    The limit ends what hangs. It is no measure of how long a thing may take: any may be starved for a while.
    """
    deadline = time.monotonic() + within_s
    while True:
        found = there()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s} s: {report()}"
        time.sleep(PAUSE_S)
