"""Reports to CloudWatch, every few minutes, how long the oldest live cluster of ours has lived and how many there are.

It queries EMR alone, so that a leaked cluster is noticed even when Airflow is down.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

LIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]
PIPELINE = "claylake"
TAG = "claylake:pipeline"
NAMESPACE = "Claylake"
DENIED = ("AccessDenied", "AccessDeniedException")


def handler(_event: Any, _context: Any) -> dict[str, float]:
    """Measure and report; gives what was reported."""
    found = ages(boto3.client("emr"), os.environ["LOG_URI"], datetime.now(UTC))
    values = {"OldestClusterHours": max(found, default=0.0), "LiveClusters": float(len(found))}
    dimensions = [{"Name": "Deployment", "Value": os.environ["DEPLOYMENT"]}]
    boto3.client("cloudwatch").put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[{"MetricName": name, "Dimensions": dimensions, "Value": value} for name, value in values.items()],
    )
    return values


def ages(emr: Any, log_uri: str, now: datetime) -> list[float]:
    """Hours since each live cluster of this deployment was requested.

    Args:
        emr: boto3 client.
        log_uri: ``s3://`` folder of this deployment's cluster logs; EMR gives it back as ``s3n://``.
        now: UTC-aware.
    """
    hours = []
    for page in emr.get_paginator("list_clusters").paginate(ClusterStates=LIVE):
        for summary in page["Clusters"]:
            if summary["Name"].startswith(PIPELINE) and (cluster := _described(emr, summary["Id"])):
                tags = {tag["Key"]: tag.get("Value") for tag in cluster.get("Tags", [])}
                if tags.get(TAG) == PIPELINE and place(cluster.get("LogUri") or "") == place(log_uri):
                    hours.append((now - cluster["Status"]["Timeline"]["CreationDateTime"]).total_seconds() / 3600)
    return hours


def _described(emr: Any, cluster_id: str) -> dict[str, Any] | None:
    """A cluster; None where it may not be described: the permission holds for our tag, so it is not ours."""
    try:
        cluster: dict[str, Any] = emr.describe_cluster(ClusterId=cluster_id)["Cluster"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in DENIED:
            raise
        return None
    return cluster


def place(uri: str) -> str:
    """Bucket and folder of an S3 URI."""
    return uri.partition("://")[2].strip("/")
