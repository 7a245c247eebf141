"""What people see while a step runs, on a terminal and without one."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from claylake.run.progress import Progress
from cli import bars
from cli.bars import followed
from tests.spark.progress.test_progress import NOW, Folder


class Watched(io.StringIO):
    """A console's file."""

    def until(self, text):
        while text not in self.getvalue():
            time.sleep(0.01)


@pytest.fixture
def plan(tmp_path):
    return Folder(str(tmp_path / "run"))


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(bars, "_LOOK_S", 0.01)
    monkeypatch.setattr(bars, "_LINE_S", 0.0)


def progress(step, done):
    return Progress(step=step, stage="read chips", unit="chips", done=done, total=8, began=NOW, written=NOW)


def test_without_a_terminal_there_are_plain_lines_of_this_step_alone(plan):
    progress("extract", 8).save(plan)
    out = Watched()
    with followed(Console(file=out), "embed     ", "embed", plan):
        progress("embed", 2).save(plan)
        out.until("2 of 8")
        progress("embed", 5).save(plan)
        out.until("5 of 8")
    assert out.getvalue().splitlines() == ["embed     read chips: 2 of 8 chips", "embed     read chips: 5 of 8 chips"]


def test_on_a_terminal_a_bar_is_drawn_and_gone_at_the_end(plan):
    out = Watched()
    with followed(Console(file=out, force_terminal=True, width=100), "embed", "embed", plan):
        progress("embed", 4).save(plan)
        out.until("4 of 8")
    assert "━" in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K"), "the line is erased"


def test_errors_of_the_step_come_out(plan):
    with pytest.raises(ZeroDivisionError), followed(Console(file=Watched()), "embed", "embed", plan):
        raise ZeroDivisionError


def test_pages_of_a_search_are_shown():
    out = Watched()
    with followed(Console(file=out), "plan      ", "plan", None):
        bars.search.log.warning("catalogue page %s: %s items so far", 2, 500)
    assert out.getvalue() == "plan      catalogue page 2: 500 items so far\n"
