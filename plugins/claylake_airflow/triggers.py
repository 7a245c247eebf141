"""What the operators wait for, each a declaration over one waiting base.

A wait ends by itself at its deadline, a moment, so that a triggerer's restart does not prolong it,
and so that the operator can clean up, which Airflow's own trigger timeout does not allow.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from claylake_airflow import emr

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_THROTTLED = (
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
)
_PATIENCE = 3
"""Refusals in a row that are believed: EMR's answers are eventually consistent."""
_SLOWEST_FACTOR = 8


class EmrWait(BaseTrigger):
    """Looks at EMR until there is something to tell, or the deadline has passed.

    Events: `status` is ``done``, ``failed``, ``timeout`` or ``error``; `why` explains the last three;
    region and the trigger's own fields come along, so that the operator needs no deferral kwargs,
    which ``dag.test()`` drops.

    Args:
        region: AWS region; never left to the triggerer's own default.
        deadline: Seconds since the epoch.
        poll_seconds: Pause between two looks; grows while EMR throttles.
    """

    fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, region: str | None, deadline: float, poll_seconds: float) -> None:
        super().__init__()
        self.region = region
        self.deadline = deadline
        self.poll_seconds = poll_seconds
        self._told = ""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path, and the arguments that make the same trigger elsewhere."""
        wait = {"region": self.region, "deadline": self.deadline, "poll_seconds": self.poll_seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", {**wait, **self._own()}

    def _own(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.fields}

    def tell(self, news: str) -> None:
        """Log what has changed since the last look."""
        if news != self._told:
            self.log.info("%s", news)
        self._told = news

    async def look(self, client: Any) -> dict[str, Any] | None:
        """One look at EMR: an event's payload, or None to go on waiting."""
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll, tolerating throttling and lost connections until the deadline."""
        from botocore.exceptions import BotoCoreError, ClientError

        refused, slower = 0, 1
        async with await emr.hook(self.region).get_async_conn() as client:
            while True:
                payload = None
                try:
                    payload = await self.look(client)
                    refused, slower = 0, 1
                except (BotoCoreError, ClientError) as error:
                    slower = min(slower * 2, _SLOWEST_FACTOR)
                    self.log.warning("EMR did not answer (%s); looking again", error)
                    if isinstance(error, ClientError) and not _is_passing(error.response):
                        refused += 1
                        payload = {"status": "error", "why": str(error)} if refused >= _PATIENCE else None
                if payload is None and time.time() >= self.deadline:
                    payload = {"status": "timeout", "why": "the deadline has passed"}
                if payload is not None:
                    yield TriggerEvent({"region": self.region, **self._own(), **payload})
                    return
                await asyncio.sleep(max(0.0, min(self.poll_seconds * slower, self.deadline - time.time())))


class TurnTrigger(EmrWait):
    """Waits until a run may have a cluster (`emr.blocker`)."""

    fields = ("dag_id", "run_id", "aoi", "most")

    def __init__(self, *, dag_id: str, run_id: str, aoi: str, most: int, **wait: Any) -> None:
        super().__init__(**wait)
        self.dag_id = dag_id
        self.run_id = run_id
        self.aoi = aoi
        self.most = most

    async def look(self, client: Any) -> dict[str, Any] | None:
        """Done when nothing stands in the way."""
        pages = client.get_paginator("list_clusters").paginate(ClusterStates=list(emr.LIVE))
        names = [summary async for page in pages for summary in page["Clusters"] if emr.may_be_ours(summary)]
        answers = [await client.describe_cluster(ClusterId=summary["Id"]) for summary in names]
        clusters = emr.order(emr.Cluster.read(answer["Cluster"]) for answer in answers)
        run = (self.dag_id, self.run_id)
        why = emr.blocker(clusters, run=run, aoi=self.aoi, most=self.most)
        self.tell(f"waiting: {why}" if why else "free to go")
        return None if why else {"status": "done"}


class ReadyTrigger(EmrWait):
    """Waits until a cluster takes steps; fails when it ends instead."""

    fields = ("cluster_id",)

    def __init__(self, *, cluster_id: str, **wait: Any) -> None:
        super().__init__(**wait)
        self.cluster_id = cluster_id

    async def look(self, client: Any) -> dict[str, Any] | None:
        """Done when ready; failed, with EMR's reason, when ending."""
        cluster = emr.Cluster.read((await client.describe_cluster(ClusterId=self.cluster_id))["Cluster"])
        self.tell(f"cluster {cluster.id} is {cluster.state}")
        if cluster.state in emr.READY:
            return {"status": "done"}
        return None if cluster.state in emr.LIVE else {"status": "failed", "why": f"{cluster.state} ({cluster.reason})"}


class EndedTrigger(EmrWait):
    """Waits until clusters have ended, in whichever way."""

    fields = ("cluster_ids",)

    def __init__(self, *, cluster_ids: list[str], **wait: Any) -> None:
        super().__init__(**wait)
        self.cluster_ids = cluster_ids

    async def look(self, client: Any) -> dict[str, Any] | None:
        """Done when none is left."""
        for cluster_id in self.cluster_ids:
            cluster = emr.Cluster.read((await client.describe_cluster(ClusterId=cluster_id))["Cluster"])
            self.tell(f"cluster {cluster.id} is {cluster.state}")
            if cluster.state not in emr.ENDED:
                return None
        return {"status": "done"}


class StepTrigger(EmrWait):
    """Waits until a step has ended, and cancels it when a user ends the waiting task."""

    fields = ("cluster_id", "step_id")

    def __init__(self, *, cluster_id: str, step_id: str, **wait: Any) -> None:
        super().__init__(**wait)
        self.cluster_id = cluster_id
        self.step_id = step_id

    async def look(self, client: Any) -> dict[str, Any] | None:
        """Done when completed; failed, with EMR's words, when ended otherwise."""
        answer = await client.describe_step(ClusterId=self.cluster_id, StepId=self.step_id)
        step = emr.Step.read(answer["Step"])
        self.tell(f"step {step.name} ({step.id}) is {step.state}")
        if step.state not in emr.STEP_ENDED:
            return None
        is_done = step.state == "COMPLETED"
        return {"status": "done"} if is_done else {"status": "failed", "why": f"{step.state} {step.failure}".strip()}

    async def on_kill(self) -> None:
        """Marked failed, marked successful or cleared: the work has no owner any more."""
        self.log.info("cancelling step %s of %s", self.step_id, self.cluster_id)
        async with await emr.hook(self.region).get_async_conn() as client:
            await client.cancel_steps(
                ClusterId=self.cluster_id, StepIds=[self.step_id], StepCancellationOption="TERMINATE_PROCESS"
            )


def _is_passing(response: Any) -> bool:
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return bool(response.get("Error", {}).get("Code") in _THROTTLED or status >= 500)
