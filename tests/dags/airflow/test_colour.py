"""A run is green if and only if its month is published whole, or there was nothing to do."""

from __future__ import annotations

import pytest

from claylake_airflow import operators
from claylake_airflow.operators.verdict import GO, fault

pytestmark = pytest.mark.slow

WORK = {
    "create_cluster": operators.CreateClusterOperator,
    "wait_ready": operators.WaitClusterReadyOperator,
    "extract": operators.StepOperator,
    "gpus_up": operators.GpusUpOperator,
    "embed": operators.StepOperator,
    "gpus_down": operators.GpusDownOperator,
    "publish": operators.PublishOperator,
    "maintain": operators.StepOperator,
    "terminate": operators.TerminateClusterOperator,
    "receipt": operators.ReceiptOperator,
}
STEPS = ["extract", "embed", "publish", "maintain"]
CLUSTER = ["create_cluster", "wait_ready"]
LINE = [*CLUSTER, "extract", "gpus_up", "embed", "gpus_down", "publish", "maintain"]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Airflow's tables, made once."""
    import warnings

    from airflow.utils.db import initdb

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Airflow's own migrations
        initdb()


@pytest.fixture
def play(database, parse, monkeypatch):
    """Run the DAG with every task replaced by one that does nothing, or fails; states by task, and the run's."""

    def run(*failing, go=True):
        def execute(self, context):
            if self.task_id in failing:
                raise RuntimeError(self.task_id)
            if self.task_id == "receipt":
                context["ti"].xcom_push(key="note", value=f"note of {context['run_id']}")

        for kind in set(WORK.values()):
            monkeypatch.setattr(kind, "execute", execute)
        dag = parse().dags["claylake__lisbon"]

        def plan(**_):
            if "plan" in failing:
                raise RuntimeError("plan")
            return "s3://nowhere/plan.json"

        def gate(**context):
            if "gate" in failing:
                raise RuntimeError("gate")
            context["ti"].xcom_push(key=GO, value=go)
            return go

        dag.get_task("plan").python_callable = plan
        dag.get_task("gate").python_callable = gate
        for task in dag.tasks:
            task.retries = 0
        with monkeypatch.context() as patch:
            patch.setattr("time.sleep", lambda _: None)
            done = dag.test()
        states = {ti.task_id: str(ti.state) for ti in done.get_task_instances()}
        return str(done.state), states, done

    return run


def where(states, state):
    return [task_id for task_id in ("plan", "gate", *WORK, "verdict") if states[task_id] == state]


def test_all_well_is_green(play):
    run, states, _ = play()
    assert run == "success"
    assert set(states.values()) == {"success"}


def test_nothing_to_do_is_green_without_a_cluster_and_with_a_receipt(play):
    run, states, _ = play(go=False)
    assert run == "success"
    assert where(states, "skipped") == [*LINE, "terminate"]
    assert where(states, "success") == ["plan", "gate", "receipt", "verdict"]


@pytest.mark.parametrize("task_id", ["plan", "gate"])
def test_a_failed_beginning_is_red_without_a_cluster_and_with_a_receipt(play, task_id):
    run, states, _ = play(task_id)
    assert run == "failed"
    assert where(states, "failed") == [task_id, "verdict"]
    assert states["create_cluster"] == "upstream_failed"
    assert states["terminate"] != "success"
    assert (states["receipt"], states["verdict"]) == ("success", "failed")


@pytest.mark.parametrize("task_id", ["wait_ready", "gpus_up", *STEPS])
def test_failed_work_is_red_and_the_cluster_still_ends(play, task_id):
    run, states, _ = play(task_id)
    assert run == "failed"
    assert where(states, "failed") == [task_id, "verdict"]
    assert (states["terminate"], states["receipt"], states["verdict"]) == ("success", "success", "failed")
    # Nodes leave where they have come, whatever became of the work.
    assert states["gpus_down"] == ("success" if states["gpus_up"] == "success" else "upstream_failed")


def test_nodes_that_do_not_leave_turn_the_run_red_and_the_cluster_ends(play):
    run, states, _ = play("gpus_down")
    assert run == "failed"
    assert where(states, "failed") == ["gpus_down", "verdict"]
    assert (states["publish"], states["maintain"], states["terminate"]) == ("success", "success", "success")


def test_a_cluster_that_was_never_made_needs_no_end(play):
    run, states, _ = play("create_cluster")
    assert run == "failed"
    assert states["terminate"] == "upstream_failed"
    assert states["receipt"] == "success"


def test_a_failed_teardown_is_red_though_the_work_is_done(play):
    run, states, _ = play("terminate")
    assert run == "failed"
    assert where(states, "failed") == ["terminate", "verdict"]
    assert (states["publish"], states["receipt"], states["verdict"]) == ("success", "success", "failed")


@pytest.mark.parametrize("go", [True, False], ids=["work", "nothing to do"])
def test_a_failed_receipt_is_red(play, go):
    run, states, _ = play("receipt", go=go)
    assert run == "failed"
    assert states["verdict"] == "failed"


def test_the_receipts_note_is_put_on_the_run(play):
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    _, _, done = play("extract")
    with create_session() as session:
        assert session.get(DagRun, done.id).note == f"claylake receipt\nnote of {done.run_id}"


GREEN = dict.fromkeys(["plan", "gate", *WORK], "success")
STOPPED = {**GREEN, **dict.fromkeys([*LINE, "terminate"], "skipped")}


@pytest.mark.parametrize(
    ("states", "go", "told"),
    [
        (GREEN, True, ""),
        (STOPPED, False, ""),
        # Marked failed by a user: while nothing ran, during the work, after publishing.
        (STOPPED, None, "create_cluster is skipped"),
        ({**STOPPED, "plan": "failed", "gate": "skipped"}, None, "plan is failed"),
        ({**GREEN, "embed": "failed", "publish": "skipped", "maintain": "skipped"}, True, "embed is failed"),
        ({**GREEN, "maintain": "skipped"}, True, "maintain is skipped"),
        ({**STOPPED, "receipt": "failed"}, False, "receipt is failed"),
        ({**STOPPED, "terminate": "failed"}, False, "terminate is failed"),
        ({}, False, "gate is not run"),
    ],
)
def test_the_verdict_on_every_kind_of_run(states, go, told):
    found = fault(states, go=go)
    assert found.startswith(told)
    assert bool(found) is bool(told)
