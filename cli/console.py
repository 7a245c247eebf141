"""What a person sees: a line for each stage, live where there is a terminal, and a summary."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import rich.console
import rich.markup

from cli.bars import followed
from cli.changing import lines as changed
from cli.showing import lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claylake.plan import Plan
    from claylake.run.receipt import Receipt
    from cli.changing import Changes
    from cli.doctor import Finding
    from cli.lake import LakeFolder
    from cli.showing import LakeFacts

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
    def stage(self, name: str, plan: Plan | None = None) -> Iterator[Stage]:
        """A stage of a run: how far it is while it runs, and a line with what it did and its seconds at the end.

        Args:
            name: of the stage; of a step, where there is a plan.
            plan: whose run folder says how far the step is.
        """
        stage, started = Stage(), time.monotonic()
        with followed(self._errors, f"{name:{_WIDTH}}", name, plan):
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

    def changes(self, changes: Changes) -> None:
        """The strongest changes of a month: for programs one JSON document, for people lines."""
        if self.as_json:
            self._out.print(changes.model_dump_json(indent=1), markup=False)
            return
        for name, text in changed(changes):
            self._out.print(f"[bold]{name:{_WIDTH}}[/bold]{rich.markup.escape(text)}")

    def finding(self, finding: Finding) -> None:
        """A line of the doctor's."""
        colour = {"ok": "green", "note": "yellow", "missing": "red"}[finding.state]
        mark = f"[{colour}]{finding.state:{_WIDTH}}[/{colour}]"
        self._out.print(f"{mark}[bold]{finding.name:{_WIDTH + 2}}[/bold]{rich.markup.escape(finding.text)}")

    def summary(self, receipt: Receipt, lake: LakeFolder) -> None:
        """For people: what became of a month's scenes and cells, times and sizes, and what to try next.

        Args:
            receipt: of the run.
            lake: where it went.
        """
        if self.as_json:
            return
        for name, value in _rows(receipt, lake):
            self._out.print(f"[dim]{name:{_WIDTH}}[/dim]{rich.markup.escape(value)}")


def _rows(receipt: Receipt, lake: LakeFolder) -> Iterator[tuple[str, str]]:
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
    yield "lake", f"{lake.bytes() / 1e6:,.1f} MB on disk, {lake.path}"
    if receipt.report:
        yield "report", receipt.report
    if receipt.outcome in {"published", "nothing new"}:
        yield "next", f"claylake show --lake {lake.path}; claylake verify --lake {lake.path} --sample 20"
    for warning in (*receipt.warnings, *receipt.remarks):
        yield "note", warning


def _counted(whole: int, of: str, kept: int, what: str, lost: dict[str, int]) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in lost.items() if count)
    return f"{whole:,} {of}, {kept:,} {what}" + (f" ({reasons})" if reasons else "")
