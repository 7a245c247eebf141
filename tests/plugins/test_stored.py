"""What Airflow's database holds from plugins of version 2 still works: DAGs, timetable, links, triggers, deferred tasks."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pendulum
import pytest
from airflow._shared.module_loading import import_string
from airflow.serialization.serialized_objects import DagSerialization

STORED = json.loads((Path(__file__).parent / "stored/version_2.json").read_text())
TASKS = [task["__var"] for task in STORED["dag"]["dag"]["tasks"]]
OURS = [task for task in TASKS if task["_task_module"].startswith("claylake_airflow.")]


def operator(task):
    return getattr(import_module(task["_task_module"]), task["task_type"])


def test_a_stored_dag_is_read_with_its_timetable():
    dag = DagSerialization.from_dict(STORED["dag"])
    infos = dag.iter_dagrun_infos_between(pendulum.datetime(2024, 1, 1), pendulum.datetime(2024, 8, 1))
    assert [info.data_interval.start.format("YYYY-MM") for info in infos][-2:] == ["2024-07", "2024-08"]
    assert dag.timetable.serialize() == STORED["dag"]["dag"]["timetable"]["__var"]


@pytest.mark.parametrize("task", OURS, ids=lambda task: task["task_id"])
def test_a_stored_task_finds_its_operator_and_its_links(task):
    links = {link.name: link.xcom_key for link in operator(task).operator_extra_links}
    assert links == task.get("_operator_extra_links", {})


@pytest.mark.parametrize("task", [task for task in OURS if task["task_id"] in ("create_cluster", "extract", "gpus_up", "terminate")],
                         ids=lambda task: task["task_id"])  # fmt: skip
def test_a_deferred_task_goes_on(task):
    assert callable(operator(task).resume)
    if task["task_id"] == "terminate":
        assert callable(operator(task).end)


@pytest.mark.parametrize("stored", STORED["triggers"], ids=lambda stored: stored[0].rpartition(".")[2])
def test_a_stored_trigger_is_built_again(stored):
    path, arguments = stored
    again = import_string(path)(**arguments)
    assert list(again.serialize()) == [path, arguments]
