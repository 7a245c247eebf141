"""A real scheduler and triggerer, without dags/ on their path: what users kill ends, costs nothing more, and is red."""

from __future__ import annotations

import json
import shutil
import zipfile

import pytest

from claylake.release import CODE, JARS
from claylake.vocabulary import ASSETS, STEPS
from tests.plugins.airflow_home import SQUARE
from tests.shared.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
DAG = "claylake_adhoc"
ITEM = {
    "type": "Feature",
    "stac_version": "1.0.0",
    "id": "S2A_29SMC_20240710_0_L2A",
    "collection": "sentinel-2-c1-l2a",
    "bbox": [-9.4, 38.5, -8.9, 39.0],
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[-9.4, 38.5], [-8.9, 38.5], [-8.9, 39.0], [-9.4, 39.0], [-9.4, 38.5]]],
    },
    "properties": {
        "datetime": "2024-07-10T11:30:00Z",
        "platform": "sentinel-2a",
        "proj:code": "EPSG:32629",
        "eo:cloud_cover": 5.0,
        "s2:datatake_id": "GS2A_20240710T112111_047273_N05.10",
        "grid:code": "MGRS-29SMC",
    },
    "assets": {key: {"href": f"https://example.com/{key}.tif"} for key in ASSETS},
    "links": [],
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """One scene, and jobs that never end."""
    root = tmp_path_factory.mktemp("world")
    artifacts = root / "artifacts"
    for folder in ("jars", "jobs", "model/demo-random"):
        (artifacts / folder).mkdir(parents=True)
    for name in (CODE, *(f"jars/{jar}" for jar in JARS)):
        with zipfile.ZipFile(artifacts / name, "w") as archive:
            archive.writestr("empty", "")
    for step in STEPS:
        (artifacts / f"jobs/{step}.py").write_text("import time; time.sleep(3600)")
    card = {"model_version": "demo-random+0", "conventions": ["tutorial"], "precisions": ["fp32"]}
    (artifacts / "model/demo-random/model.json").write_text(json.dumps(card))
    (root / "data").mkdir()
    (root / "data/item.json").write_text(json.dumps(ITEM))
    (root / "aois").mkdir()
    (root / "aois/lisbon.geojson").write_text(json.dumps(SQUARE))
    return root


@pytest.fixture(scope="module")
def live(world):
    """The stack, EMR's client, and Airflow's REST API."""
    import boto3

    from infra.local import client, standalone
    from infra.local.home import Home
    from infra.local.ports import free_port

    home = Home(state=world)
    # States last longer than a starved worker needs to leave a task that waits for them.
    arguments = ("--data", str(world / "data"), "--artifacts", str(world / "artifacts"), "--state-delay", "2")
    with client.running(world / "stack", *arguments) as info:
        extra = {"CLAYLAKE_AOIS": str(world / "aois"), "CLAYLAKE_POLL_SECONDS": "1"}
        env = {key: value for key, value in home.airflow_env(info, extra).items() if key != "CLAYLAKE_TEST_HOME"}
        home.migrate(env)
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        emr = boto3.client("emr", endpoint_url=info.endpoint, region_name="us-west-2", **keys)
        with standalone.running(home, env, free_port(), world / "airflow.log") as airflow:
            until(lambda: any(dag["dag_id"] == DAG for dag in airflow.call("GET", "dags")["dags"]))
            airflow.call("PATCH", f"dags/{DAG}", {"is_paused": False})
            yield info, emr, airflow
    shutil.rmtree(world, ignore_errors=True)


def state(airflow, path):
    return airflow.call("GET", path)["state"]


@pytest.fixture
def waiting(live, request):
    """A run whose extract is deferred, with the triggerer watching its step: (EMR, Airflow, the run's path)."""
    info, emr, airflow = live
    info.control("DELETE", "calls")
    run_id = f"killed-{request.node.name}"
    conf = {"aoi": "lisbon", "months": "2024-07"}
    airflow.call("POST", f"dags/{DAG}/dagRuns", {"logical_date": None, "dag_run_id": run_id, "conf": conf})
    path = f"dags/{DAG}/dagRuns/{run_id}"
    until(lambda: state(airflow, f"{path}/taskInstances/extract") == "deferred")
    # Nobody but the trigger looks at one step: it has been started.
    until(lambda: any(call["operation"] == "DescribeStep" for call in info.calls()))
    return emr, airflow, path


def newest(emr):
    cluster = emr.list_clusters()["Clusters"][0]
    return cluster["Status"]["State"], [
        step["Status"]["State"] for step in emr.list_steps(ClusterId=cluster["Id"])["Steps"]
    ]


def demand_red_and_clean(emr, airflow, path):
    until(lambda: state(airflow, path) in ("failed", "success") and newest(emr)[0] == "TERMINATED")
    until(lambda: state(airflow, f"{path}/taskInstances/verdict") == "failed")
    until(lambda: state(airflow, path) == "failed")
    assert newest(emr)[1] == ["CANCELLED"]
    assert state(airflow, f"{path}/taskInstances/receipt") == "success"
    until(lambda: airflow.call("GET", path)["note"])
    assert airflow.call("GET", path)["note"].startswith("claylake receipt\n**lisbon 2024-07: failed**")


def test_a_task_marked_failed_cancels_its_step_and_ends_the_cluster(waiting):
    emr, airflow, path = waiting
    airflow.call("PATCH", f"{path}/taskInstances/extract", {"new_state": "failed"})
    until(lambda: newest(emr)[1] == ["CANCELLED"])
    demand_red_and_clean(emr, airflow, path)


def test_a_run_marked_failed_ends_its_cluster_and_stays_red(waiting):
    emr, airflow, path = waiting
    airflow.call("PATCH", path, {"state": "failed"})
    demand_red_and_clean(emr, airflow, path)


def test_the_reaper_ends_a_cluster_that_no_run_answers_for(live):
    _, emr, airflow = live
    tags = {"claylake:pipeline": "claylake", "claylake:dag_id": DAG, "claylake:run_id": "gone"}
    emr.run_job_flow(
        Name="claylake leaked",
        LogUri="s3://claylake-local/logs/",
        ReleaseLabel="emr-7.14.0",
        Instances={"KeepJobFlowAliveWhenNoSteps": True, "MasterInstanceType": "m7i.xlarge", "InstanceCount": 1},
        JobFlowRole="any",
        ServiceRole="any",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    made = airflow.call("POST", "dags/claylake_reaper/dagRuns", {"logical_date": None})["dag_run_id"]
    until(lambda: state(airflow, f"dags/claylake_reaper/dagRuns/{made}") == "success")
    until(lambda: newest(emr)[0] == "TERMINATED")


def test_scheduled_runs_are_named_by_their_month(live):
    _, _, airflow = live
    dag = "dags/claylake__lisbon"
    airflow.call("PATCH", dag, {"is_paused": False})
    try:
        until(lambda: airflow.call("GET", f"{dag}/dagRuns")["dag_runs"])
        [run] = airflow.call("GET", f"{dag}/dagRuns")["dag_runs"][:1]
        assert run["dag_run_id"] == "scheduled__2024-05"
        assert run["run_after"].startswith("2024-06-08")
    finally:
        airflow.call("PATCH", dag, {"is_paused": True})
