"""Find or create the run's cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from claylake_airflow import emr
from claylake_airflow.operators.base import EmrTask, require_done
from claylake_airflow.triggers import TurnTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from claylake.plan import Plan

LONGEST_QUEUE_DAYS = 7


class CreateClusterOperator(EmrTask):
    """Finds the run's live cluster, else waits, deferred, until it may create one, and creates it; gives its id.

    It does not wait for the cluster, so that the teardown is armed as soon as an id exists. Nothing
    leaks when it is killed after creating: its retry finds the cluster by name and tags, and so
    does the reaper.
    """

    def execute(self, context: Context) -> str:
        """Find, or wait, or create."""
        from claylake.cluster import job_flow

        plan = self.plan(context)
        region = plan.deployed.region
        client = emr.client(region)
        live = emr.live_clusters(client)
        own = [each for each in live if each.run == (plan.run.dag_id, plan.run.run_id)]
        if own:
            self.log.info("adopting %s", own[0])
            return self._show(context, region, own[0].id)
        if self._blocker(plan, live):
            self._wait_turn(plan)
        answer = client.run_job_flow(**job_flow.request(plan))
        created = str(answer["JobFlowId"])
        self.log.info("requested cluster %s (%s)", created, job_flow.name(plan))
        self._give_way_to_older(plan, client, created)
        return self._show(context, region, created)

    def resume(self, context: Context, event: dict[str, Any]) -> str:
        """After the wait: check again, since another run may have been quicker."""
        require_done(event, "waiting for a cluster's turn")
        return self.execute(context)

    def _show(self, context: Context, region: str, cluster_id: str) -> str:
        self.show_cluster(context, region, cluster_id)
        return cluster_id

    def _blocker(self, plan: Plan, live: list[emr.Cluster]) -> str:
        run = (plan.run.dag_id, plan.run.run_id)
        why = emr.blocker(live, run=run, aoi=plan.aoi_name, most=plan.settings.cluster.max_clusters)
        if why:
            self.log.info("waiting for a turn: %s", why)
        return why

    def _wait_turn(self, plan: Plan) -> NoReturn:
        """Defer."""
        trigger = TurnTrigger(
            dag_id=plan.run.dag_id,
            run_id=plan.run.run_id,
            aoi=plan.aoi_name,
            most=plan.settings.cluster.max_clusters,
            **self.wait(region=plan.deployed.region, minutes=LONGEST_QUEUE_DAYS * 24 * 60),
        )
        self.defer(trigger=trigger, method_name="resume")

    def _give_way_to_older(self, plan: Plan, client: Any, created: str) -> None:
        """Give way if another run checked at the same moment and created its cluster first.

        EMR offers no atomic "create if fewer than n": both may have found a free place. The younger
        cluster goes, before it has cost anything.
        """
        live = emr.live_clusters(client)
        ids = [cluster.id for cluster in live]
        older = live[: ids.index(created)] if created in ids else []
        if older and self._blocker(plan, older):
            client.terminate_job_flows(JobFlowIds=[created])
            self.log.info("cluster %s gives way", created)
            self._wait_turn(plan)
