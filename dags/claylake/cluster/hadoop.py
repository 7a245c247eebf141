"""Hadoop, YARN and Spark settings of a cluster (AWS: "Using Nvidia Spark-RAPIDS Accelerator for Spark", EMR guide).

A NodeManager configured for GPUs that finds none exits. So the GPU settings stand for the whole
cluster, as AWS documents them, where every worker has GPUs; and on the GPU instance types alone
where only some have. What the resource manager must know always belongs to the cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from claylake.configuration.settings import Layout

CGROUP_MOUNT: Final = "/spark-rapids-cgroup"
_GPU: Final = "yarn.io/gpu"
_CALCULATOR: Final = "org.apache.hadoop.yarn.util.resource.DominantResourceCalculator"
_EXECUTOR: Final = "org.apache.hadoop.yarn.server.nodemanager.LinuxContainerExecutor"
_GLUE: Final = "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
_TYPES: Final = {"yarn.resource-types": _GPU}

_Classification = dict[str, Any]


def _classification(name: str, properties: dict[str, str], *nested: _Classification) -> _Classification:
    return {"Classification": name, "Properties": properties, "Configurations": list(nested)}


def cluster_configurations(layout: Layout) -> list[_Classification]:
    """What every node gets."""
    if layout == "cpu":
        return _common()
    resources = [] if layout == "all_gpu" else [_classification("yarn-site", _TYPES)]
    everywhere = _gpu() if layout == "all_gpu" else []
    scheduler = _classification("capacity-scheduler", {"yarn.scheduler.capacity.resource-calculator": _CALCULATOR})
    return [*_common(), *everywhere, *resources, scheduler]


def gpu_type_configurations(layout: Layout) -> list[_Classification]:
    """What GPU instance types get beyond that: the GPU settings, unless the whole cluster has them."""
    return _gpu() if layout == "split" else []


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
    """GPU drivers, discovery and isolation, as AWS documents them; the RAPIDS SQL plugin is not loaded."""
    node = {
        "yarn.nodemanager.resource-plugins": _GPU,
        **_TYPES,
        "yarn.nodemanager.resource-plugins.gpu.allowed-gpu-devices": "auto",
        "yarn.nodemanager.resource-plugins.gpu.path-to-discovery-executables": "/usr/bin",
        "yarn.nodemanager.linux-container-executor.cgroups.mount": "true",
        "yarn.nodemanager.linux-container-executor.cgroups.mount-path": CGROUP_MOUNT,
        "yarn.nodemanager.linux-container-executor.cgroups.hierarchy": "yarn",
        "yarn.nodemanager.container-executor.class": _EXECUTOR,
    }
    return [
        _classification("spark", {"enableSparkRapids": "true"}),
        _classification("yarn-site", node),
        _classification(
            "container-executor",
            {},
            _classification("gpu", {"module.enabled": "true"}),
            _classification("cgroups", {"root": CGROUP_MOUNT, "yarn-hierarchy": "yarn"}),
        ),
    ]
