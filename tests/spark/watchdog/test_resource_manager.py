"""The resource manager's numbers, from one that answers as Hadoop documents it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from spark.watchdog.resource_manager import ResourceManager, address_of

METRICS = {
    "allocatedMB": 5120, "totalMB": 24576, "allocatedVirtualCores": 1, "totalVirtualCores": 8, "containersPending": 1,
    "pendingMB": 19457, "activeNodes": 1, "unhealthyNodes": 0, "lostNodes": 0,
}  # fmt: skip
NODE = {
    "nodeHostName": "ip-10-0-0-7", "state": "RUNNING", "availMemoryMB": 19456, "usedMemoryMB": 5120,
    "availableVirtualCores": 7, "numContainers": 1,
}  # fmt: skip
ANSWERS = {
    "metrics": {"clusterMetrics": METRICS},
    "scheduler": {"scheduler": {"schedulerInfo": {"queueName": "root", "usedCapacity": 20.8, "capacity": 100.0}}},
    "nodes": {"nodes": {"node": [NODE] * 12}},
}


@pytest.fixture
def answers():
    return dict(ANSWERS)


@pytest.fixture
def manager(answers):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.removeprefix("/ws/v1/cluster/")
            self.send_response(200 if name in answers else 404)
            self.end_headers()
            self.wfile.write(json.dumps(answers.get(name)).encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield ResourceManager(address=f"http://127.0.0.1:{server.server_port}", requested="requested: 1 executors")
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_says_what_is_requested_and_what_there_is(manager):
    requested, metrics, queue, *nodes = manager.lines()
    assert requested == "requested: 1 executors"
    assert "5,120 MB of 24,576 MB allocated" in metrics
    assert "1 containers wait for 19,457 MB" in metrics
    assert queue == "queue root: 20.8 % used of 100.0 %"
    assert nodes[0].startswith("node ip-10-0-0-7: RUNNING, 19,456 MB free of 24,576 MB")
    assert nodes[10:] == ["and 2 nodes more"]


@pytest.mark.parametrize("odd", [None, {"clusterMetrics": {}}, []])
def test_what_it_does_not_say_is_a_line_and_no_error(manager, answers, odd):
    answers["metrics"] = odd
    assert [line.partition(" (")[0] for line in manager.lines()] == [
        "requested: 1 executors",
        f"the resource manager at {manager.address} gave no numbers",
    ]


def test_one_that_is_not_there_is_a_line_and_no_error():
    gone = ResourceManager(address="http://127.0.0.1:9", requested="requested: 1 executors")
    assert "gave no numbers" in list(gone.lines())[1]
    assert "does not run on YARN" in list(ResourceManager(address="", requested="").lines())[1]


@pytest.mark.parametrize(("policy", "address"), [(None, "http://a:8088"), ("HTTPS_ONLY", "https://a:8090")])
def test_its_address_follows_hadoops_policy(policy, address):
    where = {
        "yarn.http.policy": policy,
        "yarn.resourcemanager.webapp.address": "a:8088",
        "yarn.resourcemanager.webapp.https.address": "a:8090",
    }
    assert address_of(where) == address
