"""Hadoop and YARN settings for GPU nodes (AWS: "Using Nvidia Spark-RAPIDS Accelerator for Spark", EMR guide).

A NodeManager told to use GPUs that finds none exits: so what names GPUs belongs to GPU instance
types only, and what the resource manager must know belongs to the cluster.
"""

from __future__ import annotations

from typing import Any, Final

from claylake.instances import instance

CGROUP_MOUNT: Final = "/spark-rapids-cgroup"

_Classification = dict[str, Any]


def _classification(name: str, properties: dict[str, str], *nested: _Classification) -> _Classification:
    return {"Classification": name, "Properties": properties, "Configurations": list(nested)}


def cluster_configurations(core_type: str) -> list[_Classification]:
    """What every node gets: the Glue catalog is Iceberg's business, so only YARN's GPU resource is here."""
    if not instance(core_type).gpus:
        return []
    calculator = "org.apache.hadoop.yarn.util.resource.DominantResourceCalculator"
    return [
        _classification("yarn-site", {"yarn.resource-types": "yarn.io/gpu"}),
        _classification("capacity-scheduler", {"yarn.scheduler.capacity.resource-calculator": calculator}),
    ]


def node_configurations(instance_type: str) -> list[_Classification]:
    """What nodes of one instance type get: GPU discovery and isolation, or nothing."""
    if not instance(instance_type).gpus:
        return []
    executor = "org.apache.hadoop.yarn.server.nodemanager.LinuxContainerExecutor"
    return [
        _classification("spark", {"enableSparkRapids": "true"}),
        _classification(
            "yarn-site",
            {
                "yarn.nodemanager.resource-plugins": "yarn.io/gpu",
                "yarn.resource-types": "yarn.io/gpu",
                "yarn.nodemanager.resource-plugins.gpu.allowed-gpu-devices": "auto",
                "yarn.nodemanager.resource-plugins.gpu.path-to-discovery-executables": "/usr/bin",
                "yarn.nodemanager.linux-container-executor.cgroups.mount": "true",
                "yarn.nodemanager.linux-container-executor.cgroups.mount-path": CGROUP_MOUNT,
                "yarn.nodemanager.linux-container-executor.cgroups.hierarchy": "yarn",
                "yarn.nodemanager.container-executor.class": executor,
            },
        ),
        _classification(
            "container-executor",
            {},
            _classification("gpu", {"module.enabled": "true"}),
            _classification("cgroups", {"root": CGROUP_MOUNT, "yarn-hierarchy": "yarn"}),
        ),
    ]
