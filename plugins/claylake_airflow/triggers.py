"""What the operators wait for, each a declaration over `EmrWait`."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import TriggerEvent

from claylake_airflow import emr, shared_view, step_progress
from claylake_airflow.fleet import GONE, Fleet
from claylake_airflow.step_progress import StepProgress, UnreadableError
from claylake_airflow.turns import REFRESH_S, Place, obstacle
from claylake_airflow.waiting import MOST_REFUSALS, EmrWait

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from claylake_airflow.shared_view import SharedView, View

_SUSPENDED_POLLS = 3
"""Polls in a row that must find a fleet suspended: right after a resize EMR still reports the old state."""


class TurnTrigger(EmrWait):
    """Waits, without an end of its own, until it is a run's turn to create its cluster (`turns.obstacle`).

    All such triggers of a triggerer share one view of EMR and the queue. The task's log says what is in the way, and
    who is before the run, each time that it changes.

    Args:
        dag_id: of the run.
        run_id: of the run.
        aoi: name of the run's AOI.
        most: how many clusters may be alive at once.
        queue: ``s3://`` address of the queue's folder; empty in triggers that were stored before there was one.
        place: name of the run's place in the queue (`turns.Place.name`).
        wait: see `EmrWait`. A stored trigger's deadline is kept, but ends nothing.
    """

    fields = ("dag_id", "run_id", "aoi", "most")

    def __init__(
        self, *, dag_id: str, run_id: str, aoi: str, most: int, queue: str = "", place: str = "", **wait: Any
    ) -> None:
        super().__init__(**wait)
        self.dag_id = dag_id
        self.run_id = run_id
        self.aoi = aoi
        self.most = most
        self.queue = queue
        self.place = place
        self._kept = -math.inf

    def _own(self) -> dict[str, Any]:
        return super()._own() | ({"queue": self.queue, "place": self.place} if self.queue else {})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Keep the run's place, and wait for views of the queue until it is its turn."""
        yield TriggerEvent({"region": self.region, **self._own(), **await self._turn()})

    async def _turn(self) -> dict[str, Any]:
        """The event's payload."""
        async with shared_view.of(self.region, self.queue).joined() as shared:
            await self._keep(shared)
            seen = time.monotonic()
            while True:
                view = await shared.after(seen, self.poll_seconds)
                payload = self._judge(view)
                if payload is not None:
                    return payload
                await self._keep(shared)
                seen = view.begun

    def _judge(self, view: View) -> dict[str, Any] | None:
        """The event's payload, or None to go on waiting."""
        if view.failure:
            self.log_change(f"AWS did not answer ({view.failure}); trying again")
            return {"status": "error", "why": view.failure} if view.refused >= MOST_REFUSALS else None
        why = obstacle(self._place(), view.places, view.clusters)
        self.log_change(f"waiting: {why}" if why else "it is this run's turn")
        return None if why else {"status": "done"}

    def _place(self) -> Place:
        if self.place:
            return Place.read(self.place)
        now = datetime.now(UTC)
        return Place(
            since=now, priority=0, most=self.most, aoi=self.aoi, months="", dag_id=self.dag_id, run_id=self.run_id
        )

    async def _keep(self, shared: SharedView) -> None:
        """Write the run's place again where that is due. Without it the run still waits, but others pass it."""
        from botocore.exceptions import BotoCoreError, ClientError

        if not self.queue or time.monotonic() - self._kept < REFRESH_S:
            return
        try:
            await shared.keep(self.place)
        except (BotoCoreError, ClientError) as error:
            self.log.warning("the run's place in the queue could not be written (%s); trying again", error)
            return
        self._kept = time.monotonic()

    async def on_kill(self) -> None:
        """Leave the queue: the task was marked failed, marked successful or cleared."""
        if self.queue:
            async with shared_view.of(self.region, self.queue).joined() as shared:
                await shared.leave(self.place)


class ReadyTrigger(EmrWait):
    """Waits until a cluster takes steps; fails when it ends instead."""

    fields = ("cluster_id",)

    def __init__(self, *, cluster_id: str, **wait: Any) -> None:
        super().__init__(**wait)
        self.cluster_id = cluster_id

    async def poll(self, client: Any) -> dict[str, Any] | None:
        """Done when ready; failed, with EMR's reason, when ending."""
        cluster = emr.Cluster.read((await client.describe_cluster(ClusterId=self.cluster_id))["Cluster"])
        self.log_change(f"cluster {cluster.id} is {cluster.state}")
        if cluster.state in emr.READY:
            return {"status": "done"}
        return None if cluster.state in emr.LIVE else {"status": "failed", "why": f"{cluster.state} ({cluster.reason})"}


class EndedTrigger(EmrWait):
    """Waits until clusters have ended, in whichever way."""

    fields = ("cluster_ids",)

    def __init__(self, *, cluster_ids: list[str], **wait: Any) -> None:
        super().__init__(**wait)
        self.cluster_ids = cluster_ids

    async def poll(self, client: Any) -> dict[str, Any] | None:
        """Done when none is left."""
        for cluster_id in self.cluster_ids:
            cluster = emr.Cluster.read((await client.describe_cluster(ClusterId=cluster_id))["Cluster"])
            self.log_change(f"cluster {cluster.id} is {cluster.state}")
            if cluster.state not in emr.ENDED:
                return None
        return {"status": "done"}


class FleetTrigger(EmrWait):
    """Waits until a fleet runs with at least so many units; fails when EMR gives up on it.

    `is_spot`: whether spot capacity was waited for; the operator reads it from the event.
    """

    fields = ("cluster_id", "fleet_id", "units", "is_spot")

    def __init__(self, *, cluster_id: str, fleet_id: str, units: int, is_spot: bool, **wait: Any) -> None:
        super().__init__(**wait)
        self.cluster_id = cluster_id
        self.fleet_id = fleet_id
        self.units = units
        self.is_spot = is_spot
        self._suspended = 0

    async def poll(self, client: Any) -> dict[str, Any] | None:
        """Done when the units run; failed, with EMR's reason, when none will come any more."""
        pages = client.get_paginator("list_instance_fleets").paginate(ClusterId=self.cluster_id)
        fleets = [Fleet.read(entry) async for page in pages for entry in page["InstanceFleets"]]
        fleet = next((fleet for fleet in fleets if fleet.id == self.fleet_id), None)
        if fleet is None:
            self.log_change(f"fleet {self.fleet_id} is not listed yet")
            return None
        self.log_change(str(fleet))
        if fleet.state == "RUNNING" and fleet.running >= self.units:
            return {"status": "done"}
        self._suspended = self._suspended + 1 if fleet.state == "SUSPENDED" else 0
        is_over = fleet.state in GONE or self._suspended >= _SUSPENDED_POLLS
        return {"status": "failed", "why": str(fleet)} if is_over else None


class StepTrigger(EmrWait):
    """Waits until a step has ended, and cancels it when a user ends the waiting task.

    While the step runs, the task's log says how far it is. The event's `reached` is the last of these lines.

    Args:
        cluster_id: ``j-...``.
        step_id: ``s-...``.
        job: name of the step's job.
        progress: ``s3://`` address of the object that says how far the step is; empty where none is read.
        wait: see `EmrWait`.
    """

    fields = ("cluster_id", "step_id")

    def __init__(self, *, cluster_id: str, step_id: str, job: str = "", progress: str = "", **wait: Any) -> None:
        super().__init__(**wait)
        self.cluster_id = cluster_id
        self.step_id = step_id
        self.job = job
        self.progress = progress
        self._progress: StepProgress | None = None
        self._trouble = ""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """As of `EmrWait`; where progress is read and whose, if it is."""
        path, arguments = super().serialize()
        return path, arguments | ({"job": self.job, "progress": self.progress} if self.progress else {})

    async def poll(self, client: Any) -> dict[str, Any] | None:
        """Done when completed; failed, with EMR's words, when ended otherwise."""
        answer = await client.describe_step(ClusterId=self.cluster_id, StepId=self.step_id)
        step = emr.Step.read(answer["Step"])
        self.log_change(f"step {step.name} ({step.id}) is {step.state}")
        if self.progress and step.started is not None:
            await self._relay(step.started)
        if step.state not in emr.STEP_ENDED:
            return None
        reached = {"reached": self._progress.line} if self._progress and self._progress.line else {}
        if step.state == "COMPLETED":
            return {"status": "done", **reached}
        began = {"started": step.started.isoformat()} if step.started else {}
        why = f"{step.state}: {step.failure}" if step.failure else step.state
        return {"status": "failed", "why": why, "state": step.state, **began, **reached}

    async def _relay(self, started: datetime) -> None:
        """Log how far the step is, if that has changed. It is for people: what goes wrong with it ends no wait."""
        if self._progress is None:
            s3 = await self.open_clients.enter_async_context(await step_progress.hook(self.region).get_async_conn())
            self._progress = StepProgress(s3, self.progress, self.job)
        try:
            line = await self._progress.news(started)
        except UnreadableError as error:
            if str(error) != self._trouble:
                self.log.info("%s does not say how far the step is (%s)", self.progress, error)
            self._trouble = str(error)
            return
        if line:
            self.log.info("%s", line)

    async def on_kill(self) -> None:
        """Cancel the step: the task was marked failed, marked successful or cleared."""
        self.log.info("cancelling step %s of %s", self.step_id, self.cluster_id)
        async with await emr.hook(self.region).get_async_conn() as client:
            await client.cancel_steps(
                ClusterId=self.cluster_id, StepIds=[self.step_id], StepCancellationOption="TERMINATE_PROCESS"
            )
