"""All runs that wait read EMR together: how often, in which order they go on, and what they do when it is overloaded."""

from __future__ import annotations

import asyncio
import collections
import math
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from claylake_airflow import emr, step_progress, turns
from claylake_airflow.triggers import TurnTrigger

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
QUEUE = "s3://lake/queue"
PAUSE = 0.05


class Aws:
    """As much of EMR and S3 as waiting runs use, in memory; counts calls, and opened clients."""

    def __init__(self):
        self.clusters, self.objects, self.calls = {}, {}, collections.Counter()
        self.refusals, self.open, self.begun, self.foreign = [], collections.Counter(), [], set()

    def hook(self, service):
        aws = self

        class Hook:
            async def get_async_conn(self):
                return connect()

        @asynccontextmanager
        async def connect():
            aws.open[service] += 1
            yield aws
            aws.open[service] -= 1

        return Hook()

    def get_paginator(self, name):
        return Pages(self, name)

    async def describe_cluster(self, ClusterId):
        self.calls["describe_cluster"] += 1
        if ClusterId in self.foreign:
            raise refusal("AccessDeniedException")
        return {"Cluster": self.clusters[ClusterId]}

    async def put_object(self, Bucket, Key, Body):
        assert (Bucket, Body) == ("lake", b"")
        self.calls["put_object"] += 1
        self.objects[Key] = datetime.now(UTC)

    async def delete_object(self, Bucket, Key):
        assert Bucket == "lake"
        self.objects.pop(Key, None)

    def start(self, place):
        tags = {
            emr.TAG_PIPELINE: "claylake",
            emr.TAG_DAG: place.dag_id,
            emr.TAG_RUN: place.run_id,
            emr.TAG_AOI: place.aoi,
        }
        created = NOON + timedelta(seconds=len(self.clusters))
        status = {"State": "RUNNING", "Timeline": {"CreationDateTime": created}}
        key = f"j-{place.run_id}"
        described = [{"Key": name, "Value": value} for name, value in tags.items()]
        self.clusters[key] = {"Id": key, "Name": "claylake x", "Status": status, "Tags": described}
        return key


class Pages:
    def __init__(self, aws, name):
        self.aws, self.name = aws, name

    async def paginate(self, **_):
        self.aws.calls[self.name] += 1
        await asyncio.sleep(0)
        if self.name == "list_objects_v2":
            yield {"Contents": [{"Key": key, "LastModified": at} for key, at in self.aws.objects.items()]}
            return
        self.aws.begun.append(asyncio.get_running_loop().time())
        if self.aws.refusals:
            raise self.aws.refusals.pop(0)
        yield {"Clusters": list(self.aws.clusters.values())}


def refusal(code):
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "ListClusters")


@pytest.fixture
def aws(monkeypatch):
    made = Aws()
    monkeypatch.setattr(emr, "hook", lambda _: made.hook("emr"))
    monkeypatch.setattr(step_progress, "hook", lambda _: made.hook("s3"))
    return made


def place(number, **more):
    names = {"aoi": f"a{number}", "months": "2024-07", "dag_id": f"claylake__a{number}", "run_id": f"run{number}"}
    return turns.Place(since=NOON + timedelta(minutes=number), priority=0, most=2, **{**names, **more})


def trigger(at, queue=QUEUE):
    return TurnTrigger(
        dag_id=at.dag_id, run_id=at.run_id, aoi=at.aoi, most=at.most, queue=queue, place=at.name,
        region="us-west-2", deadline=None, poll_seconds=PAUSE,
    )  # fmt: skip


async def event(waiting):
    async for each in waiting.run():
        return each.payload
    raise AssertionError("no event")


def wait(places, until, queues=(QUEUE,)):
    """Let runs wait until a condition holds, then end their triggers; gives the triggers."""
    triggers = [trigger(at, queues[number % len(queues)]) for number, at in enumerate(places)]

    async def main():
        tasks = [asyncio.create_task(event(each)) for each in triggers]
        async with asyncio.timeout(60):
            while not until():  # noqa: ASYNC110 - it is over when the fake has counted so much
                await asyncio.sleep(PAUSE / 5)
        ended = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return ended

    return asyncio.run(main())


def calls_of(waiting, aws, views=6):
    wait([place(number) for number in range(waiting)], lambda: aws.calls["list_clusters"] >= views)
    return {name: count for name, count in aws.calls.items() if name != "put_object"}


@pytest.mark.parametrize("waiting", [1, 200])
def test_calls_do_not_grow_with_waiting_runs(aws, waiting):
    for number in (900, 901):
        aws.start(place(number))
    assert calls_of(waiting, aws) == {"list_clusters": 6, "list_objects_v2": 6, "describe_cluster": 2}
    # Each view is at least a pause after the one before.
    assert all(later - one >= PAUSE * 0.99 for one, later in zip(aws.begun, aws.begun[1:], strict=False))
    assert aws.calls["put_object"] == waiting
    assert not +aws.open


def test_a_cluster_that_may_not_be_described_is_described_once_and_stands_in_no_way(aws):
    ours, other = aws.start(place(900)), aws.start(place(901))
    aws.foreign = {aws.start(place(902))}
    assert calls_of(1, aws)["describe_cluster"] == 3
    aws.foreign |= {ours, other}
    (only,) = asyncio.run(together([trigger(place(1))]))
    assert only["status"] == "done"


def test_throttling_is_waited_out_by_all_and_makes_the_pauses_longer(aws):
    for number in (900, 901):
        aws.start(place(number))
    aws.refusals = [refusal("ThrottlingException")] * 4
    ended = wait([place(number) for number in range(50)], lambda: aws.calls["list_clusters"] >= 6)
    assert ended == []
    gaps = [later - one for one, later in zip(aws.begun, aws.begun[1:], strict=False)]
    assert all(gap >= PAUSE * longer * 0.99 for gap, longer in zip(gaps, (2, 4, 8, 8, 1), strict=True))


def test_a_refusal_that_stays_is_an_error_for_all(aws):
    aws.refusals = [refusal("AccessDeniedException")] * 99
    events = asyncio.run(together([trigger(place(number)) for number in range(5)]))
    assert {each["status"] for each in events} == {"error"}
    assert aws.calls["list_clusters"] == 3


async def together(triggers):
    return await asyncio.wait_for(asyncio.gather(*map(event, triggers)), 60)


@pytest.mark.parametrize("queues", [(QUEUE,), (QUEUE, QUEUE + "/")], ids=["one triggerer", "two triggerers"])
def test_runs_go_on_first_come_first(aws, queues):
    """Forty runs on two rooms; each cluster ends when the next view has been read."""
    places = [place(number) for number in range(40)]
    mixed = [places[number * 17 % 40] for number in range(40)]
    alive, served = [aws.start(place(number)) for number in (900, 901)], []

    async def main():
        tasks = {
            asyncio.create_task(event(trigger(at, queues[number % len(queues)]))): at for number, at in enumerate(mixed)
        }
        while len(aws.objects) < len(places):  # noqa: ASYNC110 - it is over when the fake has counted so much
            await asyncio.sleep(PAUSE)
        while tasks:
            del aws.clusters[alive.pop(0)]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                at = tasks.pop(task)
                assert task.result()["status"] == "done"
                served.append(at.run_id)
                alive.append(aws.start(at))
                await aws.delete_object("lake", f"queue/{at.name}")
            assert len(aws.clusters) <= 2

    asyncio.run(asyncio.wait_for(main(), 120))
    assert served == [at.run_id for at in places]
    assert not +aws.open


def test_a_run_that_has_died_is_passed_when_its_place_is_old(aws):
    for number in (900,):
        aws.start(place(number))
    dead, alive = place(0), place(1)
    aws.objects[f"queue/{dead.name}"] = datetime.now(UTC)
    assert wait([alive], lambda: aws.calls["list_clusters"] >= 4) == []
    aws.objects[f"queue/{dead.name}"] = datetime.now(UTC) - turns.STALE - timedelta(seconds=1)
    assert asyncio.run(together([trigger(alive)]))[0]["status"] == "done"


def test_a_user_who_ends_the_task_ends_its_place(aws):
    aws.objects[f"queue/{place(0).name}"] = NOON
    asyncio.run(trigger(place(0)).on_kill())
    assert aws.objects == {}
    assert not +aws.open


def test_a_wait_has_no_end_of_its_own():
    waiting = trigger(place(0))
    assert waiting.serialize()[1]["deadline"] is None
    assert waiting._left_s() == math.inf


def test_a_trigger_that_was_stored_with_a_deadline_and_without_a_queue_waits_on(aws):
    stored = {"dag_id": "d", "run_id": "r", "aoi": "a", "most": 2, "deadline": 1.0}
    for number in (900, 901):
        aws.start(place(number))

    async def main():
        task = asyncio.create_task(event(TurnTrigger(**stored, region="us-west-2", poll_seconds=PAUSE)))
        while aws.calls["list_clusters"] < 4:  # noqa: ASYNC110 - it is over when the fake has counted so much
            await asyncio.sleep(PAUSE / 5)
        assert not task.done()
        aws.clusters.popitem()
        return await task

    done = asyncio.run(asyncio.wait_for(main(), 60))
    assert done["status"] == "done"
    assert "place" not in done
    assert aws.objects == {}


def test_each_change_is_logged_once(aws, monkeypatch):
    said = []
    monkeypatch.setattr(TurnTrigger, "log", Log(said), raising=False)
    for number in (900, 901):
        aws.start(place(number))
    wait([place(1)], lambda: aws.calls["list_clusters"] >= 4)
    assert len(said) == 1
    assert said[0].startswith("waiting: 2 of at most 2 clusters are alive: j-run900")
    assert said[0].endswith("; no run is before this one")


class Log:
    def __init__(self, said):
        self.said = said

    def info(self, text, *values):
        self.said.append(text % values)
