"""End the run's cluster, also after failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk.exceptions import AirflowException

from claylake_airflow import emr
from claylake_airflow.operators.base import CREATE_TASK, EmrTask, require_done
from claylake_airflow.triggers import EndedTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

LONGEST_END_MINUTES = 30


class TerminateClusterOperator(EmrTask):
    """Ends the cluster that `create_cluster` gave, and any other live one of the run; waits for the end.

    It works without a readable plan, too.
    """

    def execute(self, context: Context) -> list[str]:
        """End now, or first keep the cluster for ``cluster.keep_cluster_minutes``."""
        region, keep = self._region_and_keep_minutes(context)
        ids = self._ids(context, region)
        if not ids:
            self.log.info("this run has no cluster")
            return []
        if keep:
            self.log.info("keeping %s for %d minutes", ", ".join(ids), keep)
            trigger = EndedTrigger(cluster_ids=ids, **self.wait(region=region, minutes=keep))
            self.defer(trigger=trigger, method_name="end")
        return self.end(context, {"region": region, "cluster_ids": ids})

    def end(self, context: Context, event: dict[str, Any]) -> NoReturn:  # noqa: ARG002 - Airflow's signature
        """Terminate, and defer until EMR reports the end; terminating an ended cluster again does no harm."""
        region, ids = event["region"], list(event["cluster_ids"])
        emr.client(region).terminate_job_flows(JobFlowIds=ids)
        self.log.info("terminating %s", ", ".join(ids))
        trigger = EndedTrigger(cluster_ids=ids, **self.wait(region=region, minutes=LONGEST_END_MINUTES))
        self.defer(trigger=trigger, method_name="resume")

    def resume(self, context: Context, event: dict[str, Any]) -> list[str]:
        """Ids of the ended clusters; with errors is ended too.

        Raises:
            AirflowException: if EMR has not ended them in time.
        """
        ids = list(event["cluster_ids"])
        if event["region"]:
            self.show_cluster(context, event["region"], ids[0])
        require_done(event, f"{', '.join(ids)} may still be running and cost money")
        return ids

    def _region_and_keep_minutes(self, context: Context) -> tuple[str | None, int]:
        """Region, and minutes to keep the cluster."""
        from claylake.errors import ClaylakeError

        try:
            plan = self.plan(context)
        except (AirflowException, ClaylakeError) as error:
            self.log.warning("ending the cluster without the plan (%s), in the environment's own region", error)
            return None, 0
        return plan.deployed.region, plan.settings.cluster.keep_cluster_minutes

    def _ids(self, context: Context, region: str | None) -> list[str]:
        """The known cluster first, then live ones with this run's tags: a retry may have left one.

        The known one is ended whatever a listing says; the reaper finds what the listing would have shown.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        ti = context["ti"]
        known = ti.xcom_pull(task_ids=CREATE_TASK)
        try:
            live = emr.live_clusters(emr.client(region))
        except (BotoCoreError, ClientError) as error:
            if not known:
                raise
            self.log.warning("other clusters of this run cannot be listed (%s); ending %s", error, known)
            return [known]
        tagged = [cluster.id for cluster in live if cluster.run == (ti.dag_id, ti.run_id)]
        return list(dict.fromkeys([*([known] if known else []), *tagged]))
