"""What a cluster used: instance-hours, dollars and an estimate of energy, from EMR's own record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from claylake.estimate import instances_of, usd_per_hour
from claylake.instances import instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from claylake.settings import Settings

WATTS_PER_VCPU: Final = 5.0
"""Processor, memory and the node's share of the rest, at work."""
WATTS_PER_GPU: Final = {"g4dn": 70.0, "g5": 150.0, "g6": 72.0, "g6e": 350.0}
"""Board power by the makers' data sheets: T4, A10G, L4, L40S."""
UNKNOWN_GPU_WATTS: Final = 300.0
PUE: Final = 1.15
"""A data centre's power over that of its computers."""


@dataclass(frozen=True)
class Usage:
    """What one cluster used. `started` is when EMR took the request, `ended` its end or now (UTC)."""

    cluster_id: str
    state: str
    started: datetime
    ended: datetime
    instance_hours: dict[str, float]
    usd: float
    kwh: float
    assumptions: tuple[str, ...]


def usage_of(cluster: Mapping[str, Any], settings: Settings, now: datetime) -> Usage:
    """Read what DescribeCluster tells (its ``Cluster``); a cluster without an end is counted up to `now`."""
    status = cluster.get("Status", {})
    timeline = status.get("Timeline", {})
    started = moment(timeline.get("CreationDateTime")) or now
    ended = moment(timeline.get("EndDateTime")) or now
    hours = max(0.0, (ended - started).total_seconds() / 3600)
    counts = instances_of(settings)
    market = f"spot at {settings.prices.spot_factor:g} of on demand" if settings.cluster.spot else "on demand"
    return Usage(
        cluster_id=str(cluster.get("Id", "")),
        state=str(status.get("State", "unknown")),
        started=started,
        ended=ended,
        instance_hours={kind: hours * count for kind, count in counts.items()},
        usd=hours * usd_per_hour(settings),
        kwh=hours * sum(_watts(kind) * count for kind, count in counts.items()) * PUE / 1000,
        assumptions=(
            "every instance from the cluster's creation to its end, as requested",
            f"list prices of the settings, core nodes {market}; storage, requests and disks are not included",
            f"energy: {WATTS_PER_VCPU:g} W per vCPU, GPUs at board power, PUE {PUE:g}",
        ),
    )


def stage_seconds(steps: Iterable[Mapping[str, Any]], names: Iterable[str], now: datetime) -> dict[str, float]:
    """Wall seconds of each stage of `names`, over all attempts, from ListSteps' entries.

    A step is called ``claylake <stage> <run>``, with ``#<attempt>`` perhaps.
    """
    known = tuple(names)
    seconds: dict[str, float] = {}
    for step in steps:
        words = str(step.get("Name", "")).split()
        timeline = step.get("Status", {}).get("Timeline", {})
        begun = moment(timeline.get("StartDateTime"))
        stage = words[1] if len(words) > 1 else ""
        if begun is not None and stage in known:
            ended = moment(timeline.get("EndDateTime")) or now
            seconds[stage] = seconds.get(stage, 0.0) + max(0.0, (ended - begun).total_seconds())
    return seconds


def moment(value: object) -> datetime | None:
    """An AWS timestamp, UTC; None where there is none."""
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _watts(kind: str) -> float:
    node = instance(kind)
    return node.vcpus * WATTS_PER_VCPU + node.gpus * WATTS_PER_GPU.get(node.family, UNKNOWN_GPU_WATTS)
