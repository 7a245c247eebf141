"""EMR's clusters and steps: small frozen values read from its answers.

EMR's create calls take no idempotency token, so everything is found by name and tag before it is
made. Functions here take a boto3 client; the triggers share the values over an async one.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from botocore.exceptions import ClientError

PIPELINE = "claylake"
TAG_PIPELINE = "claylake:pipeline"
TAG_DAG = "claylake:dag_id"
TAG_RUN = "claylake:run_id"
TAG_AOI = "claylake:aoi"

LIVE = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
READY = ("RUNNING", "WAITING")
ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
STEP_LIVE = ("PENDING", "RUNNING")
STEP_ENDED = ("COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED")

_DENIED = ("AccessDenied", "AccessDeniedException")
_POLL = "CLAYLAKE_POLL_SECONDS"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One EMR cluster.

    Attributes:
        id: ``j-...``.
        name: Its name.
        state: EMR's state, such as ``WAITING``.
        created: When it was requested, UTC-aware.
        reason: EMR's reason for the state, or an empty string.
        tags: Its tags.
        log_uri: Where its logs go, as EMR writes it (``s3n://`` on AWS), or an empty string.
    """

    id: str
    name: str
    state: str
    created: datetime
    reason: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    log_uri: str = ""

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Cluster:
        """From the ``Cluster`` of DescribeCluster."""
        status = answer["Status"]
        reason = status.get("StateChangeReason") or {}
        return cls(
            id=answer["Id"],
            name=answer["Name"],
            state=status["State"],
            created=status["Timeline"]["CreationDateTime"],
            reason=": ".join(str(reason[key]) for key in ("Code", "Message") if reason.get(key)),
            tags={tag["Key"]: tag.get("Value", "") for tag in answer.get("Tags", [])},
            log_uri=answer.get("LogUri") or "",
        )

    @property
    def run(self) -> tuple[str, str]:
        """DAG id and run id it was made for."""
        return self.tags.get(TAG_DAG, ""), self.tags.get(TAG_RUN, "")

    def __str__(self) -> str:
        return f"{self.id} ({self.state}, run {self.tags.get(TAG_RUN, '?')} of {self.tags.get(TAG_DAG, '?')})"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. `failure` is what EMR says about it, or an empty string; `started` is None until it has run."""

    id: str
    name: str
    state: str
    failure: str = ""
    started: datetime | None = None

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Step:
        """From a step of DescribeStep or ListSteps."""
        status = answer["Status"]
        details = {**(status.get("StateChangeReason") or {}), **(status.get("FailureDetails") or {})}
        parts = [str(details[key]) for key in ("Reason", "Code", "Message") if details.get(key)]
        return cls(
            id=answer["Id"],
            name=answer["Name"],
            state=status["State"],
            failure=": ".join(parts),
            started=(status.get("Timeline") or {}).get("StartDateTime"),
        )


def poll_seconds() -> float:
    """Seconds between two polls of EMR; the local stack, which is quick, sets fewer."""
    return float(os.environ.get(_POLL, "30"))


def hook(region: str | None) -> Any:
    """The provider's EMR hook, with the default credentials and no connection."""
    from airflow.providers.amazon.aws.hooks.emr import EmrHook

    return EmrHook(aws_conn_id=None, emr_conn_id=None, region_name=region)


def client(region: str | None) -> Any:
    """A boto3 client of EMR."""
    return hook(region).get_conn()


def s3_client(region: str | None) -> Any:
    """A boto3 client of S3, with the credentials of `hook`."""
    return hook(region).get_session(region_name=region).client("s3")


def may_be_ours(summary: Mapping[str, Any]) -> bool:
    """Whether the name alone allows it; ListClusters gives no tags, and describing all is slow."""
    return str(summary["Name"]).startswith(PIPELINE)


def is_ours(cluster: Cluster) -> bool:
    """Whether its tag says so."""
    return cluster.tags.get(TAG_PIPELINE) == PIPELINE


def live_clusters(emr: Any) -> list[Cluster]:
    """Our live clusters, oldest first."""
    from botocore.exceptions import ClientError

    pages = emr.get_paginator("list_clusters").paginate(ClusterStates=list(LIVE))
    found = []
    for summary in [summary for page in pages for summary in page["Clusters"] if may_be_ours(summary)]:
        try:
            found.append(describe(emr, summary["Id"]))
        except ClientError as error:
            require_foreign(summary, error)
    return order(found)


def require_foreign(summary: Mapping[str, Any], error: ClientError) -> None:
    """Pass over a cluster that may not be described: our permissions hold for our tag, so it is not ours.

    Args:
        summary: from ListClusters.
        error: what DescribeCluster answered.

    Raises:
        ClientError: the same, if it says anything else.
    """
    if error.response.get("Error", {}).get("Code") not in _DENIED:
        raise error
    _log.info("cluster %s (%s) is not ours: it may not be described", summary["Id"], summary["Name"])


def order(clusters: Iterable[Cluster]) -> list[Cluster]:
    """Those that are ours and still live, oldest first: the order in which runs have their turn."""
    ours = (cluster for cluster in clusters if is_ours(cluster) and cluster.state in LIVE)
    return sorted(ours, key=lambda cluster: (cluster.created, cluster.id))


def describe(emr: Any, cluster_id: str) -> Cluster:
    """One cluster as it is now."""
    return Cluster.read(emr.describe_cluster(ClusterId=cluster_id)["Cluster"])


def steps_named(emr: Any, cluster_id: str, name: str) -> list[Step]:
    """Attempts at a step, ``<name>#<n>``, newest first.

    Args:
        emr: A boto3 client.
        cluster_id: ``j-...``.
        name: The step's name without the attempt's number.
    """
    pages = emr.get_paginator("list_steps").paginate(ClusterId=cluster_id)
    steps = (Step.read(step) for page in pages for step in page["Steps"])
    return [step for step in steps if step.name.startswith(f"{name}#")]


def blocker(clusters: Sequence[Cluster], *, run: tuple[str, str], aoi: str, most: int) -> str:
    """Why a run may not have a cluster beside these live ones of ours; empty when it may.

    Args:
        clusters: Live clusters of ours; the run's own does not count.
        run: DAG id and run id.
        aoi: Name of the run's AOI; two runs of one AOI never work at the same time.
        most: How many clusters may be alive at once.
    """
    others = [cluster for cluster in clusters if cluster.run != run]
    same = [cluster for cluster in others if cluster.tags.get(TAG_AOI) == aoi]
    if same:
        return f"AOI {aoi} is in use by the run of {same[0]}"
    if len(others) >= most:
        return f"{len(others)} of at most {most} clusters are alive: {', '.join(map(str, others))}"
    return ""
