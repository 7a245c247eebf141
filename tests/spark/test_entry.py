"""What every step does around its work."""

from __future__ import annotations

import pytest

from spark.jobs import entry
from tests.spark.conftest import LAKE
from tests.spark.lake.rows import PlanMaker


@pytest.fixture
def plan(stack):
    return PlanMaker(lake=LAKE, database="entry")()


@pytest.fixture
def sessions(monkeypatch):
    """Sessions asked for, as (name, warehouse, with Sedona), and what became of each."""
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


@pytest.mark.parametrize("argv", [[], ["--pl", "x"], ["--plan"], ["--plan", "x", "y"]])
def test_another_command_line_starts_nothing(argv, sessions, capsys):
    with pytest.raises(SystemExit, match="2"):
        entry.run_step("embed", print, argv)
    assert "usage: embed" in capsys.readouterr().err
    assert sessions == []
