"""Which live clusters no run answers for any more.

Teardowns end clusters; this is for what they cannot do: a run marked failed by hand, a create task
killed for good between asking for a cluster and storing its id, a `dagrun_timeout`.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from claylake_airflow import emr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ACTIVE_RUNS = ("queued", "running")
TAG_MAX_UNTIL = "claylake:max-until"
_log = logging.getLogger(__name__)


class Condemned(NamedTuple):
    """A cluster to end, and why."""

    cluster: emr.Cluster
    why: str


def condemn(
    clusters: Iterable[emr.Cluster],
    *,
    log_uri: str,
    is_active: Callable[[str, str], bool],
    now: datetime,
    max_hours: float,
) -> list[Condemned]:
    """Clusters whose run is not active, or that have outlived their time.

    Args:
        clusters: live clusters with our tag.
        log_uri: where this deployment's clusters write logs; others' runs are not ours to judge.
        is_active: whether a run, by DAG id and run id, is queued or running.
        now: UTC-aware.
        max_hours: longest life of a cluster that carries no limit of its own.
    """
    found = []
    for cluster in clusters:
        if _place(cluster.log_uri) != _place(log_uri):
            _log.info("%s belongs to another deployment (logs in %s)", cluster, cluster.log_uri or "no place")
            continue
        until = _until(cluster, max_hours)
        if now > until:
            found.append(Condemned(cluster, f"it was to end by {until.isoformat()}"))
        elif not is_active(*cluster.run):
            found.append(Condemned(cluster, "its run is not active"))
    return found


def is_active(ti: Any, dag_id: str, run_id: str) -> bool:
    """Whether a DAG run is queued or running, asked through the task's own API.

    A run that was deleted counts none. An API that does not answer raises, so that nothing is ended by mistake.
    """
    return bool(dag_id and run_id and ti.get_dr_count(dag_id=dag_id, run_ids=[run_id], states=list(ACTIVE_RUNS)))


def reap(client: Any, condemned: Iterable[Condemned]) -> int:
    """End clusters; gives how many."""
    ended = 0
    for cluster, why in condemned:
        _log.warning("ending %s: %s", cluster, why)
        client.terminate_job_flows(JobFlowIds=[cluster.id])
        ended += 1
    return ended


def _until(cluster: emr.Cluster, max_hours: float) -> datetime:
    told = cluster.tags.get(TAG_MAX_UNTIL)
    try:
        until = datetime.fromisoformat(told) if told else cluster.created + timedelta(hours=max_hours)
    except ValueError:
        _log.warning("%s: tag %s=%r is not a moment", cluster, TAG_MAX_UNTIL, told)
        until = cluster.created + timedelta(hours=max_hours)
    return until if until.tzinfo else until.replace(tzinfo=UTC)


def _place(log_uri: str) -> str:
    """Bucket and folder; EMR gives ``s3://`` back as ``s3n://``."""
    parts = urlsplit(log_uri)
    return f"{parts.netloc}/{parts.path.strip('/')}"
