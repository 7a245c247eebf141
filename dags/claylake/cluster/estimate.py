"""What a run will take: a pure function of what there is to do, the settings and the cluster's layout.

Rates and sizes are estimates, not promises; each is named among the assumptions that an estimate
carries. Sizes were measured on real Sentinel-2 pixels (a chip as Blosc2 takes 465 kB, its preview
12 kB); GPU rates are derived from Clay large's 0.75 TFLOP per chip (2 x 311 M weights x 1,025
tokens, and attention) at 40 % of each GPU's dense peak. Of several instance types the slowest and
the dearest count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claylake.cluster import prices
from claylake.cluster.disks import disks_usd, writing_h
from claylake.cluster.interruptions import EMBED_COMMIT_CHIPS, EXTRACT_COMMIT_H, REPLACE_H, lost_h
from claylake.cluster.memory import require_fit
from claylake.cluster.shape import Shape, shape_of
from claylake.plan import Estimate

if TYPE_CHECKING:
    from claylake.cluster.shape import Nodes
    from claylake.configuration.instances import Instance
    from claylake.configuration.settings import Layout, Settings

READ_MB_PER_CHIP: Final = 0.45
READ_MB_PER_OBSERVATION: Final = 0.02
"""SCL of one cell: 128 x 128 bytes before compression."""
STORE_MB_PER_CHIP: Final = 0.48
STORE_MB_PER_VECTOR: Final = 0.005
EXTRACT_CHIPS_S_VCPU: Final = 20.0
"""180 were measured on one core from local disk; a network and a shared node leave less."""
PARTS_PER_SCENE: Final = 6
"""Tasks into which a scene is cut at most where there are more processors than scenes: rows of geohash prefixes."""
OBSERVATIONS_S_VCPU: Final = 200.0
CPU_CHIPS_S_VCPU: Final = 0.16
"""Clay large in fp32 took 3 s a chip on two cores."""
AMX_CHIPS_S_VCPU: Final = 0.6
"""In bf16, on a processor with AMX: 0.75 s a chip on two cores."""
AMX_FAMILIES: Final = ("c7i", "m7i", "r7i", "c8i", "m8i", "r8i")
GPU_CHIPS_S: Final = {"g4dn": (4.0, 30.0), "g5": (15.0, 35.0), "g6": (15.0, 60.0), "g6e": (45.0, 150.0)}
"""Chips per second and GPU: (fp32, 16 bit)."""
UNKNOWN_GPU_CHIPS_S: Final = (10.0, 30.0)
START_H: Final = 0.25
FINISH_H: Final = 0.15
"""To publish and maintain, beside the time that maintenance waits for disks."""
GPU_START_H: Final = 0.2
"""Until GPU nodes that join later can work; the others wait meanwhile."""
_SIZES: Final = (
    "chips: each observation weighted by the clear share that the catalogue gives for its scene",
    f"reading: {READ_MB_PER_CHIP} MB per chip, {READ_MB_PER_OBSERVATION} MB per observation",
    f"storing: {STORE_MB_PER_CHIP} MB per chip",
)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What there is to do. `vectors` = chips that need a vector, new and existing."""

    scenes: int
    cells: int
    candidates: int
    chips: int
    vectors: int


def estimate(load: Workload, settings: Settings, layout: Layout | None = None) -> Estimate:
    """Counts, gigabytes, hours and US dollars of one run; all zero where there is nothing to do.

    Args:
        load: what there is to do.
        settings: of the run.
        layout: of the cluster; None for that of the settings.

    Raises:
        BadInputError: an instance type has too little memory for the steps.
    """
    shape = shape_of(settings.cluster, layout or settings.cluster.layout)
    require_fit(shape)
    precision = settings.encoder.precision
    idle = load.scenes == 0 and load.vectors == 0
    observe_h = load.candidates / OBSERVATIONS_S_VCPU / max(min(_vcpus(shape.core), load.scenes), 1) / 3600
    extract_h = observe_h + load.chips / EXTRACT_CHIPS_S_VCPU / max(_readers(load, shape), 1) / 3600
    rate = embed_rate(shape.embedders, precision) * shape.embedders.units * 3600
    counts = _counts(load)
    finish_h = FINISH_H + writing_h(settings.cluster, counts["store_gb"], shape.core)
    embed_lost_h = lost_h(settings, [(load.vectors / rate, EMBED_COMMIT_CHIPS / rate)])
    other_lost_h = lost_h(settings, [(extract_h, EXTRACT_COMMIT_H), (finish_h, finish_h)])
    embed_h = load.vectors / rate + embed_lost_h
    task_h = 0.0 if idle or shape.task is None else GPU_START_H + embed_h
    gpus = shape.embedders.units if shape.embedders.has_gpus else 0
    kept_h = settings.cluster.keep_cluster_minutes / 60
    hours = 0.0 if idle else START_H + extract_h + (task_h or embed_h) + finish_h + other_lost_h + kept_h
    disks = disks_usd(settings, shape, counts["store_gb"], hours=hours, task_hours=task_h)
    return Estimate(
        **counts,
        gpu_hours=(task_h if shape.task else hours) * gpus,
        cluster_hours=hours,
        lost_hours=0.0 if idle else embed_lost_h + other_lost_h,
        usd=prices.cluster_usd(settings, shape, hours=hours, task_hours=task_h) + disks,
        disks_usd=disks,
        instances={} if idle else _instances(shape, settings),
        assumptions=() if idle else _assumptions(load, shape, settings),
    )


def without_cluster(load: Workload) -> Estimate:
    """Counts and gigabytes of a run on this machine, which costs neither hours of instances nor dollars."""
    return Estimate(
        **_counts(load),
        gpu_hours=0.0,
        cluster_hours=0.0,
        usd=0.0,
        instances={},
        assumptions=() if load.scenes == 0 and load.vectors == 0 else _SIZES,
    )


def _counts(load: Workload) -> dict[str, Any]:
    """What an estimate says of the work itself, wherever it is done."""
    return {
        "scenes": load.scenes,
        "cells": load.cells,
        "candidates": load.candidates,
        "chips": load.chips,
        "read_gb": (load.candidates * READ_MB_PER_OBSERVATION + load.chips * READ_MB_PER_CHIP) / 1000,
        "store_gb": (load.chips * STORE_MB_PER_CHIP + load.vectors * STORE_MB_PER_VECTOR) / 1000,
    }


def _instances(shape: Shape, settings: Settings) -> dict[str, int]:
    """Counts by type, primary node included."""
    workers = prices.counts(settings, shape.core, shape.task)
    return {**workers, shape.primary.name: workers.get(shape.primary.name, 0) + 1}


def embed_rate(nodes: Nodes, precision: str) -> float:
    """Chips per second and unit, on the slowest of the nodes' types."""
    return min(_rate(kind, precision) / nodes.weight(kind) for kind in nodes.types)


def _rate(kind: Instance, precision: str) -> float:
    """Chips per second and node; ``auto`` means 16 bit where the processor is good at it."""
    if not kind.gpus:
        fast = precision != "fp32" and kind.family.removesuffix("-flex") in AMX_FAMILIES
        return (AMX_CHIPS_S_VCPU if fast else CPU_CHIPS_S_VCPU) * kind.vcpus
    full, half = GPU_CHIPS_S.get(kind.family, UNKNOWN_GPU_CHIPS_S)
    return (full if precision == "fp32" else half) * kind.gpus


def _vcpus(nodes: Nodes) -> float:
    """Processors of all units, on the types that have fewest."""
    return nodes.units * min(kind.vcpus / nodes.weight(kind) for kind in nodes.types)


def _readers(load: Workload, shape: Shape) -> float:
    """Processors that can read at a time: with few scenes others wait."""
    return min(_vcpus(shape.core), load.scenes * PARTS_PER_SCENE)


def _assumptions(load: Workload, shape: Shape, settings: Settings) -> tuple[str, ...]:
    precision = settings.encoder.precision
    unit = "GPU" if shape.embedders.has_gpus else "CPU node"
    kinds = " or ".join(kind.name for kind in shape.embedders.types)
    rate = embed_rate(shape.embedders, precision)
    fee = f"EMR fee {settings.prices.emr_factor:.0%} of on demand"
    readers = _readers(load, shape)
    few = f", of which the scenes give work to {readers:g}" if 0 < readers < _vcpus(shape.core) else ""
    joining = f", {GPU_START_H:g} h for GPU nodes to join" if shape.task else ""
    cluster = settings.cluster
    waits = writing_h(cluster, _counts(load)["store_gb"], shape.core)
    spot = settings.prices.spot_interruptions_h
    losses = (f"of spot nodes {spot:.2%} are lost an hour, each replaced in {REPLACE_H:g} h",) if cluster.spot else ()
    return (
        *_SIZES,
        f"extraction {EXTRACT_CHIPS_S_VCPU:g} chips/s per vCPU, {_vcpus(shape.core):g} vCPUs on core nodes{few}",
        f"embedding {rate:g} chips/s per {unit} of {kinds} in {precision}, Clay large",
        f"{START_H:g} h to start{joining}, {FINISH_H:g} h to publish and maintain, and {waits:.2g} h for disks",
        *losses,
        f"list prices of the settings, {prices.market(settings)}, {fee}",
        "of several instance types the slowest and the dearest count",
        f"with disks (gp3 at {cluster.ebs_mib_s} MiB/s); storage, requests and data transfer are not included",
    )
