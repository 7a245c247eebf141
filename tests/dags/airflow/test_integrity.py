"""Every DAG imports, is wired as designed, and stays the same from parse to parse."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta

import jsonschema
import pytest
from airflow.sdk import Param
from airflow.serialization.encoders import encode_timetable
from airflow.serialization.serialized_objects import DagSerialization

from claylake import compatibility
from claylake.request import form
from claylake.vocabulary import STEPS
from tests.plugins.airflow_home import SQUARE

RETRIES = {
    "plan": 3, "gate": 3, "create_cluster": 3, "wait_ready": 2, "extract": 1, "gpus_up": 1, "embed": 1, "gpus_down": 2,
    "publish": 1, "maintain": 1, "terminate": 2, "receipt": 3, "verdict": 3,
}  # fmt: skip
LINE = [
    "plan", "gate", "create_cluster", "wait_ready", "extract", "gpus_up", "embed", "publish", "maintain", "terminate", "receipt",
]  # fmt: skip
MONTHLY = ["claylake__lisbon", "claylake_adhoc"]


def test_everything_imports(bag):
    assert bag.import_errors == {}
    assert set(bag.dags) == {*MONTHLY, "claylake_reaper"}


def test_nothing_warns(bag):
    assert not bag.captured_warnings


@pytest.fixture(params=MONTHLY)
def dag(request, bag):
    return bag.dags[request.param]


def test_tasks_stand_in_one_line(dag):
    assert set(dag.task_ids) == set(RETRIES)
    for before, after in itertools.pairwise(LINE):
        assert after in dag.get_task(before).downstream_task_ids
    extra = {
        ("create_cluster", "terminate"),
        ("wait_ready", "terminate"),
        ("gpus_up", "gpus_down"),
        ("embed", "gpus_down"),
        ("gpus_down", "terminate"),
    }
    for task in dag.tasks:
        others = (
            task.downstream_task_ids
            - {"verdict"}
            - set(LINE[LINE.index(task.task_id) + 1 :][:1] if task.task_id in LINE else ())
        )
        assert {(task.task_id, other) for other in others} <= extra


def test_cluster_tasks_are_setups_and_their_teardown_fails_the_run(dag):
    assert {task.task_id for task in dag.tasks if task.is_setup} == {"create_cluster", "wait_ready", "gpus_up"}
    teardowns = [task for task in dag.tasks if task.is_teardown]
    assert [task.task_id for task in teardowns] == ["gpus_down", "terminate", "receipt", "verdict"]
    assert all(task.on_failure_fail_dagrun for task in teardowns)
    terminate = dag.get_task("terminate")
    assert {"create_cluster", "wait_ready", "maintain", "gpus_down"} == terminate.upstream_task_ids
    assert dag.get_task("gpus_down").upstream_task_ids == {"gpus_up", "embed"}


@pytest.mark.parametrize("task_id", STEPS)
def test_clearing_a_step_brings_its_cluster_along(dag, task_id):
    needed = {task.task_id for task in dag.get_task(task_id).get_upstreams_only_setups_and_teardowns()}
    gpus = {"gpus_up", "gpus_down"} if task_id == "embed" else set()
    assert needed == {"create_cluster", "wait_ready", "terminate"} | gpus


def test_receipt_hangs_on_terminate_alone(dag):
    assert dag.get_task("receipt").upstream_task_ids == {"terminate"}


def test_verdict_alone_is_the_leaf_and_sees_all(dag):
    verdict = dag.get_task("verdict")
    assert [task.task_id for task in dag.leaves] == ["verdict"]
    assert verdict.upstream_task_ids == {*RETRIES} - {"verdict", "create_cluster", "wait_ready", "gpus_up"}


def test_gate_leaves_trigger_rules_alone(dag):
    assert dag.get_task("gate").ignore_downstream_trigger_rules is False


def test_every_task_has_timeout_retries_and_a_bounded_backoff(bag):
    for dag in bag.dags.values():
        for task in dag.tasks:
            assert timedelta(0) < task.execution_timeout <= timedelta(hours=2), task
            assert task.retries == RETRIES.get(task.task_id, 3), task
            assert task.retry_exponential_backoff == 2.0, task
            assert task.max_retry_delay <= timedelta(minutes=10), task
            assert task.on_failure_callback, task
            assert task.pool == "default_pool"


def test_no_template_reads_a_param(bag):
    for dag in bag.dags.values():
        for task in dag.tasks:
            values = [getattr(task, field, None) for field in task.template_fields]
            assert "{{" not in repr(values), task


def test_each_dag_describes_itself(bag):
    for dag in bag.dags.values():
        assert dag.description
        assert dag.doc_md
        assert "claylake" in dag.tags
        assert dag.max_active_runs == (16 if dag.dag_id == "claylake_adhoc" else 1)


def test_every_run_that_needs_a_cluster_may_wait_for_it_at_once(dag):
    """Airflow counts deferred tasks, too: with a limit, all but one would wait without a place in the queue."""
    assert dag.get_task("create_cluster").max_active_tis_per_dag is None
    assert dag.dagrun_timeout is None


def test_the_aoi_dag_catches_up_month_by_month_and_begins_paused(bag):
    dag = bag.dags["claylake__lisbon"]
    assert dag.catchup
    assert dag.is_paused_upon_creation
    assert dag.start_date.isoformat() == "2024-05-01T00:00:00+00:00"
    assert dag.timetable.settle_days == 7
    assert "2024-07" in dag.doc_md


def test_adhoc_has_no_schedule_and_insists_on_months(bag):
    dag = bag.dags["claylake_adhoc"]
    assert not dag.timetable.can_be_scheduled
    assert not dag.catchup


def test_the_reaper_runs_by_itself(bag):
    dag = bag.dags["claylake_reaper"]
    assert dag.is_paused_upon_creation is False
    assert not dag.catchup


@pytest.mark.parametrize(("dag_id", "specs"), [("claylake__lisbon", form.AOI_DAG), ("claylake_adhoc", form.ADHOC)])
def test_params_are_the_domains_with_valid_schemas_and_defaults(bag, dag_id, specs):
    params = bag.dags[dag_id].params
    assert list(params) == list(specs)
    for name, spec in specs.items():
        param = params.get_param(name)
        assert isinstance(param, Param)
        jsonschema.Draft202012Validator.check_schema(param.schema)
        assert param.schema["title"] == spec.title
        assert param.description == spec.description
        assert param.schema["section"]
        if not spec.required:
            param.resolve()


def test_dags_survive_serialisation(bag):
    for dag in bag.dags.values():
        stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
        DagSerialization.validate_schema(stored)
        again = DagSerialization.from_dict(stored)
        assert set(again.task_ids) == set(dag.task_ids)
        assert encode_timetable(again.timetable) == encode_timetable(dag.timetable)


def test_two_parses_give_the_same_dags(bag, parse):
    again = parse()
    for dag_id, dag in bag.dags.items():
        assert DagSerialization.to_dict(again.dags[dag_id]) == DagSerialization.to_dict(dag)


def test_the_interval_timetable_of_a_stored_dag_gives_months(bag):
    dag = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags["claylake__lisbon"]))
    import pendulum

    infos = dag.iter_dagrun_infos_between(pendulum.datetime(2024, 1, 1), pendulum.datetime(2024, 8, 1))
    assert [info.data_interval.start.format("YYYY-MM") for info in infos][-2:] == ["2024-07", "2024-08"]


class TestBadAois:
    """One bad AOI file never takes another DAG down, and is always told."""

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("{", "not readable as JSON"),
            ("[]", "not GeoJSON"),
            ('{"type": "Point"}', "not GeoJSON"),
            ('{"type": "Feature", "properties": {"cluster": {"gpus": 2}}}', "cluster.gpus"),
            ('{"type": "Feature", "properties": {"schedule": {"start_month": "soon"}}}', "soon"),
        ],
    )
    def test_it_is_an_import_error_of_its_own(self, aois, parse, text, told):
        aois(good=json.dumps(SQUARE), bad=text)
        bag = parse()
        assert set(bag.dags) == {"claylake__good", "claylake_adhoc", "claylake_reaper"}
        [(file, error)] = bag.import_errors.items()
        assert file == "claylake_aoi_check.py"
        assert "AOI file bad.geojson" in error
        assert told in error

    def test_names_that_dags_cannot_have_are_told(self, aois, parse):
        aois(**{"Bad Name": json.dumps(SQUARE)})
        assert "Bad Name.geojson" in parse().import_errors["claylake_aoi_check.py"]

    def test_no_aoi_at_all_is_fine(self, aois, parse):
        aois()
        assert parse().import_errors == {}


class TestHandshake:
    """What does not fit is said at import, with what to do."""

    def test_older_plugins_are_refused(self, monkeypatch, parse):
        monkeypatch.setattr("claylake_airflow.VERSION", "0")
        errors = parse().import_errors
        assert set(errors) == {"claylake_monthly.py", "claylake_reaper.py", "claylake_aoi_check.py"}
        assert "plugins loaded are version 0" in errors["claylake_monthly.py"]

    def test_a_half_done_deployment_is_refused(self):
        with pytest.raises(
            compatibility.IncompatibleEnvironmentError, match=r"deployed\.json was written for plugins version 0"
        ):
            compatibility.check_versions(compatibility.PLUGINS_VERSION, "0")

    @pytest.mark.parametrize("deployed", [None, compatibility.PLUGINS_VERSION])
    def test_a_fitting_one_passes(self, deployed):
        compatibility.check_versions(compatibility.PLUGINS_VERSION, deployed)

    def test_missing_packages_are_named(self):
        with pytest.raises(
            compatibility.IncompatibleEnvironmentError,
            match=r"packages are missing: no_such_thing; .*requirements_install",
        ):
            compatibility.check_versions(compatibility.PLUGINS_VERSION, packages=["json", "no_such_thing"])
