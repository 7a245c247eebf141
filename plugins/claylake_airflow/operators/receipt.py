"""Write the run's receipt, however the run ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from claylake_airflow import emr, run_note
from claylake_airflow.failures import REASON
from claylake_airflow.links import s3_object
from claylake_airflow.operators.base import CREATE_TASK, GATE_TASK, PLAN_TASK
from claylake_airflow.operators.create import QUEUED, WAITED
from claylake_airflow.operators.publish import REPORT

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow.sdk import Context

NO_PLAN = f"No plan was made, so nothing was done or spent; see the log of task `{PLAN_TASK}`."


class ReceiptOperator(BaseOperator):
    """Writes the run's receipt from the steps' reports and EMR's record; gives its URI.

    The note for the run goes to XCom, from where `run_note` puts it on the run.
    """

    operator_extra_links: Collection[Any] = (REPORT,)
    ui_color = "#f4f1e6"

    def execute(self, context: Context) -> str | None:
        """Gather the facts, write the receipt, leave the note in XCom."""
        from claylake.plan import RECEIPT, Plan
        from claylake.run.receipt import make_receipt
        from claylake.run.receipt_note import note

        ti = context["ti"]
        uri = ti.xcom_pull(task_ids=PLAN_TASK)
        if not uri:
            self._note(context, f"{_reasons(ti)}{NO_PLAN}")
            return None
        plan = Plan.load(uri)
        record = self._record(plan.deployed.region, ti.xcom_pull(task_ids=CREATE_TASK))
        receipt = make_receipt(plan, **record, now=datetime.now(UTC))
        text = note(receipt)
        if receipt.report:
            address = s3_object(plan.deployed.region, receipt.report)
            REPORT.show(self, context, address)
            text = text.replace(receipt.report, address)
        self._note(context, f"{_reasons(ti)}{text}{_queue(ti)}")
        return plan.uri(RECEIPT)

    def _note(self, context: Context, text: str) -> None:
        self.log.info("%s", text)
        context["ti"].xcom_push(key=run_note.KEY, value=text)

    def _record(self, region: str, cluster_id: str | None) -> dict[str, Any]:
        """EMR's descriptions of the cluster, its steps and its instances; none where the run had no cluster."""
        if not cluster_id:
            return {"cluster": None, "steps": [], "instances": []}
        client = emr.client(region)
        found: dict[str, Any] = {"cluster": client.describe_cluster(ClusterId=cluster_id)["Cluster"]}
        for name, call, key in (("steps", "list_steps", "Steps"), ("instances", "list_instances", "Instances")):
            pages = client.get_paginator(call).paginate(ClusterId=cluster_id)
            found[name] = [entry for page in pages for entry in page[key]]
        return found


def _reasons(ti: Any) -> str:
    """Why the run was refused, or how far failed steps got, as the first lines of a note; empty where neither is so."""
    from claylake.vocabulary import STEPS

    reasons = {task: ti.xcom_pull(task_ids=task, key=REASON) for task in (PLAN_TASK, GATE_TASK, *STEPS)}
    return "".join(f"**{task}: {why}**  \n" for task, why in reasons.items() if why)


def _queue(ti: Any) -> str:
    """How long the run has waited for its cluster, and what was in the way at first, as a note's last line."""
    why, waited = (ti.xcom_pull(task_ids=CREATE_TASK, key=key) for key in (QUEUED, WAITED))
    if not why:
        return ""
    said = f"Waited {waited // 60} h {waited % 60} min for a cluster" if waited is not None else "Waited for a cluster"
    return f"  \n{said}; at first: {why}"
