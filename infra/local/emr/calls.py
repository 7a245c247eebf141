"""The EMR API: moto's, with living clusters and the calls it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from moto.core.base_backend import BackendDict
from moto.core.responses import ActionResult, EmptyResult, PaginatedResult
from moto.emr import urls
from moto.emr.exceptions import InvalidCluster, InvalidRequestException, ValidationException
from moto.emr.models import ElasticMapReduceBackend
from moto.emr.responses import ElasticMapReduceResponse

from infra.local.emr.cluster import LocalCluster
from infra.local.emr.fleet import Fleet
from infra.local.emr.life import ClusterLife

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.local.emr.ending import ClusterPace
    from infra.local.emr.hooks import Faults, StepRunner
    from infra.local.emr.step import LocalStep

# https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-auto-termination-policy.html
_IDLE_LIMITS_S = (60, 604_800)


class _Clusters(dict[str, LocalCluster]):
    def __missing__(self, cluster_id: str) -> LocalCluster:
        raise InvalidCluster(cluster_id)


class LocalBackend(ElasticMapReduceBackend):  # type: ignore[misc]  # moto comes without types
    """moto's EMR state with `LocalCluster`s and their lives; `install` sets `runner`, `faults` and `pace`."""

    runner: ClassVar[StepRunner]
    faults: ClassVar[Faults]
    pace: ClassVar[ClusterPace]

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.clusters: dict[str, LocalCluster] = _Clusters()
        self._lives: list[ClusterLife] = []

    def run_job_flow(self, **kwargs: Any) -> LocalCluster:
        """A cluster that does not live yet."""
        return LocalCluster(self, **kwargs)

    def start_life(self, cluster: LocalCluster) -> None:
        """Take the cluster through its states from now on, once everything about it is known."""
        life = ClusterLife(cluster, runner=self.runner, faults=self.faults, pace=self.pace)
        self._lives.append(life)
        life.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of every cluster, so many seconds for each."""
        for life in self._lives:
            life.join(timeout_s)

    def list_clusters(self, *args: Any, **kwargs: Any) -> list[LocalCluster]:
        """Newest first, as EMR lists them."""
        found = super().list_clusters(*args, **kwargs)
        return sorted(found, key=lambda cluster: cluster.creation_datetime, reverse=True)

    def describe_step(self, cluster_id: str, step_id: str) -> LocalStep:
        """The step, or EMR's error."""
        step: LocalStep | None = super().describe_step(cluster_id, step_id)
        if step is None:
            raise InvalidRequestException(f"Step id '{step_id}' is not valid.")
        return step


class LocalResponse(ElasticMapReduceResponse):  # type: ignore[misc]  # moto comes without types
    """Answers EMR calls from `LocalBackend`."""

    backends: ClassVar[BackendDict[LocalBackend]]

    @property
    def backend(self) -> LocalBackend:
        """State of the caller's account and region."""
        state: LocalBackend = self.backends[self.current_account][self.region]
        return state

    @property
    def _cluster(self) -> LocalCluster:
        cluster: LocalCluster = self.backend.describe_cluster(self._get_param("ClusterId"))
        return cluster

    def run_job_flow(self) -> ActionResult:
        """RunJobFlow, with fleets, subnets and policies that moto leaves out."""
        idle = self._get_param("AutoTerminationPolicy")
        idle_limit_s = _idle_seconds(idle) if idle else None
        result = super().run_job_flow()
        cluster = self.backend.clusters[result.result["JobFlowId"]]
        subnets = self._get_param("Instances.Ec2SubnetIds")
        cluster.ec2_subnet_id = cluster.ec2_subnet_id or (subnets[0] if subnets else None)
        for request in self._get_param("Instances.InstanceFleets", []):
            self._add_fleet(cluster, request)
        cluster.managed_scaling = self._get_param("ManagedScalingPolicy")
        cluster.set_idle_limit(idle_limit_s)
        self.backend.start_life(cluster)
        return result

    def cancel_steps(self) -> ActionResult:
        """CancelSteps."""
        force = self._get_param("StepCancellationOption") == "TERMINATE_PROCESS"
        infos = self._cluster.cancel_steps(self._get_param("StepIds", []), force=force)
        return ActionResult({"CancelStepsInfoList": infos})

    def list_instance_fleets(self) -> ActionResult:
        """ListInstanceFleets."""
        fleets = [fleet.describe() for fleet in self._cluster.fleets]
        return PaginatedResult({"InstanceFleets": fleets})

    def list_instances(self) -> ActionResult:
        """ListInstances, of all fleets or one."""
        wanted = self._get_param("InstanceFleetId")
        fleets = [fleet for fleet in self._cluster.fleets if wanted in (None, fleet.id)]
        return PaginatedResult({"Instances": [each for fleet in fleets for each in fleet.instances()]})

    def add_instance_fleet(self) -> ActionResult:
        """AddInstanceFleet: one of each kind, while the cluster lives."""
        cluster, request = self._cluster, self._get_param("InstanceFleet")
        kind = request["InstanceFleetType"]
        if cluster.ending:
            raise ValidationException(f"Instance fleets cannot be added to cluster {cluster.id} as it ends.")
        if any(fleet.kind == kind for fleet in cluster.fleets):
            raise ValidationException(f"Cluster {cluster.id} already has a fleet of type {kind}.")
        fleet = self._add_fleet(cluster, request)
        return ActionResult({"ClusterId": cluster.id, "InstanceFleetId": fleet.id, "ClusterArn": cluster.arn})

    def modify_instance_fleet(self) -> ActionResult:
        """ModifyInstanceFleet: capacities."""
        request = self._get_param("InstanceFleet")
        for fleet in self._cluster.fleets:
            if fleet.id == request["InstanceFleetId"]:
                fleet.resize(request)
                return EmptyResult()
        raise InvalidRequestException(f"Instance fleet id '{request['InstanceFleetId']}' is not valid.")

    def put_auto_termination_policy(self) -> ActionResult:
        """PutAutoTerminationPolicy, enforced by the cluster itself."""
        self._cluster.set_idle_limit(_idle_seconds(self._get_param("AutoTerminationPolicy")))
        return EmptyResult()

    def get_auto_termination_policy(self) -> ActionResult:
        """GetAutoTerminationPolicy."""
        policy = self._cluster.auto_termination_policy
        return ActionResult({"AutoTerminationPolicy": policy} if policy else {})

    def remove_auto_termination_policy(self) -> ActionResult:
        """RemoveAutoTerminationPolicy."""
        self._cluster.set_idle_limit(None)
        return EmptyResult()

    def put_managed_scaling_policy(self) -> ActionResult:
        """PutManagedScalingPolicy: kept, not acted upon."""
        self._cluster.managed_scaling = self._get_param("ManagedScalingPolicy")
        return EmptyResult()

    def get_managed_scaling_policy(self) -> ActionResult:
        """GetManagedScalingPolicy."""
        policy = self._cluster.managed_scaling
        return ActionResult({"ManagedScalingPolicy": policy} if policy else {})

    def remove_managed_scaling_policy(self) -> ActionResult:
        """RemoveManagedScalingPolicy."""
        self._cluster.managed_scaling = None
        return EmptyResult()

    def _add_fleet(self, cluster: LocalCluster, request: Any) -> Fleet:
        faults, fleet_name = self.backend.faults, request.get("Name") or ""
        fleet = Fleet(
            request.original_dict(),
            delay_s=self.backend.pace.state_delay_s,
            is_suspended=faults.take("suspend_fleet", fleet_name) is not None,
            has_spot=faults.take("no_spot", fleet_name) is None,
        )
        cluster.fleets.append(fleet)
        return fleet


def _idle_seconds(policy: Mapping[str, Any]) -> int:
    low, high = _IDLE_LIMITS_S
    seconds = int(policy["IdleTimeout"])
    if not low <= seconds <= high:
        raise ValidationException(f"IdleTimeout must be between {low} and {high} seconds, got {seconds}.")
    return seconds


def install(*, runner: StepRunner, faults: Faults, pace: ClusterPace) -> BackendDict[LocalBackend]:
    """Route moto's EMR endpoint to living clusters.

    The table of URLs is the one thing of moto that changes; it must happen before the
    server gets its first EMR call.

    Args:
        runner: Runs the steps.
        faults: Faults to inject.
        pace: How fast states pass.
    """
    LocalBackend.runner, LocalBackend.faults, LocalBackend.pace = runner, faults, pace
    LocalResponse.backends = BackendDict(LocalBackend, "emr")
    urls.url_paths["{0}/$"] = LocalResponse.dispatch
    return LocalResponse.backends
