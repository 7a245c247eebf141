"""A running stack, with a shell script in the place of spark-submit for speed."""

import json

import pytest

from infra.local.client import StackInfo
from infra.local.options import StackOptions
from infra.local.stack import Stack
from tests.infra.local.clusters import client, run_cluster
from tests.infra.local.scenes import make_item

# Runs the main script as a shell script, after printing what it was given.
FAKE_SUBMIT = """#!/bin/sh
echo "submit $*"
while [ $# -gt 0 ]; do case "$1" in --*) shift 2;; *) break;; esac; done
main=$1; shift
exec sh "$main" "$@"
"""


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "items").mkdir()
    (folder / "scene").mkdir()
    (folder / "scene/B02.tif").write_bytes(bytes(range(256)) * 400)
    for number in range(1, 26):
        collection = "sentinel-2-l2a" if number % 2 else "sentinel-2-c1-l2a"
        item = make_item(f"item-{number:02d}", day=number, collection=collection)
        (folder / f"items/{item['id']}.json").write_text(json.dumps(item))
    (folder / "beside.json").write_text(json.dumps(make_item("beside", day=28)))
    (folder / "notes.json").write_text('{"type": "other"}')
    return folder


@pytest.fixture(scope="session")
def stack(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("stack")
    fake = root / "bin/spark-submit"
    fake.parent.mkdir()
    fake.write_text(FAKE_SUBMIT)
    fake.chmod(0o755)
    options = StackOptions(
        root=root, data=data, spark_python=fake.parent / "python", state_delay_s=0.15, idle_speed=100.0
    )
    with Stack(options) as running:
        yield StackInfo(running.info)


@pytest.fixture
def faults(stack):
    yield stack
    stack.clear_faults()


@pytest.fixture(scope="session")
def emr(stack):
    return client(stack, "emr")


@pytest.fixture(scope="session")
def s3(stack):
    return client(stack, "s3")


@pytest.fixture
def cluster(emr):
    cluster_id = run_cluster(emr)
    yield cluster_id
    emr.terminate_job_flows(JobFlowIds=[cluster_id])
