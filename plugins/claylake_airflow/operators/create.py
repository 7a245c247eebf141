"""Find or create the run's cluster."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from claylake_airflow import emr
from claylake_airflow.operators.base import EmrTask, require_done
from claylake_airflow.operators.run_queue import RunQueue
from claylake_airflow.triggers import TurnTrigger
from claylake_airflow.turns import Place, obstacle

if TYPE_CHECKING:
    from airflow.sdk import Context

QUEUED = "queued"
"""XCom key of what was in the way at first, for people; a task that starts again loses it."""
WAITED = "waited"
"""XCom key of how long the run has waited for its cluster, in minutes."""


class CreateClusterOperator(EmrTask):
    """Finds the run's live cluster, else waits, deferred, for its turn, and creates it; gives its id.

    It does not wait for the cluster, so that the teardown is armed as soon as an id exists. Nothing
    leaks when it is killed after creating: its retry finds the cluster by name and tags, and so
    does the reaper.
    """

    def execute(self, context: Context) -> str:
        """Find, or wait, or create."""
        return self._find_or_create(context, came=None)

    def resume(self, context: Context, event: dict[str, Any]) -> str:
        """After the wait: check again, since another run may have been quicker."""
        require_done(event, "waiting for a cluster's turn")
        return self._find_or_create(context, came=Place.read(event["place"]) if event.get("place") else None)

    def _find_or_create(self, context: Context, came: Place | None) -> str:
        """Find, or wait, or create.

        Args:
            context: of the running task.
            came: the place in the queue that the run has waited at; None where it has not waited.
        """
        from claylake.cluster import job_flow

        plan = self.plan(context)
        region = plan.deployed.region
        client, queue = emr.client(region), RunQueue.of(plan)
        places = queue.places()  # before the clusters: a run leaves the queue when its cluster is there
        live = emr.live_clusters(client)
        own = [each for each in live if each.run == (plan.run.dag_id, plan.run.run_id)]
        if own:
            self.log.info("adopting %s", own[0])
            queue.leave(places)
            return self._show(context, region, own[0].id)
        place = queue.place(plan, [*places, came] if came else places)
        why = obstacle(place, places, live)
        if why:
            self._wait_turn(queue, place, why, None if came else context)
        answer = client.run_job_flow(**job_flow.request(plan))
        created = str(answer["JobFlowId"])
        self.log.info("requested cluster %s (%s)", created, job_flow.name(plan))
        why = self._give_way_to_older(client, created, place)
        if why:
            self._wait_turn(queue, place, why, None if came else context)
        queue.leave([*places, came] if came else places)
        if came:
            waited = datetime.now(UTC) - place.since
            context["ti"].xcom_push(key=WAITED, value=round(waited.total_seconds() / 60))
        return self._show(context, region, created)

    def _show(self, context: Context, region: str, cluster_id: str) -> str:
        self.show_cluster(context, region, cluster_id)
        return cluster_id

    def _wait_turn(self, queue: RunQueue, place: Place, why: str, context: Context | None) -> NoReturn:
        """Defer, for as long as it takes: a run in the queue costs nothing, and a red one would lose its place.

        Args:
            queue: to wait in.
            place: the run's.
            why: what is in the way.
            context: of a task that has not waited yet; it leaves the reason for people.
        """
        self.log.info("waiting for a turn: %s", why)
        if context is not None:
            context["ti"].xcom_push(key=QUEUED, value=why)
        trigger = TurnTrigger(
            dag_id=place.dag_id,
            run_id=place.run_id,
            aoi=place.aoi,
            most=place.most,
            queue=queue.uri,
            place=place.name,
            region=queue.region,
            deadline=None,
            poll_seconds=emr.poll_seconds(),
        )
        self.defer(trigger=trigger, method_name="resume")

    def _give_way_to_older(self, client: Any, created: str, place: Place) -> str:
        """Give way if another run checked at the same moment and created its cluster first; gives the reason, if so.

        EMR offers no atomic "create if fewer than n": both may have found a free place. The younger
        cluster goes, before it has cost anything.

        Args:
            client: of EMR.
            created: id of the cluster that this run has just requested.
            place: the run's.
        """
        live = emr.live_clusters(client)
        ids = [cluster.id for cluster in live]
        older = live[: ids.index(created)] if created in ids else []
        why = emr.blocker(older, run=place.run, aoi=place.aoi, most=place.most)
        if why:
            client.terminate_job_flows(JobFlowIds=[created])
            self.log.info("cluster %s gives way", created)
        return why
