"""Buttons on the tasks: the cluster in the EMR console, and the run's report."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink
from airflow.sdk.bases.xcom import BaseXCom

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class StoredLink(BaseOperatorLink):
    """A link that its task has put into XCom with `push`; no button works before that."""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """The stored address, or an empty string."""
        return BaseXCom.get_value(ti_key=cast("Any", ti_key), key=self.xcom_key) or ""

    def push(self, context: Any, address: str) -> None:
        """Store the address, so that the button works while the task still waits."""
        context["ti"].xcom_push(key=self.xcom_key, value=address)


class EmrConsoleLink(StoredLink):
    """The cluster in the EMR console."""

    name = "EMR console"


class ReportLink(StoredLink):
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
