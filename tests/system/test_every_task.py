"""Every task of a run cleared in turn, and made to fail in turn. Long: `make test-matrix`."""

from __future__ import annotations

import time

import pytest

from tests.shared.waiting import until
from tests.system.conftest import MONTHS
from tests.system.runs import Runs

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(3600)]

DAG = "claylake__tiny"
BEFORE_PUBLISHING = ("plan", "gate", "create_cluster", "wait_ready", "extract", "gpus_up", "embed", "publish")
CONF = {"month": MONTHS[0], "layout": "split"}
"""Of the layouts, the one in which every task has something to do."""
FAULTS = {
    "plan": {"reject_call": "GetTable", "times": 50, "code": "AccessDeniedException"},
    "create_cluster": {"reject_call": "RunJobFlow", "times": 4},
    "wait_ready": {"fail_bootstrap": "", "times": 1},
    "extract": {"fail_step": "extract", "times": 2},
    "gpus_up": {"suspend_fleet": "gpus"},
    "embed": {"kill_step": "embed", "times": 2, "after_s": 5},
    "gpus_down": {"reject_call": "ModifyInstanceFleet", "times": 3},
    "publish": {"fail_step_after": "publish", "times": 2},
    "maintain": {"fail_step": "maintain", "times": 2},
    "terminate": {"reject_call": "TerminateJobFlows", "times": 3},
    "receipt": {"reject_call": "ListSteps", "times": 50, "code": "AccessDeniedException"},
}
STRIKES_AFTER = {"receipt": "maintain"}
"""Faults in calls that earlier tasks make too: armed when this task is done."""


@pytest.fixture(scope="module")
def runs(airflow):
    return Runs(airflow, DAG)


@pytest.fixture(scope="module")
def whole(runs, lake):
    """A finished run, and what it left."""
    run_id, state = runs.run(**CONF)
    assert state == "success", runs.tasks(run_id)
    return run_id, lake.content()


@pytest.mark.parametrize(
    "task",
    [*BEFORE_PUBLISHING, "gpus_down", "maintain", "terminate", "receipt", "verdict"],
)
def test_a_cleared_task_ends_green_with_the_same_tables(runs, lake, whole, task):
    run_id, content = whole
    runs.clear(run_id, task)
    time.sleep(1)
    assert runs.wait(run_id) == "success", runs.tasks(run_id)
    assert lake.content() == content
    assert lake.alive() == []
    assert lake.branches() == set()


@pytest.mark.parametrize("task", FAULTS)
def test_a_failed_task_turns_the_run_red_and_the_next_completes_it(airflow, runs, lake, stack, whole, task):
    _, content = whole
    lake.empty()
    snapshots = lake.snapshots()
    if task not in STRIKES_AFTER:
        stack.fault(**FAULTS[task])
    run_id = runs.trigger(**CONF)
    if task in STRIKES_AFTER:
        runs.wait_for_task(run_id, STRIKES_AFTER[task])
        stack.fault(**FAULTS[task])
    state = runs.wait(run_id)
    stack.clear_faults()
    assert state == "failed"
    assert runs.tasks(run_id)[task] == "failed"
    assert runs.tasks(run_id)["verdict"] == "failed"
    if task in BEFORE_PUBLISHING[:-1]:
        assert lake.snapshots() == snapshots
    if task == "terminate":
        assert Runs(airflow, "claylake_reaper").run()[1] == "success"
        until(lambda: not lake.alive(), state=lake.alive)  # the reaper calls EMR, and does not wait for it
    assert lake.alive() == []
    run_id, state = runs.run(**CONF)
    assert state == "success", runs.tasks(run_id)
    assert lake.content() == content
    assert lake.alive() == []
