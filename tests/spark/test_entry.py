"""What every step does around its work."""

from __future__ import annotations

import logging
from importlib import import_module

import pytest

from claylake.vocabulary import STEPS
from spark.embedding.run import embed
from spark.extraction.run import extract
from spark.jobs import entry
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
    return made


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
    with caplog.at_level(logging.ERROR), pytest.raises(ValueError, match="no chips"):
        entry.run_step("embed", broken, ["--plan", plan.uri("plan.json")])
    (record,) = caplog.records
    assert "could not be stopped" in record.message
    assert "the JVM has ended" in str(record.exc_info[1])
    with pytest.raises(ConnectionRefusedError):
        entry.run_step("embed", lambda *_: None, ["--plan", plan.uri("plan.json")])


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
