"""The instance fleets of a cluster, as requests: primary, core, and GPU nodes that join later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from claylake.cluster.disks import disk_gib
from claylake.cluster.hadoop import type_configurations
from claylake.cluster.shape import shape_of

if TYPE_CHECKING:
    from claylake.cluster.shape import Nodes
    from claylake.configuration.instances import Instance
    from claylake.plan import Plan

GPU_FLEET: Final = "gpus"
SPOT_WAIT_MIN: Final = 20
"""How long to wait for spot capacity before taking on-demand instances."""
BOOT_MIN: Final = 15
"""From an instance's start to its work: boot, bootstrap, drivers."""


def primary_fleet(plan: Plan) -> dict[str, Any]:
    """One node on demand, without which the cluster ends."""
    kind = shape_of(plan.settings.cluster, plan.layout).primary
    return {
        "Name": "primary",
        "InstanceFleetType": "MASTER",
        "TargetOnDemandCapacity": 1,
        "TargetSpotCapacity": 0,
        "InstanceTypeConfigs": [{"InstanceType": kind.name, "WeightedCapacity": 1}],
        "LaunchSpecifications": {"OnDemandSpecification": {"AllocationStrategy": "lowest-price"}},
    }


def core_fleet(plan: Plan) -> dict[str, Any]:
    """The nodes that extract, and that embed unless GPU nodes join."""
    nodes = shape_of(plan.settings.cluster, plan.layout).core
    return {"Name": "core", "InstanceFleetType": "CORE", **_fleet(plan, nodes)}


def gpu_fleet(plan: Plan) -> dict[str, Any] | None:
    """The GPU nodes that join for embedding (AddInstanceFleet); None in layouts where none do.

    EMR's own switch to on-demand instances works for a cluster's first fleets only, so the
    specification for later sizes is given too, and who adds the fleet has to switch.
    """
    nodes = shape_of(plan.settings.cluster, plan.layout).task
    if nodes is None:
        return None
    spot = {"TimeoutDurationMinutes": SPOT_WAIT_MIN, "AllocationStrategy": "price-capacity-optimized"}
    on_demand = {"TimeoutDurationMinutes": SPOT_WAIT_MIN, "AllocationStrategy": "lowest-price"}
    resize = {"SpotResizeSpecification": spot, "OnDemandResizeSpecification": on_demand}
    fleet = _fleet(plan, nodes)
    return {"Name": GPU_FLEET, "InstanceFleetType": "TASK", **fleet, "ResizeSpecifications": resize}


def _fleet(plan: Plan, nodes: Nodes) -> dict[str, Any]:
    spot = plan.settings.cluster.spot
    launch: dict[str, Any] = {"OnDemandSpecification": {"AllocationStrategy": "lowest-price"}}
    if spot:
        launch["SpotSpecification"] = {
            "TimeoutDurationMinutes": SPOT_WAIT_MIN,
            "TimeoutAction": "SWITCH_TO_ON_DEMAND",
            "AllocationStrategy": "price-capacity-optimized",
        }
    return {
        "TargetOnDemandCapacity": 0 if spot else nodes.units,
        "TargetSpotCapacity": nodes.units if spot else 0,
        "InstanceTypeConfigs": [_type(plan, nodes, kind) for kind in nodes.types],
        "LaunchSpecifications": launch,
    }


def _type(plan: Plan, nodes: Nodes, kind: Instance) -> dict[str, Any]:
    # Without a throughput gp3 has 125 MiB/s, whatever the node's own bandwidth: shuffles and sorts would wait for it.
    volume = {
        "VolumeType": "gp3",
        "SizeInGB": disk_gib(plan.settings.cluster, plan.estimate.store_gb, nodes),
        "Throughput": plan.settings.cluster.ebs_mib_s,
    }
    disk = {"VolumeSpecification": volume, "VolumesPerInstance": 1}
    return {
        "InstanceType": kind.name,
        "WeightedCapacity": nodes.weight(kind),
        "EbsConfiguration": {"EbsBlockDeviceConfigs": [disk]},
        "Configurations": type_configurations(shape_of(plan.settings.cluster, plan.layout), kind),
    }
