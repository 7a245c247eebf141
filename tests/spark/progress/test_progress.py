"""How far a step is: counts of tasks as the driver sees them, and what is written of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claylake.run.progress import PROGRESS, Progress
from spark.progress import Counter, Counts, Reporter

NOW = datetime(2024, 7, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Folder:
    """As much of a plan as progress needs."""

    folder: str

    def uri(self, name):
        return f"{self.folder}/{name}"


@pytest.fixture
def plan(tmp_path):
    return Folder(str(tmp_path / "run"))


def counts(plan, every_s=0.0, **kept):
    return Counts(folder=plan.uri("progress"), every_s=every_s, **kept)


attempts = st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=4), min_size=1, max_size=3)


@given(st.lists(attempts, min_size=1, max_size=4))
def test_tasks_add_up_each_by_its_attempt_that_got_farthest(tmp_path_factory, tasks):
    of_stage = counts(Folder(str(tmp_path_factory.mktemp("run"))), stage=2, job="a")
    for number, tried in enumerate(tasks):
        for added in tried:
            with Counter(of_stage, number) as counter:
                for units in added:
                    counter.add(units, 10 * units)
    expected = sum(max(map(sum, tried)) for tried in tasks)
    assert of_stage.added_up() == (expected, 10 * expected)


def test_jobs_of_a_stage_add_up_and_other_stages_do_not(plan):
    of_stage = counts(plan, stage=1)
    for _ in range(2):
        with of_stage.of_job().of_task() as counter:
            counter.add(3)
    assert of_stage.added_up() == (6, 0)
    assert counts(plan, stage=2).added_up() == (0, 0)
    assert counts(plan, stage=11).added_up() == (0, 0)


def test_a_task_writes_not_more_often_than_it_may_but_always_at_its_end(plan):
    of_stage = counts(plan, every_s=3600.0)
    with of_stage.of_task() as counter:
        counter.add(7)
        assert of_stage.added_up() == (0, 0)
    assert of_stage.added_up() == (7, 0)


def test_counts_are_read_while_they_are_replaced(plan):
    """Files come and go while the folder is listed."""
    of_stage, ended = counts(plan), threading.Event()

    def count():
        with of_stage.of_task() as counter:
            while not ended.is_set():
                counter.add(1)

    with ThreadPoolExecutor(1) as pool:
        counting = pool.submit(count)
        try:
            seen = set()
            while len(seen) < 50 and not counting.done():
                # Between two names of one count there may be none.
                seen.add(of_stage.added_up()[0])
        finally:
            ended.set()
        counting.result()
    assert of_stage.added_up()[0] >= max(seen) > 0


def test_the_reporter_writes_counts_of_tasks_and_forgets_those_of_a_killed_attempt(plan):
    with counts(plan, stage=1, job="killed").of_task() as counter:
        counter.add(99)
    with Reporter(plan, "extract", every_s=0.01) as reporter:
        of_stage = reporter.stage("read chips", "chips", 10)
        with of_stage.of_job().of_task() as counter:
            counter.add(4, 2_000_000)
        seen = reached(plan, lambda now: now.done == 4)
        assert (seen.step, seen.stage, seen.total, seen.downloaded) == ("extract", "read chips", 10, 2_000_000)
        assert seen.seconds_left > 0
        reporter.stage("write observations")
        seen = Progress.load(plan)
        assert (seen.stage, seen.text, seen.seconds_left) == ("write observations", "write observations", None)
    assert list(Path(plan.uri("progress")).iterdir()) == []


def test_what_is_unchanged_is_not_written_again(plan):
    with Reporter(plan, "embed", every_s=3600.0) as reporter:
        reporter.stage("embed", "chips", 10)
        Path(plan.uri(PROGRESS)).unlink()
        reporter._update()
        assert Progress.load(plan) is None


def test_a_folder_that_cannot_be_written_to_does_not_end_the_step(plan, caplog):
    Path(plan.folder).write_text("not a folder")
    with Reporter(plan, "extract", every_s=0.01) as reporter, reporter.stage("read chips", "chips", 1).of_task() as one:
        one.add(1)
    assert "cannot write" in caplog.text


def test_an_error_of_the_step_comes_out_and_the_last_progress_stays(plan):
    def step():
        with Reporter(plan, "extract", every_s=3600.0) as reporter:
            with reporter.stage("read chips", "chips", 5).of_task() as counter:
                counter.add(2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        step()
    assert (Progress.load(plan).done, Progress.load(plan).total) == (2, 5)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"unit": "chips", "done": 1200, "total": 4800, "per_second": 4.0, "downloaded": 36_500_000},
         "read: 1,200 of 4,800 chips, 4.0/s, 36.5 MB, 900 s left"),
        ({"unit": "chips", "done": 3, "total": None, "per_second": 1.5}, "read: 3 chips, 1.5/s"),
        ({"unit": "chips", "done": 0, "total": 5}, "read: 0 of 5 chips"),
        ({"unit": "chips", "done": 7, "total": 5, "per_second": 1.0}, "read: 7 of 5 chips, 1.0/s"),
        ({}, "read"),
    ],
)  # fmt: skip
def test_the_line_for_people(values, text):
    assert Progress(step="extract", stage="read", began=NOW, written=NOW, **values).text == text


def test_progress_of_another_version_is_none(plan):
    Path(plan.folder).mkdir()
    Path(plan.uri(PROGRESS)).write_text('{"percent": 5}')
    assert Progress.load(plan) is None


def reached(plan, holds):
    """The progress that the reporter's thread writes once `holds` is true of it; pytest's time limit ends the wait."""
    while True:
        now = Progress.load(plan)
        if now is not None and holds(now):
            return now
