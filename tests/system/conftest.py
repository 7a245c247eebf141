"""One local stack and one real Airflow for all system tests, on a tiny generated world.

They run as users' do: scheduler, triggerer and DAG processor in their own processes, with the plugins but
not ``dags/`` on their path, driven through the REST API.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from infra.local import standalone
from infra.local.home import Home
from infra.local.ports import free_port
from infra.world.arguments import WorldArguments
from tests.system.lake import Lake

MONTHS = ("2024-08", "2024-09")


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return Home(state=tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="session")
def world(home):
    return home.world(MONTHS, WorldArguments(size="tiny"))


@pytest.fixture(scope="session")
def stack(home, world):
    """EMR takes its time over each state, or waits would be over before a starved worker has left its task."""
    with home.stack(world, "--state-delay", "2") as info:
        yield info


@pytest.fixture(scope="session")
def lake(stack):
    return Lake(stack)


@pytest.fixture(scope="session")
def airflow(home, world, stack):
    """A running Airflow whose only AOI is the tiny world's; it starts this month, so that nothing catches up."""
    aois = home.state / "aois"
    aois.mkdir()
    aoi = json.loads((world / "aoi.geojson").read_text())
    aoi["properties"]["schedule"] = {"start_month": f"{datetime.now(UTC):%Y-%m}"}
    (aois / "tiny.geojson").write_text(json.dumps(aoi))
    env = home.airflow_env(stack, {"CLAYLAKE_AOIS": str(aois)})
    home.migrate(env)
    with standalone.running(home, env, free_port(), home.state / "airflow.log") as running:
        yield running
