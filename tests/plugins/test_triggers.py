"""Waiting: what is told, what is tolerated, and when it ends."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from claylake_airflow import emr
from claylake_airflow.triggers import EndedTrigger, FleetTrigger, ReadyTrigger, StepTrigger, TurnTrigger
from tests.plugins.drive import fire, rebuilt

WAIT = {"region": "us-west-2", "poll_seconds": 0.001}


def soon(seconds=300.0):
    return {**WAIT, "deadline": time.time() + seconds}


def refusal(code, status=400):
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Describe")


def described(state):
    status = {"State": state, "Timeline": {"CreationDateTime": datetime(2026, 1, 1, tzinfo=UTC)}}
    return {"Cluster": {"Id": "j-1", "Name": "claylake x", "Status": status}}


class Client:
    """Answers DescribeCluster from a list; an exception in it is raised, the last answer repeats."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.asked = 0
        self.cancelled = []

    async def describe_cluster(self, ClusterId):
        assert ClusterId.startswith("j-")
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return described(answer)

    async def cancel_steps(self, **request):
        self.cancelled.append(request)


@pytest.fixture
def answering(monkeypatch):
    """Make every trigger talk to a client with these answers."""

    def start(*answers):
        client, regions = Client(answers), []

        class Hook:
            async def get_async_conn(self):
                return connect()

        @asynccontextmanager
        async def connect():
            yield client

        monkeypatch.setattr(emr, "hook", lambda region: regions.append(region) or Hook())
        client.regions = regions
        return client

    return start


TRIGGERS = [
    TurnTrigger(dag_id="d", run_id="r", aoi="a", most=2, deadline=1.0, **WAIT),
    TurnTrigger(dag_id="d", run_id="r", aoi="a", most=2, queue="s3://b/queue", place="p", deadline=None, **WAIT),
    ReadyTrigger(cluster_id="j-1", deadline=1.0, **WAIT),
    EndedTrigger(cluster_ids=["j-1", "j-2"], deadline=1.0, **WAIT),
    StepTrigger(cluster_id="j-1", step_id="s-1", deadline=1.0, **WAIT),
    FleetTrigger(cluster_id="j-1", fleet_id="if-1", units=2, is_spot=True, deadline=1.0, **WAIT),
]


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: type(trigger).__name__)
def test_every_trigger_survives_serialisation(trigger):
    path, arguments = trigger.serialize()
    assert path.startswith("claylake_airflow.triggers.")
    assert json.loads(json.dumps(arguments)) == arguments
    assert arguments["region"] == "us-west-2"
    assert rebuilt(trigger).serialize() == trigger.serialize()


def test_ready_passes_through_starting_and_tells_where(answering):
    client = answering("STARTING", "BOOTSTRAPPING", "WAITING")
    event = fire(ReadyTrigger(cluster_id="j-1", **soon()))
    assert event == {"status": "done", "region": "us-west-2", "cluster_id": "j-1"}
    assert client.asked == 3
    assert client.regions == ["us-west-2"]


@pytest.mark.parametrize("state", ["TERMINATING", *emr.ENDED])
def test_a_cluster_that_ends_is_not_ready(answering, state):
    answering("STARTING", state)
    event = fire(ReadyTrigger(cluster_id="j-1", **soon()))
    assert (event["status"], event["why"].split()[0]) == ("failed", state)


@pytest.mark.parametrize("state", emr.ENDED)
def test_ended_is_ended_with_or_without_errors(answering, state):
    answering("RUNNING", "TERMINATING", state)
    assert fire(EndedTrigger(cluster_ids=["j-1"], **soon()))["status"] == "done"


@pytest.mark.parametrize(
    "trouble",
    [
        refusal("ThrottlingException"),
        refusal("InternalServerException", 500),
        EndpointConnectionError(endpoint_url="x"),
    ],
    ids=["throttled", "5xx", "unreachable"],
)
def test_passing_trouble_is_waited_out(answering, trouble):
    client = answering(*[trouble] * 5, "WAITING")
    assert fire(ReadyTrigger(cluster_id="j-1", **soon()))["status"] == "done"
    assert client.asked == 6


def test_a_single_refusal_may_be_eventual_consistency(answering):
    answering(refusal("InvalidRequestException"), refusal("InvalidRequestException"), "WAITING")
    assert fire(ReadyTrigger(cluster_id="j-1", **soon()))["status"] == "done"


def test_a_standing_refusal_is_an_error(answering):
    client = answering(refusal("AccessDeniedException"))
    event = fire(ReadyTrigger(cluster_id="j-1", **soon()))
    assert event["status"] == "error"
    assert "AccessDenied" in event["why"]
    assert client.asked == 3


@pytest.mark.parametrize("answer", ["STARTING", refusal("ThrottlingException")], ids=["waiting", "throttled"])
def test_the_deadline_ends_every_wait(answering, answer):
    answering(answer)
    assert fire(ReadyTrigger(cluster_id="j-1", **soon(0.05)))["status"] == "timeout"


def test_a_passed_deadline_still_gets_one_look(answering):
    answering("WAITING")
    assert fire(ReadyTrigger(cluster_id="j-1", **soon(-1)))["status"] == "done"


def test_a_user_who_ends_the_task_ends_the_step(answering):
    client = answering("RUNNING")
    asyncio.run(StepTrigger(cluster_id="j-1", step_id="s-1", **soon()).on_kill())
    assert client.cancelled == [{"ClusterId": "j-1", "StepIds": ["s-1"], "StepCancellationOption": "TERMINATE_PROCESS"}]


class Fleets:
    """Answers ListInstanceFleets, page by page, from a list of (state, units there)."""

    def __init__(self, answers):
        self.answers = list(answers)

    def get_paginator(self, name):
        assert name == "list_instance_fleets"
        return self

    async def paginate(self, **_):
        state, there = self.answers.pop(0)
        core = {"Id": "if-0", "InstanceFleetType": "CORE", "Status": {"State": "RUNNING"}}
        yield {"InstanceFleets": [core]}
        task = {"Id": "if-1", "InstanceFleetType": "TASK", "Status": {"State": state}, "ProvisionedSpotCapacity": there}
        yield {"InstanceFleets": [task] if state else []}


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ([(None, 0), ("PROVISIONING", 0), ("BOOTSTRAPPING", 2), ("RUNNING", 2)], "done"),
        ([("RUNNING", 1), ("RESIZING", 2), ("RUNNING", 3)], "done"),
        # A resize that shows late is no failure; a fleet that stays suspended is.
        ([("SUSPENDED", 0), ("SUSPENDED", 0), ("RESIZING", 0), ("SUSPENDED", 0), ("RUNNING", 2)], "done"),
        ([("SUSPENDED", 0), ("SUSPENDED", 1), ("SUSPENDED", 1)], "failed"),
        ([("RUNNING", 1), ("TERMINATING", 1)], "failed"),
    ],
)
def test_a_fleet_is_waited_for_until_its_units_run(states, status):
    client, trigger = Fleets(states), FleetTrigger(cluster_id="j-1", fleet_id="if-1", units=2, is_spot=True, **soon())

    async def until_event():
        while True:
            event = await trigger.poll(client)
            if event:
                return event

    assert asyncio.run(until_event())["status"] == status
    assert client.answers == []
