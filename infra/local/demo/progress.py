"""Follows the log of `airflow dags test` and shows what a person wants to see of it."""

from __future__ import annotations

import re
import time
from collections import deque
from typing import TextIO

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_TASK_DONE = re.compile(r"\[DAG TEST\] end task task_id=(\w+)|Marking task as (SUCCESS|FAILED|SKIPPED).*task_id=(\w+)")
_RUN_STATE = re.compile(r"DagRun Finished|Marking run .*(successful|failed)")


class Progress:
    """Prints a line as each task ends; keeps the last lines for when something fails."""

    def __init__(self, screen: TextIO) -> None:
        self.run_state: str | None = None
        self._screen = screen
        self._tail: deque[str] = deque(maxlen=40)
        self._errors: deque[str] = deque(maxlen=30)
        self._since = time.monotonic()

    def read(self, line: str) -> None:
        """Take one line of the log."""
        text = _ANSI.sub("", line.rstrip())
        self._tail.append(text)
        if "error" in text.lower() or "exception" in text.lower():
            self._errors.append(text)
        done = _TASK_DONE.search(text)
        if done:
            self._task_ended(done[1] or done[3], done[2])
        state = _RUN_STATE.search(text)
        if state and state[1]:
            self.run_state = "failed" if state[1] == "failed" else "success"

    def failures(self) -> str:
        """The lines most likely to say what went wrong."""
        return "".join(f"   {line}\n" for line in (self._errors or self._tail))

    def _task_ended(self, task: str, state: str | None) -> None:
        now = time.monotonic()
        self._screen.write(f"   {task:<16} {(state or '').lower():<8} {now - self._since:6.1f} s\n")
        self._screen.flush()
        self._since = now
