"""Calls of waiting runs to EMR, and the order in which they are served, on the stand-in: `make bench-queue`."""

from __future__ import annotations

import asyncio
import collections
import os
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.plugins import airflow_home

airflow_home.prepare()

from claylake.cluster import job_flow  # noqa: E402 - after Airflow's home is set
from claylake_airflow import emr, turns  # noqa: E402 - after Airflow's home is set
from claylake_airflow.operators import CreateClusterOperator  # noqa: E402 - after Airflow's home is set
from claylake_airflow.triggers import TurnTrigger  # noqa: E402 - after Airflow's home is set
from infra.local import client  # noqa: E402 - after Airflow's home is set
from tests.plugins.drive import context, make_plan  # noqa: E402 - after Airflow's home is set

REGION = "us-west-2"
RUNS = 200
ALIVE = 2
MINUTES = 2
PAUSE_S = 30.0
"""Of a deployment on AWS."""


def place(stack, number, priority=0):
    since = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=number)
    plan = make_plan(stack, run_id=f"run-{number:03}", aoi=f"aoi{number:03}", dag_id=f"claylake__aoi{number:03}")
    schedule = plan.settings.schedule.model_copy(update={"priority": priority})
    plan = plan.model_copy(update={"settings": plan.settings.model_copy(update={"schedule": schedule})})
    plan.save()
    names = {"aoi": plan.aoi_name, "dag_id": plan.run.dag_id, "run_id": plan.run.run_id}
    return plan, turns.Place(since=since, priority=priority, most=ALIVE, months="2024-07", **names)


def trigger(stack, at, pause):
    return TurnTrigger(
        dag_id=at.dag_id, run_id=at.run_id, aoi=at.aoi, most=at.most, queue=f"{stack.lake}/queue", place=at.name,
        region=REGION, deadline=None, poll_seconds=pause,
    )  # fmt: skip


async def event(waits):
    async for each in waits.run():
        return each.payload
    raise AssertionError("no event")


def counted():
    """Make clients of EMR count their calls; gives the counter."""
    calls, plain = collections.Counter(), emr.hook

    def hook(region):
        made = plain(region)
        connect = made.get_async_conn

        async def counting():
            session = await connect()
            enter = session.__aenter__

            class Counting:
                async def __aenter__(self):
                    found = await enter()
                    found.meta.events.register("before-call.emr", lambda model, **_: calls.update([model.name]))
                    return found

                async def __aexit__(self, *error):
                    return await session.__aexit__(*error)

            return Counting()

        made.get_async_conn = counting
        return made

    emr.hook = hook
    return calls


async def load(stack, places):
    """Calls a minute while none of the runs has its turn."""
    calls = counted()
    tasks = [asyncio.create_task(event(trigger(stack, at, PAUSE_S))) for _, at in places]
    while not calls["DescribeCluster"] >= ALIVE:  # noqa: ASYNC110 - the first view is not of the steady state
        await asyncio.sleep(0.1)
    before, begun, worked = sum(calls.values()), time.monotonic(), time.process_time()
    await asyncio.sleep(60 * MINUTES)
    minutes, worked = (time.monotonic() - begun) / 60, time.process_time() - worked
    rate = (sum(calls.values()) - before) / minutes
    print(
        f"{len(tasks)} waiting runs, a view each {PAUSE_S:g} s: {rate:.1f} calls to EMR a minute ({dict(calls)} in all)"
    )
    print(f"{worked / minutes:.2f} s of the processor a minute; ended meanwhile: {sum(task.done() for task in tasks)}")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def serve(stack, places, alive):
    """Who is served when clusters end one by one; the runs come in any order."""
    served, calls, s3 = [], emr.client(REGION), emr.hook(REGION).get_session(region_name=REGION).client("s3")
    waiting = {asyncio.create_task(event(trigger(stack, at, 0.2))): (plan, at) for plan, at in places}
    while waiting:
        calls.terminate_job_flows(JobFlowIds=[alive.pop(0)])
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            plan, at = waiting.pop(task)
            alive.append(calls.run_job_flow(**job_flow.request(plan))["JobFlowId"])
            s3.delete_object(**turns.place_object(f"{stack.lake}/queue", at.name))
            served.append(at)
        assert len(alive) <= ALIVE
    return served


def main():
    with tempfile.TemporaryDirectory() as folder, client.running(Path(folder)) as stack:
        os.environ |= stack.env
        first = [place(stack, number)[0] for number in (900, 901)]
        alive = [CreateClusterOperator(task_id="create_cluster").execute(context(plan)) for plan in first]
        # One run in ten has a head start of an hour: it passes those that came up to sixty minutes earlier.
        places = [place(stack, number, priority=1 if number % 10 == 9 else 0) for number in range(RUNS - ALIVE)]
        random.Random(7).shuffle(places)
        if "order" not in sys.argv:
            asyncio.run(load(stack, places))
        begun = time.monotonic()
        served = asyncio.run(serve(stack, places, alive))
        right = sorted((at for _, at in places), key=lambda at: at.rank)
        print(f"served {len(served)} runs in {time.monotonic() - begun:.0f} s; out of order: ", end="")
        print(sum(one != other for one, other in zip(served, right, strict=True)))
        print("order:", " ".join(at.aoi.removeprefix("aoi") for at in served))


if __name__ == "__main__":
    main()
