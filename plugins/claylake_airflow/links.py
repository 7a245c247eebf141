"""Buttons on the tasks: the cluster in the EMR console, and the run's report."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class TaskLink(BaseOperatorLink):
    """A link whose address is known only while the task runs, and set with `show`."""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """The address set last in this process; Airflow calls this at the task's end, and stores it."""
        return str(getattr(operator, self.xcom_key, ""))

    def show(self, operator: BaseOperator, context: Any, address: str) -> None:
        """Store the address at once, so that the button works while the task still waits.

        Args:
            operator: that of the task.
            context: of the running task.
            address: where the button leads.
        """
        setattr(operator, self.xcom_key, address)
        context["ti"].xcom_push(key=self.xcom_key, value=address)


class EmrConsoleLink(TaskLink):
    """The cluster in the EMR console."""

    name = "EMR console"


class ReportLink(TaskLink):
    """The month's report."""

    name = "Report"


def emr_console(region: str, cluster_id: str) -> str:
    """Address of a cluster's page."""
    return f"https://{region}.console.aws.amazon.com/emr/home?region={region}#/clusterDetails/{cluster_id}"


def s3_object(region: str, uri: str) -> str:
    """Address of an object: its page in the S3 console, or the object itself on the local stack."""
    parts = urlsplit(uri)
    key = quote(parts.path.lstrip("/"))
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        return f"{endpoint.rstrip('/')}/{parts.netloc}/{key}"
    return f"https://{region}.console.aws.amazon.com/s3/object/{parts.netloc}?region={region}&prefix={key}"
