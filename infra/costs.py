"""What a deployment costs, as tables for docs/deploy.md: ``python -m infra.costs`` prints them.

Per 1,000 chips: the settings' price table and the estimator's rates, as runs are estimated. At rest:
list prices of us-west-2 as noted below, none of which could be checked here.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claylake.cluster.estimate import Workload, embed_rate, estimate
from claylake.cluster.shape import shape_of
from claylake.configuration.instances import instance
from claylake.configuration.settings import Settings
from infra.cloud.config import Stage, read_stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from claylake.configuration.cluster_settings import Layout

ROOT: Final = Path(__file__).parents[1]
OBSERVATIONS_PER_CHIP: Final = 2
"""Of two observations of a cell, one is clear enough."""
# Of scenes enough that all processors have work.
THOUSAND: Final = Workload(scenes=100, cells=1000, candidates=OBSERVATIONS_PER_CHIP * 1000, chips=1000, vectors=1000)
HOURS: Final = 730.0
"""Of a month."""
MWAA_USD_H: Final = {
    "mw1.micro": 0.29,
    "mw1.small": 0.49,
    "mw1.medium": 0.74,
    "mw1.large": 0.99,
    "mw1.xlarge": 1.98,
    "mw1.2xlarge": 3.96,
}
"""With the first worker and two schedulers. Further workers cost by the hour that they run."""
NAT_USD_H: Final = 0.045
ENDPOINT_USD_H: Final = 0.01
ENDPOINTS: Final = 13
ZONES: Final = 2
KEY_USD: Final = 1.0
ALARM_USD: Final = 0.10
ALARMS: Final = 2


@dataclass(frozen=True, kw_only=True)
class Rate:
    """One instance type: chips embedded per second and node, US dollars for 1,000 chips more, and for an empty run."""

    kind: str
    chips_s: float
    spot_usd: float
    on_demand_usd: float
    run_usd: float


def rate(kind: str, precision: str) -> Rate:
    """One node of a type beside the primary node, extracting and embedding."""
    layout: Layout = "all_gpu" if instance(kind).gpus else "cpu"
    types = {"gpu_types" if layout == "all_gpu" else "cpu_types": (kind,)}

    def usd(load: Workload, *, spot: bool) -> float:
        return estimate(load, _settings(layout, types, precision, spot=spot)).usd

    settings = _settings(layout, types, precision, spot=True)
    nodes = shape_of(settings.cluster, settings.cluster.layout).embedders
    empty = Workload(scenes=1, cells=0, candidates=0, chips=0, vectors=0)
    started = usd(empty, spot=True)
    return Rate(
        kind=kind,
        chips_s=embed_rate(nodes, precision) * nodes.units,
        spot_usd=usd(THOUSAND, spot=True) - started,
        on_demand_usd=usd(THOUSAND, spot=False) - usd(empty, spot=False),
        run_usd=started,
    )


def per_thousand(precision: str = "auto") -> Iterator[str]:
    """The table by instance type, in Markdown, cheapest first."""
    yield "| instance type | embeds chips/s | 1,000 chips, spot | 1,000 chips, on demand | run's start and end |"
    yield "|---|---|---|---|---|"
    for row in sorted(
        (rate(kind, precision) for kind in Settings().prices.instance_usd_h), key=lambda row: row.spot_usd
    ):
        prices = f"{row.spot_usd:.3f} USD | {row.on_demand_usd:.3f} USD | {row.run_usd:.2f} USD"
        yield f"| {row.kind} | {row.chips_s:.3g} | {prices} |"


def at_rest(stages: Iterable[Stage]) -> Iterator[str]:
    """The table of what a month without a run costs, in Markdown."""
    found = [(stage.name, *_rest(stage)) for stage in stages]
    yield "| a month without a run | " + " | ".join(name for name, *_ in found) + " |"
    yield "|---|" + "---|" * len(found)
    labels = ("Airflow (MWAA), at the least number of workers", "NAT gateways", "interface endpoints", "key and alarms")
    for number, label in enumerate(labels, start=1):
        yield f"| {label} | " + " | ".join(f"{row[number]:.0f} USD" for row in found) + " |"
    yield "| **in all** | " + " | ".join(f"**{sum(row[1:]):.0f} USD**" for row in found) + " |"


def _rest(stage: Stage) -> tuple[float, float, float, float]:
    network = stage.network
    gateways = 0 if network.vpc_id else network.nat_gateways
    endpoints = ENDPOINTS * ZONES if network.interface_endpoints and not network.vpc_id else 0
    return (
        HOURS * MWAA_USD_H[stage.airflow.environment_class],
        HOURS * NAT_USD_H * gateways,
        HOURS * ENDPOINT_USD_H * endpoints,
        KEY_USD + ALARM_USD * ALARMS,
    )


def _settings(layout: Layout, types: Mapping[str, tuple[str, ...]], precision: str, *, spot: bool) -> Settings:
    cluster = {"layout": layout, "spot": spot, **types}
    return Settings.model_validate({"cluster": cluster, "encoder": {"precision": precision}})


def stages() -> list[Stage]:
    """The stages of cdk.json."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return [read_stage(context["stages"], name) for name in context["stages"]]


if __name__ == "__main__":
    sys.stdout.write("\n".join([*at_rest(stages()), "", *per_thousand()]) + "\n")
