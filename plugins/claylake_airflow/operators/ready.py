"""Wait until the run's cluster takes steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException

from claylake_airflow.failures import not_retried
from claylake_airflow.operators.base import EmrTask, require_done
from claylake_airflow.triggers import ReadyTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

LONGEST_START_MINUTES = 60


class WaitClusterReadyOperator(EmrTask):
    """Waits, deferred, for WAITING or RUNNING; fails with EMR's reason when the cluster ends instead."""

    def execute(self, context: Context) -> None:
        """Defer until the cluster is ready."""
        region = self.plan(context).deployed.region
        cluster_id = self.cluster_id(context)
        self.show_cluster(context, region, cluster_id)
        trigger = ReadyTrigger(cluster_id=cluster_id, **self.wait(region=region, minutes=LONGEST_START_MINUTES))
        self.defer(trigger=trigger, method_name="resume")

    def resume(self, context: Context, event: dict[str, Any]) -> None:
        """Ready, or why not.

        Raises:
            AirflowFailException: if it ended, or took too long: waiting again would not help. What a retry does help
                is a lost worker.
        """
        self.show_cluster(context, event["region"], event["cluster_id"])
        with not_retried(AirflowException, ti=context["ti"]):
            require_done(event, f"cluster {event['cluster_id']} did not become ready")
