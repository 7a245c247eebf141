"""The MWAA package as a whole, as `make build` ships it: parsed by Airflow from where MWAA puts it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import pytest

from claylake.compatibility import PLUGINS_VERSION
from infra.build import mwaa
from tests.plugins import airflow_home

pytestmark = pytest.mark.slow

ARN = "arn:aws:iam::123456789012:role/x"
DEPLOYED = {
    "deployed": {
        "region": "us-west-2",
        "lake": "s3://lake",
        "artifacts": "s3://lake/artifacts/0123456789ab",
        "release": "0" * 64,
        "log_uri": "s3://logs/emr",
        "service_role": ARN,
        "instance_profile": ARN,
        "subnet_ids": ["subnet-1"],
        "plugins_version": PLUGINS_VERSION,
    }
}
PARSE = """
import json, socket, sys
from pathlib import Path

asked = []
connect = socket.socket.connect

def refuse(self, address):
    asked.append(f"connect {address}")
    raise OSError("no network while parsing")

socket.socket.connect = refuse
from airflow.sdk import Connection, Variable
for kind in (Connection, Variable):
    kind.get = classmethod(lambda cls, *args, **kwargs: asked.append(f"{cls.__name__} {args}"))
from airflow import plugins_manager
from airflow.dag_processing.dagbag import BundleDagBag

errors = {str(key): str(value) for key, value in plugins_manager.get_import_errors().items()}
folder = Path(sys.argv[1])
bag = BundleDagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="dags-folder")
import claylake, claylake_airflow
print(json.dumps({
    "errors": errors | bag.import_errors,
    "dags": sorted(bag.dags),
    "asked": asked,
    "from": [claylake.__file__, claylake_airflow.__file__],
}))
"""

NOSY = """
# airflow dag
import socket
from airflow.sdk import Variable
Variable.get("x")
socket.create_connection(("127.0.0.1", 9))
"""


@pytest.fixture
def package(tmp_path):
    """/usr/local/airflow of an environment: dags/ and plugins/."""
    mwaa.assemble(airflow_home.ROOT, tmp_path / "mwaa")
    with zipfile.ZipFile(tmp_path / "mwaa/plugins.zip") as archive:
        archive.extractall(tmp_path / "plugins")
    (tmp_path / "mwaa/dags").rename(tmp_path / "dags")
    return tmp_path


def parse(package):
    """What Airflow finds with nothing of this checkout on its path."""
    environment = airflow_home.environment(package)
    del environment["CLAYLAKE_AOIS"], environment["CLAYLAKE_DEPLOYED"]
    places = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(package / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(package / "plugins"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [sys.executable, "-c", PARSE, str(package / "dags")],
        cwd=package,
        env=environment | places,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_it_parses_without_network_variables_or_connections(package):
    (package / "dags/deployed.json").write_text(json.dumps(DEPLOYED))
    found = parse(package)
    assert found["errors"] == {}
    assert {"claylake_adhoc", "claylake_reaper"} < set(found["dags"])
    assert found["asked"] == []
    assert all(path.startswith(str(package)) for path in found["from"])


def test_deployed_json_of_other_plugins_is_told_and_so_is_who_asks_the_network(package):
    other = {"deployed": DEPLOYED["deployed"] | {"plugins_version": "older"}}
    (package / "dags/deployed.json").write_text(json.dumps(other))
    (package / "dags/nosy.py").write_text(NOSY)
    found = parse(package)
    errors = {name: error for name, error in found["errors"].items() if name != "nosy.py"}
    assert sorted(errors) == ["claylake_monthly.py", "claylake_reaper.py"]
    assert all("deployed.json was written for plugins version older" in error for error in errors.values())
    assert found["asked"] == ["Variable ('x',)", "connect ('127.0.0.1', 9)"]
