"""Waiting in tests for what another process does: Airflow, or a cluster of the stand-in.

A limit ends what hangs. It is no measure of how long a thing may take: any may be starved for a while by other tests.
"""

from __future__ import annotations

import time

LIMIT_S = 300.0


def until(there, within_s=LIMIT_S, state=lambda: "", pause_s=0.5):
    """The first true answer of `there`; after so many seconds an error that says what `state` gives."""
    deadline = time.monotonic() + within_s
    while True:
        found = there()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s} s: {state()}"
        time.sleep(pause_s)


def until_one_of(get, wanted, within_s=LIMIT_S, pause_s=0.02):
    """The first answer of `get` that is among the wanted ones."""
    answers = []

    def there():
        answers[:] = [get()]
        return answers[0] in wanted

    until(there, within_s, lambda: f"{answers[0]!r}, not one of {wanted}", pause_s)
    return answers[0]
