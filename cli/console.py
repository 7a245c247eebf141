"""What a person sees: a line for each stage, live where there is a terminal, and a summary."""

from __future__ import annotations

import json
import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import rich.console
import rich.markup

from cli.showing import lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.status import Status

    from claylake.run.receipt import Receipt
    from cli.doctor import Finding
    from cli.showing import LakeFacts

_WATCHED: Final = ("spark.extraction.progress", "spark.embedding.run", "claylake.catalogue.search")
"""Modules whose log says how far a stage is."""
_WIDTH: Final = 10


@dataclass
class Stage:
    """A stage that is under way; `said` is how it ended."""

    said: str = ""

    def done(self, text: str) -> None:
        """Say how it ended."""
        self.said = text


class Console:
    """Writes stages to standard error, results to standard output.

    Colours and moving parts only on a terminal, and no colours under ``NO_COLOR``: rich decides.

    Attributes:
        as_json: results are one JSON document.
        verbose: the log is on the terminal, too.
    """

    def __init__(self, *, as_json: bool = False, verbose: bool = False) -> None:
        self.as_json, self.verbose = as_json, verbose
        self._errors = rich.console.Console(stderr=True, highlight=False, soft_wrap=True)
        self._out = rich.console.Console(highlight=False, soft_wrap=True)

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """A stage of a run: named while it runs, and a line with what it did and its seconds at the end."""
        stage, started = Stage(), time.monotonic()
        with self._errors.status(f"{name} ...") as status, _followed(name, status):
            yield stage
        seconds = f"{time.monotonic() - started:.1f} s"
        self._errors.print(f"[bold]{name:{_WIDTH}}[/bold]{rich.markup.escape(stage.said)} [dim]({seconds})[/dim]")

    def note(self, text: str) -> None:
        """A line beside the stages."""
        self._errors.print(f"{'':{_WIDTH}}[yellow]{rich.markup.escape(text)}[/yellow]")

    def error(self, text: str) -> None:
        """Why the command ends."""
        self._errors.print(f"[bold red]claylake: [/bold red]{rich.markup.escape(text)}")

    def text(self, text: str) -> None:
        """A result."""
        self._out.print(text, markup=False)

    def results(self, receipts: Sequence[Receipt]) -> None:
        """For programs: all months' receipts as one JSON document. People have had a summary of each."""
        if self.as_json:
            document = {"months": [receipt.model_dump(mode="json") for receipt in receipts]}
            self._out.print(json.dumps(document, indent=1), markup=False)

    def facts(self, facts: LakeFacts) -> None:
        """What is in a lake: for programs one JSON document, for people lines."""
        if self.as_json:
            self._out.print(facts.model_dump_json(indent=1), markup=False)
            return
        for name, text in lines(facts):
            self._out.print(f"[bold]{name:{_WIDTH + 4}}[/bold]{rich.markup.escape(text)}")

    def finding(self, finding: Finding) -> None:
        """A line of the doctor's."""
        colour = {"ok": "green", "note": "yellow", "missing": "red"}[finding.state]
        mark = f"[{colour}]{finding.state:{_WIDTH}}[/{colour}]"
        self._out.print(f"{mark}[bold]{finding.name:{_WIDTH + 2}}[/bold]{rich.markup.escape(finding.text)}")

    def summary(self, receipt: Receipt, lake_bytes: int) -> None:
        """For people: what became of a month's scenes and cells, times and sizes.

        Args:
            receipt: of the run.
            lake_bytes: size of the lake on disk.
        """
        if self.as_json:
            return
        for name, value in _rows(receipt, lake_bytes):
            self._out.print(f"[dim]{name:{_WIDTH}}[/dim]{rich.markup.escape(value)}")


def _rows(receipt: Receipt, lake_bytes: int) -> Iterator[tuple[str, str]]:
    yield "month", f"{receipt.aoi} {receipt.period}: {receipt.outcome}"
    left = {
        "too cloudy": receipt.too_cloudy,
        "of another month": receipt.other_month,
        "outside the dates": receipt.other_date,
        "done before": receipt.settled,
        "unusable": sum(receipt.unusable.values()),
    }
    yield "scenes", _counted(receipt.scenes_found, "found", receipt.scenes, "read", left)
    if receipt.candidates:
        lost = receipt.rejected | {f"failed {reason}": count for reason, count in receipt.failed.items()}
        yield "looks", _counted(receipt.candidates, "of a cell in a pass", receipt.chips, "became chips", lost)
    if receipt.month_chips is not None:
        yield (
            "published",
            f"{receipt.month_chips:,} chips, {receipt.month_vectors:,} vectors of {receipt.model_version}",
        )
    spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in receipt.stage_seconds.items())
    if spent:
        yield "time", spent
    yield "lake", f"{lake_bytes / 1e6:,.1f} MB on disk"
    if receipt.report:
        yield "report", receipt.report
    for warning in (*receipt.warnings, *receipt.remarks):
        yield "note", warning


def _counted(whole: int, of: str, kept: int, what: str, lost: dict[str, int]) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in lost.items() if count)
    return f"{whole:,} {of}, {kept:,} {what}" + (f" ({reasons})" if reasons else "")


@contextmanager
def _followed(name: str, status: Status) -> Iterator[None]:
    """While a stage runs, its own words on how far it is stand beside its name."""
    watcher = _StatusHandler(name, status)
    loggers = [logging.getLogger(watched) for watched in _WATCHED]
    for logger in loggers:
        logger.addHandler(watcher)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(watcher)


class _StatusHandler(logging.Handler):
    def __init__(self, name: str, status: Status) -> None:
        super().__init__(logging.INFO)
        self._stage, self._status = name, status

    def emit(self, record: logging.LogRecord) -> None:
        """Show the record beside the stage's name."""
        self._status.update(f"{self._stage} ... {rich.markup.escape(record.getMessage())}")
