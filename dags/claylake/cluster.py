"""The transient EMR cluster of a plan, as requests; nothing here calls AWS."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from claylake.hadoop import cluster_configurations, node_configurations
from claylake.identity import TAG_MAX_UNTIL, name, tags
from claylake.steps import step

if TYPE_CHECKING:
    from claylake.plan import Plan

__all__ = ["name", "request", "step", "tags"]

ROOT_GIB: Final = 30
SPOT_WAIT_MIN: Final = 20
"""How long to wait for spot capacity before taking on-demand instances."""
_IDLE_SLACK_MIN: Final = 5


def request(plan: Plan, now: datetime | None = None) -> dict[str, Any]:
    """Arguments of RunJobFlow: a CPU primary node, and core nodes that extract and embed.

    The longest life counts from `now` (aware; the clock's where not given). EMR itself knows idle
    time only, so that limit is a tag, which the reaper obeys.
    """
    settings, deployed = plan.settings, plan.deployed
    cluster = settings.cluster
    until = (
        (now or datetime.now(UTC)) + timedelta(hours=cluster.max_hours, minutes=cluster.keep_cluster_minutes)
    ).astimezone(UTC)
    idle_minutes = max(cluster.idle_minutes, cluster.keep_cluster_minutes + _IDLE_SLACK_MIN)
    arguments: dict[str, Any] = {
        "Name": name(plan),
        "LogUri": deployed.log_uri.rstrip("/") + "/",
        "ReleaseLabel": deployed.release_label,
        "Applications": [{"Name": "Hadoop"}, {"Name": "Spark"}],
        "Configurations": cluster_configurations(cluster.core_type),
        "Instances": {
            "InstanceFleets": [_primary(plan), _core(plan)],
            "Ec2SubnetIds": list(deployed.subnet_ids),
            "KeepJobFlowAliveWhenNoSteps": True,
            "TerminationProtected": False,
        },
        "ServiceRole": deployed.service_role,
        "JobFlowRole": deployed.instance_profile,
        "VisibleToAllUsers": True,
        "StepConcurrencyLevel": 1,
        "EbsRootVolumeSize": ROOT_GIB,
        "AutoTerminationPolicy": {"IdleTimeout": math.ceil(idle_minutes * 60)},
        "Tags": [
            {"Key": key, "Value": value}
            for key, value in {**tags(plan), TAG_MAX_UNTIL: until.isoformat(timespec="seconds")}.items()
        ],
    }
    if deployed.security_configuration is not None:
        arguments["SecurityConfiguration"] = deployed.security_configuration
    return arguments


def _primary(plan: Plan) -> dict[str, Any]:
    return {
        "Name": "primary",
        "InstanceFleetType": "MASTER",
        "TargetOnDemandCapacity": 1,
        "InstanceTypeConfigs": [{"InstanceType": plan.settings.cluster.primary_type, "WeightedCapacity": 1}],
    }


def _core(plan: Plan) -> dict[str, Any]:
    cluster = plan.settings.cluster
    disk = {"VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": cluster.ebs_gib}, "VolumesPerInstance": 1}
    kind: dict[str, Any] = {
        "InstanceType": cluster.core_type,
        "WeightedCapacity": 1,
        "EbsConfiguration": {"EbsBlockDeviceConfigs": [disk]},
    }
    configurations = node_configurations(cluster.core_type)
    if configurations:
        kind["Configurations"] = configurations
    fleet: dict[str, Any] = {"Name": "core", "InstanceFleetType": "CORE", "InstanceTypeConfigs": [kind]}
    if not cluster.spot:
        return {**fleet, "TargetOnDemandCapacity": cluster.gpu_count}
    return {
        **fleet,
        "TargetSpotCapacity": cluster.gpu_count,
        "LaunchSpecifications": {
            "SpotSpecification": {
                "TimeoutDurationMinutes": SPOT_WAIT_MIN,
                "TimeoutAction": "SWITCH_TO_ON_DEMAND",
                "AllocationStrategy": "price-capacity-optimized",
            }
        },
    }
