"""Parsing is cheap: its share of what Airflow's own imports take, and what must not be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.plugins import airflow_home

pytestmark = pytest.mark.slow

HEAVY = [
    "boto3", "botocore", "aiobotocore", "numpy", "pandas", "pyarrow", "pyiceberg", "pyproj", "pystac_client", "shapely",
    "airflow.providers.amazon.aws.hooks.base_aws",
]  # fmt: skip
PARSE = f"""
import json, sys, time

begun = time.process_time()
from pathlib import Path
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.serialization.serialized_objects import DagSerialization
from airflow.sdk import DAG, Param, task
from airflow.providers.standard.decorators import python, short_circuit
from airflow.providers.standard.operators import empty
import airflow.triggers.base, airflow.timetables.base

before = set(sys.modules)
folder = Path({str(airflow_home.ROOT / "dags")!r})
started = time.process_time()
bag = BundleDagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="dags-folder")
share = (time.process_time() - started) / (started - begun)
print(json.dumps({{
    "share": share,
    "dags": len(bag.dags),
    "heavy": [name for name in {HEAVY!r} if name in set(sys.modules) - before],
}}))
"""


@pytest.fixture(scope="module")
def parsed():
    """The better of two cold processes, since other work on the machine only ever slows one down.

    Seconds are those of the processor, and are compared with others of the same process: a machine that is slow,
    or shared, is so for both.
    """

    def once():
        done = subprocess.run(
            [sys.executable, "-c", PARSE], env={**os.environ}, capture_output=True, text=True, timeout=300, check=True
        )
        return json.loads(done.stdout.splitlines()[-1])

    return min(once(), once(), key=lambda result: result["share"])


def test_parsing_adds_little_to_airflows_own_import(parsed):
    assert parsed["dags"] >= 3
    # It is 0.05; Airflow's imports take two seconds.
    assert parsed["share"] < 0.15


def test_parsing_imports_nothing_heavy(parsed):
    assert parsed["heavy"] == []
