"""What a cluster used: instance-hours, dollars and an estimate of energy, from EMR's records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from claylake.cluster import prices
from claylake.cluster.disks import node_disks_usd_h
from claylake.cluster.shape import shape_of
from claylake.configuration.instances import instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from claylake.cluster.shape import Shape
    from claylake.plan import Plan

WATTS_PER_VCPU: Final = 5.0
"""Processor, memory and the node's share of the rest, at work."""
WATTS_PER_GPU: Final = {"g4dn": 70.0, "g5": 150.0, "g6": 72.0, "g6e": 350.0}
"""Board power by the makers' data sheets: T4, A10G, L4, L40S."""
UNKNOWN_GPU_WATTS: Final = 300.0
PUE: Final = 1.15
"""A data centre's power over that of its computers."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one cluster used. `started` is when EMR took the request, `ended` its end or now (UTC).

    `spot_hours`: what of `instance_hours` were spot instances, by type; `fallback_hours`: what of them were on demand
    although spot instances were requested, as far as EMR has records.
    """

    cluster_id: str
    state: str
    started: datetime
    ended: datetime
    instance_hours: dict[str, float]
    spot_hours: dict[str, float]
    fallback_hours: dict[str, float]
    usd: float
    kwh: float
    assumptions: tuple[str, ...]


def usage_of(
    cluster: Mapping[str, Any], plan: Plan, now: datetime, instances: Sequence[Mapping[str, Any]] = ()
) -> Usage:
    """Read EMR's answers; what has no end is counted up to `now`.

    Args:
        cluster: ``Cluster`` of DescribeCluster.
        plan: the run's plan.
        now: aware.
        instances: ``Instances`` of ListInstances; where there are none, every instance that was
            requested counts as long as the cluster.
    """
    status = cluster.get("Status", {})
    started, ended = _span(status, now)
    spent = _recorded(instances, now) if instances else _requested(plan, (ended - started).total_seconds() / 3600)
    hours: dict[str, float] = {}
    spot_hours: dict[str, float] = {}
    for kind, spot, lived in spent:
        hours[kind] = hours.get(kind, 0.0) + lived
        if spot:
            spot_hours[kind] = spot_hours.get(kind, 0.0) + lived
    shape = shape_of(plan.settings.cluster, plan.layout)
    basis = (
        "every instance from its start to its end, by EMR's records"
        if instances
        else ("every instance from the cluster's creation to its end, as requested")
    )
    return Usage(
        cluster_id=str(cluster.get("Id", "")),
        state=str(status.get("State", "unknown")),
        started=started,
        ended=ended,
        instance_hours=hours,
        spot_hours=spot_hours,
        fallback_hours=_fallback(spent, plan) if instances else {},
        usd=sum(lived * _usd_h(plan, shape, kind, spot=spot) for kind, spot, lived in spent),
        kwh=sum(_watts(kind) * lived for kind, _, lived in spent) * PUE / 1000,
        assumptions=(
            basis,
            f"list prices of the settings; requested: {prices.market(plan.settings)}; disks too, no S3 or requests",
            f"energy: {WATTS_PER_VCPU:g} W per vCPU, GPUs at board power, PUE {PUE:g}",
        ),
    )


def _usd_h(plan: Plan, shape: Shape, kind: str, *, spot: bool) -> float:
    """US dollars per hour of one node with its disks."""
    disks = node_disks_usd_h(plan.settings, shape, plan.estimate.store_gb, kind)
    return prices.node_usd_h(plan.settings, kind, spot=spot) + disks


def _span(status: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """From creation to end; at least nothing."""
    timeline = status.get("Timeline", {})
    started = moment(timeline.get("CreationDateTime")) or now
    return started, max(started, moment(timeline.get("EndDateTime")) or now)


def _recorded(instances: Sequence[Mapping[str, Any]], now: datetime) -> list[tuple[str, bool, float]]:
    """Type, whether it was a spot instance, and hours, of each instance."""
    found = []
    for each in instances:
        started, ended = _span(each.get("Status", {}), now)
        hours = (ended - started).total_seconds() / 3600
        found.append((str(each["InstanceType"]), each.get("Market") == "SPOT", hours))
    return found


def _fallback(spent: Sequence[tuple[str, bool, float]], plan: Plan) -> dict[str, float]:
    """Hours on demand by type, but for the primary node's: of its type the instance that lived longest."""
    if not plan.settings.cluster.spot:
        return {}
    primary = plan.settings.cluster.primary_type
    on_demand = sorted(((kind, lived) for kind, spot, lived in spent if not spot), key=lambda one: one[1])
    found: dict[str, float] = {}
    for kind, lived in reversed(on_demand):
        if kind == primary:
            primary = ""
        elif lived:
            found[kind] = found.get(kind, 0.0) + lived
    return found


def _requested(plan: Plan, hours: float) -> list[tuple[str, bool, float]]:
    """The same of each group of requested nodes."""
    shape = shape_of(plan.settings.cluster, plan.layout)
    workers = prices.counts(plan.settings, shape.core, shape.task)
    spot = plan.settings.cluster.spot
    return [(shape.primary.name, False, hours), *((kind, spot, hours * count) for kind, count in workers.items())]


def stage_seconds(steps: Iterable[Mapping[str, Any]], names: Iterable[str], now: datetime) -> dict[str, float]:
    """Wall seconds of each stage of `names`, over all attempts, from ListSteps' entries.

    Args:
        steps: those of one cluster, called ``claylake <stage> <run>``, with ``#<attempt>`` perhaps.
        names: of the stages; other steps are left out.
        now: aware; stands for the end of a step that still runs.
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
