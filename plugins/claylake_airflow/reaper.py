"""Live clusters whose run is over.

Teardowns end clusters; this is for what they cannot do: a run marked failed by hand, a create task
killed for good between requesting a cluster and storing its id, a `dagrun_timeout`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from claylake_airflow import emr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ACTIVE_RUNS = ("queued", "running")
TAG_MAX_UNTIL = "claylake:max-until"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LeakedCluster:
    """A cluster to end, and why."""

    cluster: emr.Cluster
    why: str


def leaked_clusters(
    clusters: Iterable[emr.Cluster],
    *,
    log_uri: str,
    is_active: Callable[[str, str], bool],
    now: datetime,
    max_hours: float,
) -> list[LeakedCluster]:
    """Clusters whose run is not active, or that have outlived their time.

    Args:
        clusters: live clusters with our tag.
        log_uri: where this deployment's clusters write logs; clusters of other deployments are left alone.
        is_active: whether a run, by DAG id and run id, is queued or running.
        now: UTC-aware.
        max_hours: longest life of a cluster that carries no limit of its own.
    """
    found = []
    for cluster in clusters:
        if _bucket_and_folder(cluster.log_uri) != _bucket_and_folder(log_uri):
            _log.info("%s belongs to another deployment (logs in %s)", cluster, cluster.log_uri or "nowhere")
            continue
        until = _until(cluster, max_hours)
        if now > until:
            found.append(LeakedCluster(cluster=cluster, why=f"it was to end by {until.isoformat()}"))
        elif not is_active(*cluster.run):
            found.append(LeakedCluster(cluster=cluster, why="its run is not active"))
    return found


def is_active(ti: Any, dag_id: str, run_id: str) -> bool:
    """Whether a DAG run is queued or running, read through the task's own API.

    A run that was deleted counts none. An API that does not answer raises, so that nothing is ended by mistake.

    Args:
        ti: the running task's instance.
        dag_id: of the run; empty means that there is none.
        run_id: of the run; empty means that there is none.
    """
    return bool(dag_id and run_id and ti.get_dr_count(dag_id=dag_id, run_ids=[run_id], states=list(ACTIVE_RUNS)))


def end(client: Any, leaked: Iterable[LeakedCluster]) -> int:
    """Terminate clusters; gives how many."""
    ended = 0
    for each in leaked:
        _log.warning("ending %s: %s", each.cluster, each.why)
        client.terminate_job_flows(JobFlowIds=[each.cluster.id])
        ended += 1
    return ended


def _until(cluster: emr.Cluster, max_hours: float) -> datetime:
    limit = cluster.tags.get(TAG_MAX_UNTIL)
    try:
        until = datetime.fromisoformat(limit) if limit else cluster.created + timedelta(hours=max_hours)
    except ValueError:
        _log.warning("%s: tag %s=%r is not a timestamp", cluster, TAG_MAX_UNTIL, limit)
        until = cluster.created + timedelta(hours=max_hours)
    return until if until.tzinfo else until.replace(tzinfo=UTC)


def _bucket_and_folder(log_uri: str) -> str:
    """Bucket and folder; EMR gives ``s3://`` back as ``s3n://``."""
    parts = urlsplit(log_uri)
    return f"{parts.netloc}/{parts.path.strip('/')}"
