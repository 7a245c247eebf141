"""The record of a branch: when it was opened, and which run folders worked on it since it was created."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from claylake import store
from spark.lake import opened
from tests.spark.lake.rows import PlanMaker

if TYPE_CHECKING:
    from claylake.plan import Plan

pytestmark = pytest.mark.slow

NOW = datetime(2024, 9, 1, tzinfo=UTC)


@pytest.fixture
def plans(make_plan: PlanMaker) -> list[Plan]:
    """Two runs of the same work, and one of another."""
    return [make_plan(run_id="manual__1"), make_plan(run_id="manual__2"), make_plan("other", run_id="manual__3")]


def record_of(plan: Plan) -> str:
    return f"{plan.deployed.lake}/runs/branches/{plan.database}/{plan.branch}.json"


def test_runs_that_open_their_branch_are_remembered(plans: list[Plan]) -> None:
    first, second, other = plans
    assert first.branch == second.branch
    assert opened.folders(first) == (first.folder,)
    opened.record(first, first.branch, NOW)
    opened.record(second, second.branch, NOW + timedelta(days=1))
    opened.record(first, first.branch, NOW + timedelta(days=2))
    assert json.loads(store.read(record_of(first)))["folders"] == [first.folder, second.folder]
    assert opened.folders(first) == (second.folder, first.folder), "this run's last"
    assert opened.folders(second) == (first.folder, second.folder)
    assert opened.last_opened(other, first.branch, NOW) == NOW + timedelta(days=2)
    opened.record(second, second.branch, NOW, anew=True)
    assert opened.folders(second) == (second.folder,)


def test_maintenance_of_another_run_did_not_work_on_the_branch(plans: list[Plan]) -> None:
    first, _, other = plans
    assert opened.last_opened(other, first.branch, NOW) == NOW
    assert opened.folders(first) == (first.folder,)
    assert opened.last_opened(other, first.branch, NOW + timedelta(days=1)) == NOW


def test_a_record_without_folders_is_read(plans: list[Plan]) -> None:
    first, second, _ = plans
    document = {"branch": first.branch, "opened": NOW.isoformat(), "run": first.run.model_dump()}
    store.write(record_of(first), json.dumps(document).encode())
    assert opened.last_opened(first, first.branch, NOW + timedelta(days=9)) == NOW
    assert opened.folders(second) == (second.folder,)
    opened.record(second, second.branch, NOW)
    assert opened.folders(first) == (second.folder, first.folder)
