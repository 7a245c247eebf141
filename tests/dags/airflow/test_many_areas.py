"""Many AOI files: each is read once, a task makes its own DAG alone, and the work grows with their number and no faster.

Work is counted in calls of functions, which are the same on every machine.
"""

from __future__ import annotations

import cProfile
import itertools
import json
import pstats
import runpy
from collections import Counter
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from tests.plugins.airflow_home import ROOT, SQUARE

MONTHLY = ROOT / "dags/claylake_monthly.py"
TASKS = 13


def monthly():
    """The DAGs of the monthly file alone."""
    found = BundleDagBag(dag_folder=str(MONTHLY), bundle_path=ROOT / "dags", bundle_name="dags-folder")
    assert found.import_errors == {}
    return found.dags


def calls_of(work):
    profile = cProfile.Profile()
    profile.runcall(work)
    return pstats.Stats(profile).total_calls


@pytest.fixture
def areas(aois):
    def write(number):
        aois(**{f"area{each}": json.dumps(SQUARE) for each in range(number)})

    return write


@pytest.fixture
def reads(monkeypatch):
    """How often each file is read, by name."""
    read = Counter()
    for method in ("read_text", "read_bytes"):
        whole = getattr(Path, method)

        def noting(path, *given, whole=whole, **more):
            read[path.name] += 1
            return whole(path, *given, **more)

        monkeypatch.setattr(Path, method, noting)
    return read


def test_settings_and_each_file_are_read_once(areas, reads):
    areas(3)
    assert len(monthly()) == 4
    once = {"settings.yaml", "deployed.json", *(f"area{each}.geojson" for each in range(3))}
    assert {name: reads[name] for name in once} == dict.fromkeys(once, 1)


@pytest.mark.parametrize(("dag_id", "files"), [("claylake__area1", {"area1.geojson"}), ("claylake_adhoc", set())])
def test_a_task_makes_its_own_dag_alone_and_the_same(areas, reads, monkeypatch, dag_id, files):
    areas(3)
    all_dags = monthly()
    reads.clear()
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
    [(made, dag)] = monthly().items()
    assert made == dag_id
    assert DagSerialization.to_dict(dag) == DagSerialization.to_dict(all_dags[dag_id])
    assert {name for name in reads if name.endswith(".geojson")} == files


def test_a_broken_file_costs_a_task_of_another_area_nothing(aois, monkeypatch):
    aois(good=json.dumps(SQUARE), bad="{")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "claylake__good")
    assert list(monthly()) == ["claylake__good"]
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "claylake__bad")
    assert list(monthly()) == []


def plain(tasks=TASKS):
    """A DAG of Airflow's own with as many tasks, and nothing else."""
    with DAG(dag_id="plain", schedule=None) as dag:
        made = [EmptyOperator(task_id=f"task{each}") for each in range(tasks)]
        for before, after in itertools.pairwise(made):
            before >> after
    return dag


def test_each_further_area_costs_as_much_and_little_more_than_its_operators(areas):
    def parsed(number):
        areas(number)
        return calls_of(lambda: runpy.run_path(str(MONTHLY)))

    parsed(1)  # imports
    one, some, more = parsed(1), parsed(11), parsed(21)
    assert more - some == pytest.approx(some - one, rel=0.02)
    # It is 1.6; with params that are copied for each task, and settings that are read for each area, it was 28.
    assert (more - some) / 10 < 3 * calls_of(plain)


def test_storing_a_dag_costs_little_more_than_its_tasks(areas):
    areas(1)
    dag = monthly()["claylake__area0"]
    assert len(dag.tasks) == TASKS
    bare = plain()
    DagSerialization.to_dict(bare)  # what Airflow reads once
    # It is 5.6; with schemas that are checked for each task it was 107.
    assert calls_of(lambda: DagSerialization.to_dict(dag)) < 10 * calls_of(lambda: DagSerialization.to_dict(bare))


def test_unchecked_values_of_tasks_are_what_a_check_gives(bag):
    for dag_id in ("claylake__lisbon", "claylake_adhoc"):
        for each in bag.dags[dag_id].tasks:
            checked = {name: param.resolve(suppress_exception=True) for name, param in each.params.items()}
            assert each.params.dump() == checked
            assert list(each.params) == list(bag.dags[dag_id].params)
