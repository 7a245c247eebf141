"""What a run will take: a pure function of what there is to do and the settings.

Rates and sizes are estimates, not promises; each is named among the assumptions that an estimate
carries. Sizes were measured on real Sentinel-2 pixels (a chip as Blosc2 takes 465 kB, its preview
12 kB); GPU rates are derived from Clay large's 0.75 TFLOP per chip (2 x 311 M weights x 1,025
tokens, and attention) at 40 % of each GPU's dense peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claylake.instances import Instance, instance
from claylake.plan import Estimate

if TYPE_CHECKING:
    from claylake.settings import Settings

READ_MB_PER_CHIP: Final = 0.45
READ_MB_PER_LOOK: Final = 0.02
"""SCL of one cell: 128 x 128 bytes before compression."""
STORE_MB_PER_CHIP: Final = 0.48
STORE_MB_PER_VECTOR: Final = 0.005
EXTRACT_CHIPS_S_VCPU: Final = 20.0
"""180 were measured on one core from local disk; a network and a shared node leave less."""
OBSERVE_LOOKS_S_VCPU: Final = 200.0
CPU_CHIPS_S_VCPU: Final = 0.16
"""Clay large in fp32 took 3 s a chip on two cores with AMX."""
GPU_CHIPS_S: Final = {"g4dn": (4.0, 30.0), "g5": (15.0, 35.0), "g6": (15.0, 60.0), "g6e": (45.0, 150.0)}
"""Chips per second and GPU: (fp32, 16 bit)."""
UNKNOWN_GPU_CHIPS_S: Final = (10.0, 30.0)
START_H: Final = 0.25
FINISH_H: Final = 0.15


@dataclass(frozen=True)
class Workload:
    """What there is to do. `vectors` = chips that will want a vector, new and old."""

    scenes: int
    cells: int
    candidates: int
    chips: int
    vectors: int


def estimate(load: Workload, settings: Settings) -> Estimate:
    """Counts, gigabytes, hours and US dollars of one run; all zero where there is nothing to do."""
    cluster = settings.cluster
    core = instance(cluster.core_type)
    idle = load.scenes == 0 and load.vectors == 0
    vcpus = core.vcpus * cluster.gpu_count
    extract_h = (load.candidates / OBSERVE_LOOKS_S_VCPU + load.chips / EXTRACT_CHIPS_S_VCPU) / vcpus / 3600
    embed_h = load.vectors / (_embed_rate(core, settings.encoder.precision) * cluster.gpu_count) / 3600
    hours = 0.0 if idle else START_H + extract_h + embed_h + FINISH_H + cluster.keep_cluster_minutes / 60
    return Estimate(
        scenes=load.scenes,
        cells=load.cells,
        candidates=load.candidates,
        chips=load.chips,
        read_gb=(load.candidates * READ_MB_PER_LOOK + load.chips * READ_MB_PER_CHIP) / 1000,
        store_gb=(load.chips * STORE_MB_PER_CHIP + load.vectors * STORE_MB_PER_VECTOR) / 1000,
        gpu_hours=0.0 if idle else hours * core.gpus * cluster.gpu_count,
        cluster_hours=hours,
        usd=hours * usd_per_hour(settings),
        instances={} if idle else instances_of(settings),
        assumptions=() if idle else _assumptions(core, settings),
    )


def instances_of(settings: Settings) -> dict[str, int]:
    """Instance counts by type, primary node included."""
    counts = {settings.cluster.primary_type: 1}
    counts[settings.cluster.core_type] = counts.get(settings.cluster.core_type, 0) + settings.cluster.gpu_count
    return counts


def usd_per_hour(settings: Settings) -> float:
    """Price of the whole cluster. EMR's fee is on the on-demand price, of spot instances too."""
    prices, cluster = settings.prices, settings.cluster
    core_factor = prices.spot_factor if cluster.spot else 1.0
    primary = prices.instance_usd_h[cluster.primary_type] * (1.0 + prices.emr_factor)
    core = prices.instance_usd_h[cluster.core_type] * (core_factor + prices.emr_factor)
    return primary + core * cluster.gpu_count


def _embed_rate(core: Instance, precision: str) -> float:
    """Chips per second and node."""
    if not core.gpus:
        return CPU_CHIPS_S_VCPU * core.vcpus
    full, half = GPU_CHIPS_S.get(core.family, UNKNOWN_GPU_CHIPS_S)
    return (full if precision == "fp32" else half) * core.gpus


def _assumptions(core: Instance, settings: Settings) -> tuple[str, ...]:
    prices = settings.prices
    market = f"spot at {prices.spot_factor:g} of on demand" if settings.cluster.spot else "on demand"
    rate = _embed_rate(core, settings.encoder.precision)
    return (
        "chips: each look weighed by the clear share that the catalogue claims for its scene",
        f"{READ_MB_PER_CHIP} MB read per chip, {READ_MB_PER_LOOK} MB per look; {STORE_MB_PER_CHIP} MB stored per chip",
        f"extraction {EXTRACT_CHIPS_S_VCPU:g} chips/s per vCPU, {core.vcpus} vCPUs per core node",
        f"embedding {rate:g} chips/s per {core.name} in {settings.encoder.precision}, Clay large",
        f"{START_H:g} h to start, {FINISH_H:g} h to publish and maintain",
        f"list prices of the settings, core nodes {market}, EMR fee {prices.emr_factor:.0%} of on demand",
        "storage, requests, disks and data transfer are not included",
    )
