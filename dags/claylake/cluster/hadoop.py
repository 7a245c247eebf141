"""Hadoop, YARN and Spark settings of a cluster (AWS: "Using Nvidia Spark-RAPIDS Accelerator for Spark", EMR guide).

A NodeManager configured for GPUs that finds none exits. So the GPU settings stand for the whole
cluster, as AWS documents them, where every worker has GPUs; and on the GPU instance types alone
where only some have. What the resource manager must know always belongs to the cluster; what a
node has, to its type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from claylake.cluster.memory import worker_types

if TYPE_CHECKING:
    from claylake.cluster.shape import Shape
    from claylake.configuration.instances import Instance

CGROUP_MOUNT: Final = "/spark-rapids-cgroup"
_GPU: Final = "yarn.io/gpu"
_CALCULATOR: Final = "org.apache.hadoop.yarn.util.resource.DominantResourceCalculator"
_EXECUTOR: Final = "org.apache.hadoop.yarn.server.nodemanager.LinuxContainerExecutor"
_GLUE: Final = "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
_TYPES: Final = {"yarn.resource-types": _GPU}
_GPU_NODE: Final = {
    "yarn.nodemanager.resource-plugins": _GPU,
    **_TYPES,
    "yarn.nodemanager.resource-plugins.gpu.allowed-gpu-devices": "auto",
    "yarn.nodemanager.resource-plugins.gpu.path-to-discovery-executables": "/usr/bin",
    "yarn.nodemanager.linux-container-executor.cgroups.mount": "true",
    "yarn.nodemanager.linux-container-executor.cgroups.mount-path": CGROUP_MOUNT,
    "yarn.nodemanager.linux-container-executor.cgroups.hierarchy": "yarn",
    "yarn.nodemanager.container-executor.class": _EXECUTOR,
}

_Classification = dict[str, Any]


def _classification(name: str, properties: dict[str, str], *nested: _Classification) -> _Classification:
    return {"Classification": name, "Properties": properties, "Configurations": list(nested)}


def cluster_configurations(shape: Shape) -> list[_Classification]:
    """What every node gets."""
    yarn = _classification("yarn-site", _cluster_yarn(shape))
    scheduler = _classification("capacity-scheduler", {"yarn.scheduler.capacity.resource-calculator": _CALCULATOR})
    return [*_common(), *(_gpu() if shape.layout == "all_gpu" else []), yarn, scheduler]


def type_configurations(shape: Shape, kind: Instance) -> list[_Classification]:
    """What nodes of one type get beyond that: YARN's memory and vCPUs, and GPU settings, unless the cluster has them.

    It repeats the cluster's `yarn-site`, so that it does not matter whether EMR merges the two or takes the type's.
    """
    only_here = shape.layout == "split" and kind.gpus > 0
    own = {
        "yarn.nodemanager.resource.memory-mb": str(kind.yarn_mib),
        "yarn.nodemanager.resource.cpu-vcores": str(kind.vcpus),
    }
    yarn = _cluster_yarn(shape) | (_GPU_NODE if only_here else {}) | own
    return [*(_gpu() if only_here else []), _classification("yarn-site", yarn)]


def _cluster_yarn(shape: Shape) -> dict[str, str]:
    """What the resource manager must know before any node has joined, and node managers where all have GPUs.

    The largest container that it grants: its default follows the node that it runs on, which is smaller than most.
    """
    kinds = worker_types(shape)
    limits = {
        "yarn.scheduler.maximum-allocation-mb": str(max(kind.yarn_mib for kind in kinds)),
        "yarn.scheduler.maximum-allocation-vcores": str(max(kind.vcpus for kind in kinds)),
    }
    if shape.layout == "cpu":
        return limits
    return limits | (_GPU_NODE if shape.layout == "all_gpu" else _TYPES)


def _common() -> list[_Classification]:
    """Quiet logs, and Glue where Spark's own catalogue would look for a Hive metastore.

    YARN's client still logs at info: only its messages name the application whose container has the
    job's own log.
    """
    quiet = {
        "rootLogger.level": "warn",
        "logger.yarnclient.name": "org.apache.spark.deploy.yarn.Client",
        "logger.yarnclient.level": "info",
    }
    return [
        _classification("spark-log4j2", quiet),
        _classification("spark-hive-site", {"hive.metastore.client.factory.class": _GLUE}),
    ]


def _gpu() -> list[_Classification]:
    """GPU drivers and isolation, as AWS documents them; the RAPIDS SQL plugin is not loaded."""
    return [
        _classification("spark", {"enableSparkRapids": "true"}),
        _classification(
            "container-executor",
            {},
            _classification("gpu", {"module.enabled": "true"}),
            _classification("cgroups", {"root": CGROUP_MOUNT, "yarn-hierarchy": "yarn"}),
        ),
    ]
