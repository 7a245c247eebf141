"""What every step does around its work."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest

from claylake.errors import StoreError
from claylake.run.failure import StepFailure
from claylake.vocabulary import STEPS
from spark.embedding.run import embed
from spark.extraction.run import extract
from spark.jobs import entry
from spark.lake.errors import AuditError, PublishRaceError, TooManyFailuresError
from spark.publishing.maintain import maintain
from spark.publishing.run import publish_run
from tests.spark.conftest import LAKE
from tests.spark.lake.rows import PlanMaker


@pytest.fixture
def plan(stack):
    return PlanMaker(lake=LAKE, database="entry")()


@pytest.fixture
def sessions(monkeypatch):
    """Sessions that were requested, as (name, warehouse, with Sedona), and what became of each."""
    made = []

    class Session:
        def stop(self):
            made.append("stopped")

    def session(app, warehouse, *, sedona):
        made.append((app, warehouse, sedona))
        return Session()

    monkeypatch.setattr(entry, "session", session)
    unwatched(monkeypatch)
    return made


def unwatched(monkeypatch):
    """Sessions that are none show no signs."""
    monkeypatch.setattr(entry.Watchdog, "of", lambda *_: nullcontext())


def test_work_gets_the_plan_and_a_session_that_ends_with_it(plan, sessions):
    given = []
    entry.run_step(
        "extract", lambda spark, found: given.append((spark, found)), ["--plan", plan.uri("plan.json")], sedona=True
    )
    ((_, found),) = given
    assert found == plan
    assert sessions == [(f"claylake extract {plan.run.run_id}", plan.warehouse, True), "stopped"]


def test_a_session_ends_where_the_work_fails_too(plan, sessions):
    def broken(spark, found):
        raise ValueError("no chips")

    with pytest.raises(ValueError, match="no chips"):
        entry.run_step("embed", broken, ["--plan", plan.uri("plan.json")])
    assert sessions[1:] == ["stopped"]


def test_a_session_that_cannot_be_stopped_hides_no_error_of_the_work(plan, monkeypatch, caplog):
    class Dead:
        def stop(self):
            raise ConnectionRefusedError("the JVM has ended")

    def broken(spark, found):
        raise ValueError("no chips")

    monkeypatch.setattr(entry, "session", lambda *_, **__: Dead())
    unwatched(monkeypatch)
    with caplog.at_level(logging.ERROR), pytest.raises(ValueError, match="no chips"):
        entry.run_step("embed", broken, ["--plan", plan.uri("plan.json")])
    (record,) = caplog.records
    assert "could not be stopped" in record.message
    assert "the JVM has ended" in str(record.exc_info[1])
    with pytest.raises(ConnectionRefusedError):
        entry.run_step("embed", lambda *_: None, ["--plan", plan.uri("plan.json")])


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        (AuditError("b", {"keys": 3}, "Keep it."), True),
        (TooManyFailuresError(1, 2, 0.02, "cloud"), True),
        (PublishRaceError("chips", 5, {}), False),
        (StoreError("no answer\nfrom S3"), False),
        (KeyError("x"), False),
    ],
)
def test_why_it_failed_is_left_in_the_run_folder(plan, sessions, error, is_final):
    """An audit that cannot pass is not to be tried again; what a server or a node has lost may be."""
    before = datetime.now(UTC)

    def broken(spark, found):
        raise error

    with pytest.raises(type(error)):
        entry.run_step("publish", broken, ["--plan", plan.uri("plan.json")])
    failure = StepFailure.load(plan, "publish", before)
    assert failure.is_final is is_final
    assert failure.message == f"{type(error).__name__}: {str(error).splitlines()[0]}"
    assert StepFailure.load(plan, "embed", before) is None
    assert StepFailure.load(plan, "publish", datetime.now(UTC) + timedelta(seconds=1)) is None


WORK = {"extract": extract, "embed": embed, "publish": publish_run, "maintain": maintain}


@pytest.mark.parametrize("step", STEPS)
def test_each_job_runs_the_work_of_its_step(step, monkeypatch):
    given = []
    job = import_module(f"spark.jobs.{step}")
    monkeypatch.setattr(job, "run_step", lambda *args, **kwargs: given.append((*args, kwargs)) or 3)
    assert job.main(["--plan", "x"]) == 3
    assert given == [(step, WORK[step], ["--plan", "x"], {"sedona": True} if step == "extract" else {})]


@pytest.mark.parametrize("argv", [[], ["--pl", "x"], ["--plan"], ["--plan", "x", "y"]])
def test_another_command_line_starts_nothing(argv, sessions, capsys):
    with pytest.raises(SystemExit, match="2"):
        entry.run_step("embed", print, argv)
    assert "usage: embed" in capsys.readouterr().err
    assert sessions == []
