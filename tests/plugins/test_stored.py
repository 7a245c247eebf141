"""What Airflow's database holds from plugins of version 2 still works: DAGs, timetable, links, triggers, deferred tasks."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pendulum
import pytest
from airflow._shared.module_loading import import_string
from airflow.serialization.serialized_objects import DagSerialization

from claylake_airflow import emr

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


DEFERRED = {
    "create_cluster": ("TurnTrigger", ["resume"]),
    "wait_ready": ("ReadyTrigger", ["resume"]),
    **dict.fromkeys(("extract", "embed", "publish", "maintain"), ("StepTrigger", ["resume"])),
    "gpus_up": ("FleetTrigger", ["resume"]),
    "terminate": ("EndedTrigger", ["end", "resume"]),
}
"""Task to the trigger that it waits on, and the methods that Airflow's database names to go on with."""


class Keys(dict):
    """An event that notes what is read of it."""

    def __init__(self, event):
        super().__init__(event)
        self.read = set()

    def __getitem__(self, key):
        self.read.add(key)
        return super().__getitem__(key)


@pytest.mark.parametrize(
    "task", [task for task in OURS if task["task_id"] in DEFERRED], ids=lambda task: task["task_id"]
)
def test_a_deferred_task_goes_on_with_the_event_of_its_stored_trigger(task, monkeypatch):
    name, methods = DEFERRED[task["task_id"]]
    monkeypatch.setattr(emr, "client", lambda _: None)
    [arguments] = [given for path, given in STORED["triggers"] if path.endswith(f".{name}")]
    fields = {key: value for key, value in arguments.items() if key not in ("deadline", "poll_seconds")}
    for method in methods:
        event = Keys({**fields, "status": "done"})
        made = object.__new__(operator(task))
        with pytest.raises((AttributeError, TypeError)):  # there is no context, and no client
            getattr(made, method)(None, event)
        assert event.read
        assert event.read <= set(event)


@pytest.mark.parametrize("stored", STORED["triggers"], ids=lambda stored: stored[0].rpartition(".")[2])
def test_a_stored_trigger_is_built_again(stored):
    path, arguments = stored
    again = import_string(path)(**arguments)
    assert list(again.serialize()) == [path, arguments]
