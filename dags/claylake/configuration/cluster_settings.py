"""The settings' section on the cluster: its layout, instance types, sizes and limits."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, field_validator

from claylake.configuration.instances import instance
from claylake.configuration.section import Section, setting
from claylake.vocabulary import STEPS

if TYPE_CHECKING:
    from collections.abc import Mapping

Layout = Literal["all_gpu", "split", "cpu"]
MOST_UNITS = 64
"""Of a fleet."""
MOST_TYPES = 30
"""EMR takes so many instance types in one fleet."""
Minutes = Annotated[float, Field(gt=0)]
STALLED_MINUTES: Final[Mapping[str, float]] = MappingProxyType(
    {"extract": 45, "embed": 60, "publish": 90, "maintain": 240}
)
"""One procedure of maintenance may take hours on the driver; an encoder is loaded and timed before the first chip."""
InstanceTypes = Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_TYPES)]


class Cluster(Section):
    """The transient EMR cluster."""

    layout: Layout = setting(
        "all_gpu",
        "`all_gpu`: every core node has GPUs; `split`: CPU core nodes, and GPU nodes that join for embedding only; "
        "`cpu`: no GPUs.",
    )
    compute: Literal["fixed", "auto"] = setting(
        "fixed", "`fixed` takes the layout above; `auto` takes `cpu` instead where the estimate is lower."
    )
    primary_type: str = setting("m7i.xlarge", "Instance type of the primary node: one without GPUs.")
    gpu_types: InstanceTypes = setting(
        ("g6.2xlarge", "g5.2xlarge", "g6.4xlarge", "g5.4xlarge", "g6.12xlarge", "g5.12xlarge"),
        "Instance types of GPU nodes, of which EMR takes what is cheap and available; each needs a price. Executors "
        "are made for the smallest; types with more GPUs than `gpu_count` are left out.",
    )
    cpu_types: InstanceTypes = setting(
        ("m7i.2xlarge", "r7i.2xlarge", "m7i.4xlarge", "r7i.4xlarge"),
        "The same of nodes without GPUs, in the layouts `split` and `cpu`.",
    )
    gpu_count: int = setting(1, "How many GPUs.", unit="GPUs", ge=1, le=MOST_UNITS)
    cpu_count: int = setting(
        1,
        "How many nodes of the smallest of `cpu_types`, in the layouts `split` and `cpu`.",
        unit="nodes",
        ge=1,
        le=MOST_UNITS,
    )
    counts: Literal["fixed", "auto"] = setting(
        "fixed",
        "`fixed` takes these numbers; `auto` takes the larger ones that `gate` would suggest: those that halve the "
        "hours or better, and cost at most 5 % more.",
    )
    spot: bool = setting(
        True, "Spot instances for all but the primary node; on demand is the fallback where no spot capacity comes."
    )
    lone_spot: Literal["warn", "refuse"] = setting(
        "warn", "What `gate` does about one spot node that would work alone for longer than `lone_spot_hours`."
    )
    lone_spot_hours: float = setting(4.0, "How long one spot node may work alone.", unit="hours", gt=0)
    keep_cluster_minutes: int = setting(
        0, "How long the cluster stays after its work; it costs all the while.", unit="minutes", ge=0, le=720
    )
    idle_minutes: int = setting(60, "EMR ends a cluster that idles this long.", unit="minutes", ge=5, le=1440)
    max_hours: int = setting(
        12, "No cluster lives longer; a run whose estimate is longer fails in `gate`.", unit="hours", ge=1, le=72
    )
    executor_minutes: Minutes = setting(
        10, "A step that has no executor for so long is ended, with the resource manager's numbers.", unit="minutes"
    )
    stalled_minutes: dict[str, Minutes] = setting(
        dict(STALLED_MINUTES),
        "By step: one in which no task has finished and no byte was moved for so long is ended. Steps that are left "
        "out keep their limit.",
        unit="minutes",
    )
    max_clusters: int = setting(
        2, "Clusters of claylake that may be alive at the same time; a further run waits.", unit="clusters", ge=1, le=50
    )
    ebs_gib: int | None = setting(None, "Disk of each node; null sizes it by the estimate.", unit="GiB", ge=30, le=2000)
    ebs_mib_s: int = setting(
        250,
        "Throughput of that disk (gp3; 125 are in its price, more cost by the month).",
        unit="MiB/s",
        ge=125,
        le=750,
    )

    @field_validator("primary_type")
    @classmethod
    def _primary(cls, value: str) -> str:
        if instance(value).gpus:
            msg = f"the primary node runs no executor, and {value} has GPUs: use a CPU type such as m7i.xlarge"
            raise ValueError(msg)
        return value

    @field_validator("stalled_minutes")
    @classmethod
    def _of_steps(cls, value: dict[str, float]) -> dict[str, float]:
        unknown = [name for name in value if name not in STEPS]
        if unknown:
            msg = f"{', '.join(unknown)} is no step: there are {', '.join(STEPS)}"
            raise ValueError(msg)
        return {**STALLED_MINUTES, **value}

    @field_validator("gpu_types", "cpu_types")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            msg = f"give each instance type once, got {', '.join(value)}"
            raise ValueError(msg)
        return value

    @field_validator("gpu_types")
    @classmethod
    def _with_gpus(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        without = [name for name in value if not instance(name).gpus]
        if without:
            msg = f"{', '.join(without)} has no GPU: use types such as g6.2xlarge, or set cluster.layout to cpu"
            raise ValueError(msg)
        return value

    @field_validator("cpu_types")
    @classmethod
    def _without_gpus(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        gpus = [name for name in value if instance(name).gpus]
        if gpus:
            msg = f"{', '.join(gpus)} has GPUs that nothing here would use: move it to cluster.gpu_types"
            raise ValueError(msg)
        return value

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """The layouts that a plan chooses among, the preferred one first."""
        return (self.layout, "cpu") if self.compute == "auto" and self.layout != "cpu" else (self.layout,)

    @property
    def types(self) -> tuple[str, ...]:
        """Every instance type that a plan may come to use."""
        gpu = self.gpu_types if set(self.layouts) & {"all_gpu", "split"} else ()
        cpu = self.cpu_types if set(self.layouts) & {"cpu", "split"} else ()
        return (self.primary_type, *gpu, *cpu)
