"""The transient EMR cluster of a plan, as requests; nothing here calls AWS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from claylake.cluster.disks import ROOT_GIB
from claylake.cluster.fleets import BOOT_MIN, SPOT_WAIT_MIN, core_fleet, gpu_fleet, primary_fleet
from claylake.cluster.hadoop import cluster_configurations
from claylake.cluster.identity import TAG_MAX_UNTIL, name, tags
from claylake.cluster.shape import shape_of
from claylake.cluster.steps import step
from claylake.release import bootstrap_uri

if TYPE_CHECKING:
    from claylake.plan import Plan

__all__ = ["gpu_fleet", "name", "request", "step", "tags"]

MANAGED: Final = ("for-use-with-amazon-emr-managed-policies", "true")
"""The tag without which EMR's service role may touch nothing."""
EMBED_ON: Final = {"all_gpu": "gpu", "split": "gpu", "cpu": "workers"}
"""Which nodes the bootstrap prepares for embedding, by layout."""
_IDLE_SLACK_MIN: Final = 5


def request(plan: Plan, now: datetime | None = None) -> dict[str, Any]:
    """Arguments of RunJobFlow.

    The longest life counts from `now` (aware; the clock's where not given). EMR itself knows idle
    time only, so that limit is a tag, which the reaper obeys.
    """
    deployed = plan.deployed
    arguments: dict[str, Any] = {
        "Name": name(plan),
        "LogUri": deployed.log_uri.rstrip("/") + "/",
        "ReleaseLabel": deployed.release_label,
        "Applications": [{"Name": "Hadoop"}, {"Name": "Spark"}],
        "Configurations": cluster_configurations(shape_of(plan.settings.cluster, plan.layout)),
        "BootstrapActions": _bootstrap(plan),
        "Instances": {
            "InstanceFleets": [primary_fleet(plan), core_fleet(plan)],
            "Ec2SubnetIds": list(deployed.subnet_ids),
            **_security_groups(plan),
            "KeepJobFlowAliveWhenNoSteps": True,
            "TerminationProtected": False,
        },
        "ServiceRole": deployed.service_role,
        "JobFlowRole": deployed.instance_profile,
        "VisibleToAllUsers": True,
        "StepConcurrencyLevel": 1,
        "EbsRootVolumeSize": ROOT_GIB,
        "AutoTerminationPolicy": {"IdleTimeout": 60 * _idle_minutes(plan)},
        "Tags": [{"Key": key, "Value": value} for key, value in _tags(plan, now or datetime.now(UTC)).items()],
    }
    if deployed.security_configuration is not None:
        arguments["SecurityConfiguration"] = deployed.security_configuration
    return arguments


def _bootstrap(plan: Plan) -> list[dict[str, Any]]:
    """Install the release's environments; the script checks them against the release's digest."""
    deployed = plan.deployed
    if deployed.release is None:
        return []
    action = {
        "Path": bootstrap_uri(deployed),
        "Args": [deployed.artifacts, deployed.release, EMBED_ON[plan.layout]],
    }
    return [{"Name": "claylake", "ScriptBootstrapAction": action}]


def _security_groups(plan: Plan) -> dict[str, str]:
    groups = plan.deployed.security_groups
    if groups is None:
        return {}
    return {
        "EmrManagedMasterSecurityGroup": groups.primary,
        "EmrManagedSlaveSecurityGroup": groups.core,
        "ServiceAccessSecurityGroup": groups.service_access,
    }


def _idle_minutes(plan: Plan) -> int:
    """Neither keeping the cluster nor waiting for GPU nodes, first spot, then on demand, may count as idle."""
    cluster = plan.settings.cluster
    joining = 2 * (SPOT_WAIT_MIN + BOOT_MIN) if gpu_fleet(plan) else 0
    return max(cluster.idle_minutes, max(cluster.keep_cluster_minutes, joining) + _IDLE_SLACK_MIN)


def _tags(plan: Plan, now: datetime) -> dict[str, str]:
    cluster = plan.settings.cluster
    life = timedelta(hours=cluster.max_hours, minutes=cluster.keep_cluster_minutes)
    until = (now + life).astimezone(UTC)
    return {**tags(plan), TAG_MAX_UNTIL: until.isoformat(timespec="seconds"), MANAGED[0]: MANAGED[1]}
