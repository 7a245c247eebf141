"""The plugin as MWAA's scheduler, API server and triggerer load it: no ``dags/`` on the path."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from claylake_airflow import VERSION
from tests.plugins import airflow_home

LOAD = """
import json, sys
from pathlib import Path
from airflow import plugins_manager
from airflow.serialization.decoders import decode_timetable
from airflow._shared.module_loading import import_string

errors = plugins_manager.get_import_errors()
stored = {"__type": "claylake_airflow.timetable.MonthlySettledTimetable", "__var": {"settle_days": 3}}
package = Path(sys.modules["claylake_airflow"].__file__).parent
names = ["timetable", "links", "run_note", "triggers", "waiting", "emr", "fleet", "reaper", "failures", "step_log"]
for name in names + ["operators", "operators.step", "operators.gpus", "operators.publish", "operators.receipt", "operators.terminate"]:
    __import__(f"claylake_airflow.{name}")
from claylake_airflow import triggers
made = triggers.StepTrigger(cluster_id="j", step_id="s", region="r", deadline=0.0, poll_seconds=1.0)
path, arguments = made.serialize()
print(json.dumps({
    "errors": {str(key): str(value) for key, value in errors.items()},
    "plugins": [plugin.name for plugin in plugins_manager._get_plugins()[0] if plugin.name == "claylake"],
    "timetable": decode_timetable(stored).settle_days,
    "trigger": type(import_string(path)(**arguments)).__name__,
    "claylake": "claylake" in sys.modules,
    "executed": sorted(name for name in sys.modules if name in names),
}))
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What a process finds that has only plugins/ on its path."""
    home = tmp_path_factory.mktemp("alone")
    env = {
        **airflow_home.environment(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "no-dags"),
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=home, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_it_loads_without_errors(alone):
    assert alone["errors"] == {}
    assert alone["plugins"] == ["claylake"]


def test_timetable_and_triggers_work_without_the_domain(alone):
    assert alone["timetable"] == 3
    assert alone["trigger"] == "StepTrigger"
    assert not alone["claylake"]


def test_the_package_is_not_executed_file_by_file(alone):
    assert alone["executed"] == []


def test_dags_and_plugins_agree_on_the_version():
    from claylake import compatibility

    assert compatibility.PLUGINS_VERSION == VERSION
