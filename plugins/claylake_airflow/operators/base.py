"""What the operators share: the plan, the cluster's id, and the failure of a wait."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from claylake_airflow import emr
from claylake_airflow.links import EmrConsoleLink, emr_console

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow.sdk import Context

    from claylake.plan import Plan

PLAN_TASK = "plan"
GATE_TASK = "gate"
CREATE_TASK = "create_cluster"
EMR_CONSOLE = EmrConsoleLink()


class EmrTask(BaseOperator):
    """A task on the run's cluster. It takes plan and cluster from XCom, never from templates."""

    operator_extra_links: Collection[Any] = (EMR_CONSOLE,)
    ui_color = "#e8f1f8"
    template_fields: Collection[str] = ()

    def plan(self, context: Context) -> Plan:
        """The run's plan.

        Raises:
            AirflowFailException: if the plan task has left none.
        """
        from claylake.plan import Plan

        uri = context["ti"].xcom_pull(task_ids=PLAN_TASK)
        if not uri:
            msg = f"task {PLAN_TASK} has left no plan: clear it, with what follows it"
            raise AirflowFailException(msg)
        return Plan.load(uri)

    def cluster_id(self, context: Context) -> str:
        """Id of the cluster that this run has created.

        Raises:
            AirflowFailException: if there is none.
        """
        found = context["ti"].xcom_pull(task_ids=CREATE_TASK)
        if not found:
            msg = f"task {CREATE_TASK} has left no cluster: clear this task, which brings it along"
            raise AirflowFailException(msg)
        return str(found)

    def show_cluster(self, context: Context, region: str, cluster_id: str) -> None:
        """Make the console button work from now on.

        Args:
            context: of the running task.
            region: AWS region of the cluster.
            cluster_id: ``j-...``.
        """
        EMR_CONSOLE.show(self, context, emr_console(region, cluster_id))

    def require_live(self, client: Any, cluster_id: str) -> None:
        """Fail for good where the cluster has ended: retrying cannot help, clearing does.

        Raises:
            AirflowFailException: if it has ended, or is about to.
        """
        cluster = emr.describe(client, cluster_id)
        if cluster.state not in emr.LIVE:
            msg = f"cluster {cluster_id} is {cluster.state} ({cluster.reason}): clear this task, which makes a new one"
            raise AirflowFailException(msg)

    def wait(self, *, region: str | None, minutes: float) -> dict[str, Any]:
        """Arguments that every trigger takes."""
        return {"region": region, "deadline": time.time() + minutes * 60, "poll_seconds": emr.poll_seconds()}


def require_done(event: dict[str, Any], what: str) -> None:
    """Fail a task whose wait did not end well.

    Raises:
        AirflowException: saying what was waited for and why it did not come.
    """
    if event["status"] != "done":
        msg = f"{what}: {event['status']}, {event.get('why', 'no reason given')}"
        raise AirflowException(msg)
