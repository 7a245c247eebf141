"""The settings' section on the cluster: its layout, instance types, sizes and limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from claylake.configuration.instances import instance
from claylake.configuration.section import Section

Layout = Literal["all_gpu", "split", "cpu"]
MOST_TYPES = 30
"""EMR takes so many instance types in one fleet."""
InstanceTypes = Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_TYPES)]


class Cluster(Section):
    """The transient EMR cluster.

    `layout`: ``all_gpu`` (every core node has GPUs), ``split`` (CPU core nodes; GPU nodes join for
    embedding only) or ``cpu`` (no GPUs). `compute` ``auto`` takes ``cpu`` instead where the estimate
    is lower. Of several instance types EMR takes what is cheap and there. `gpu_count` counts GPUs,
    `cpu_count` nodes of the smallest CPU type. `ebs_gib` None sizes disks by the estimate.
    """

    layout: Layout = "all_gpu"
    compute: Literal["fixed", "auto"] = "fixed"
    primary_type: str = "m7i.xlarge"
    gpu_types: InstanceTypes = ("g6.2xlarge", "g5.2xlarge")
    cpu_types: InstanceTypes = ("m7i.2xlarge", "r7i.2xlarge")
    gpu_count: int = Field(default=1, ge=1, le=64)
    cpu_count: int = Field(default=1, ge=1, le=64)
    spot: bool = True
    keep_cluster_minutes: int = Field(default=0, ge=0, le=720)
    idle_minutes: int = Field(default=60, ge=5, le=1440)
    max_hours: int = Field(default=12, ge=1, le=72)
    max_clusters: int = Field(default=2, ge=1, le=50)
    ebs_gib: int | None = Field(default=None, ge=30, le=2000)

    @field_validator("primary_type")
    @classmethod
    def _primary(cls, value: str) -> str:
        if instance(value).gpus:
            msg = f"the primary node runs no executor, and {value} has GPUs: use a CPU type such as m7i.xlarge"
            raise ValueError(msg)
        return value

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
