"""A local stack for operators and triggers, and the plans that they work on."""

from __future__ import annotations

import pytest

from tests.plugins import airflow_home

airflow_home.prepare()


def pytest_configure(config):
    for warning in airflow_home.THIRD_PARTY:
        config.addinivalue_line("filterwarnings", warning)


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """One EMR, S3 and Glue for the session; steps may be any command."""
    from infra.local import client

    with client.running(tmp_path_factory.mktemp("stack")) as info:
        yield info


@pytest.fixture
def aws(stack, monkeypatch):
    """The stack, with clients pointed at it and no cluster alive before or after."""
    from claylake_airflow import emr

    for key, value in stack.env.items():
        monkeypatch.setenv(key, value)
    stack.clear_faults()
    yield stack
    stack.clear_faults()
    client = emr.client("us-west-2")
    ids = [cluster.id for cluster in emr.live_clusters(client)]
    if ids:
        client.terminate_job_flows(JobFlowIds=ids)
