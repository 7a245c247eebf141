"""How far a step is: a bar where there is a terminal, a line now and then where there is none."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bars

from claylake.catalogue import search
from claylake.errors import StoreError
from claylake.run.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from claylake.plan import Plan

_LOOK_S: Final = 0.5
_LINE_S: Final = 10.0
"""Between two lines where there is no terminal."""


@contextmanager
def followed(console: Console, label: str, step: str, plan: Plan | None) -> Iterator[None]:
    """While a stage runs, say how far it is.

    Args:
        console: of what is said to people.
        label: that lines begin with.
        step: whose progress is followed.
        plan: whose run folder has it; None before there is one: then the search says how far it is.
    """
    shown = _Bar(console, label) if console.is_terminal else _Lines(console, label)
    with shown, _searching(shown) if plan is None else _stepping(shown, step, plan):
        yield


@contextmanager
def _searching(shown: _Bar | _Lines) -> Iterator[None]:
    """What the search logs of its pages."""
    logger, pages = logging.getLogger(search.__name__), _Pages(shown)
    logger.addHandler(pages)
    try:
        yield
    finally:
        logger.removeHandler(pages)


class _Pages(logging.Handler):
    def __init__(self, shown: _Bar | _Lines) -> None:
        super().__init__(logging.INFO)
        self._shown = shown

    def emit(self, record: logging.LogRecord) -> None:
        """Show it."""
        self._shown.show(record.getMessage())


@contextmanager
def _stepping(shown: _Bar | _Lines, step: str, plan: Plan) -> Iterator[None]:
    """What the step writes to the run folder."""
    ended = Event()
    watcher = Thread(target=_watch, args=(shown, step, plan, ended), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _watch(shown: _Bar | _Lines, step: str, plan: Plan, ended: Event) -> None:
    while not ended.wait(_LOOK_S):
        try:
            now = Progress.load(plan)
        except StoreError:
            # It was being replaced, or the lake's folder is going away: the step itself says what is wrong.
            continue
        # An earlier step has left its own.
        if now is not None and now.step == step:
            # A bar without a total moves to and fro, also where nothing is counted.
            shown.show(now.text, now.done, now.total if now.unit else None)


class _Bar(Bars):
    """A bar that is gone when the stage ends."""

    def __init__(self, console: Console, label: str) -> None:
        super().__init__(
            SpinnerColumn(),
            TextColumn("[bold]{task.description}[/bold]"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[text]}"),
            console=console,
            transient=True,
        )
        self._task = self.add_task(escape(label), total=None, text="")

    def show(self, text: str, done: int = 0, total: int | None = None) -> None:
        """Draw it anew."""
        self.update(self._task, completed=done, total=total, text=escape(text))


class _Lines:
    """Plain lines, not more than one in `_LINE_S` seconds, and none of what is quicker than that."""

    def __init__(self, console: Console, label: str) -> None:
        self._console, self._label = console, label
        self._last = time.monotonic()
        self._said = ""

    def __enter__(self) -> None:
        """Nothing is drawn."""

    def __exit__(self, *_: object) -> None:
        """Nothing is left."""

    def show(self, text: str, *_: int | None) -> None:
        """Say it, if it is new and the last line is old enough."""
        if text == self._said or time.monotonic() - self._last < _LINE_S:
            return
        self._last, self._said = time.monotonic(), text
        self._console.print(f"{self._label}{escape(text)}")
