"""GPU nodes for embedding only: a setup that adds them to the cluster, and its teardown.

Both are part of every run, because a run's layout is known only once it is planned, and a setup
that is skipped takes what follows along: where no GPU nodes join they succeed at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk.exceptions import AirflowException

from claylake_airflow import emr, fleet
from claylake_airflow.operators.base import EmrTask
from claylake_airflow.triggers import FleetTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context


class GpuTask(EmrTask):
    """A task that brings GPU nodes to the cluster where the plan's layout has them join, or sends them away.

    Spot capacity that does not come is requested on demand, once: EMR switches by itself only while
    a cluster starts. When that does not come either, the fleet is set to nothing before the task
    fails, since a teardown runs only if its setup has succeeded.
    """

    def request_gpus(self, context: Context, then: str, **kwargs: Any) -> None:
        """Add the GPU fleet, or resize the one that was there before, and defer; return where no GPU nodes join.

        Args:
            context: of the running task.
            then: method that goes on, given the trigger's event. It calls `require_gpus`.
            kwargs: what else it is given.
        """
        from claylake.cluster import job_flow

        plan = self.plan(context)
        wanted = job_flow.gpu_fleet(plan)
        if wanted is None:
            self.log.info("no GPU nodes join in layout %s", plan.layout)
            return
        region, cluster_id = plan.deployed.region, self.cluster_id(context)
        self.show_cluster(context, region, cluster_id)
        client = emr.client(region)
        self.require_live(client, cluster_id)
        on_demand, spot = wanted["TargetOnDemandCapacity"], wanted["TargetSpotCapacity"]
        found = fleet.task_fleet(client, cluster_id)
        if found is None:
            answer = client.add_instance_fleet(ClusterId=cluster_id, InstanceFleet=wanted)
            fleet_id = str(answer["InstanceFleetId"])
            self.log.info("added fleet %s: %d units on demand, %d spot", fleet_id, on_demand, spot)
        else:
            fleet_id = found.id
            if found.wanted != on_demand + spot:
                fleet.resize(client, cluster_id, fleet_id, on_demand=on_demand, spot=spot)
            self.log.info("using the existing fleet: %s", found)
        awaited = {"fleet_id": fleet_id, "units": on_demand + spot, "is_spot": spot > 0}
        self._wait(region, cluster_id, awaited, then, kwargs)

    def require_gpus(self, context: Context, event: dict[str, Any], then: str, **kwargs: Any) -> None:
        """End the wait if the nodes run; request missing spot capacity on demand, and defer again.

        Args:
            context: of the running task.
            event: the trigger's.
            then: as of `request_gpus`.
            kwargs: as of `request_gpus`.

        Raises:
            AirflowException: if neither came.
        """
        region, cluster_id, fleet_id, units = (event[key] for key in ("region", "cluster_id", "fleet_id", "units"))
        self.show_cluster(context, region, cluster_id)
        if event["status"] == "done":
            return
        client = emr.client(region)
        found = fleet.task_fleet(client, cluster_id)
        if found is not None and event["is_spot"]:
            self.log.warning("spot capacity did not come (%s); requesting it on demand", event.get("why"))
            running = min(units, found.spot_running)
            fleet.resize(client, cluster_id, fleet_id, on_demand=units - running, spot=running)
            self._wait(region, cluster_id, {"fleet_id": fleet_id, "units": units, "is_spot": False}, then, kwargs)
        if found is not None:
            fleet.resize(client, cluster_id, fleet_id, on_demand=0, spot=0)
        msg = (
            f"no GPU nodes: {event['status']}, {event.get('why')}. Check capacity and quotas of cluster.gpu_types, "
            "give more types, or set cluster.layout"
        )
        raise AirflowException(msg)

    def release_gpus(self, context: Context) -> None:
        """Resize the GPU fleet to nothing, if there is one and the cluster is alive; do not wait."""
        plan = self.plan(context)
        if plan.layout != "split":
            self.log.info("no GPU nodes join in layout %s", plan.layout)
            return
        region, cluster_id = plan.deployed.region, self.cluster_id(context)
        self.show_cluster(context, region, cluster_id)
        client = emr.client(region)
        cluster = emr.describe(client, cluster_id)
        found = fleet.task_fleet(client, cluster_id) if cluster.state in emr.LIVE else None
        if found is None:
            self.log.info("no GPU nodes on %s", cluster)
            return
        if found.wanted:
            fleet.resize(client, cluster_id, found.id, on_demand=0, spot=0)
        self.log.info("resized the GPU fleet to nothing: %s", found)

    def _wait(
        self, region: str, cluster_id: str, awaited: dict[str, Any], then: str, kwargs: dict[str, Any]
    ) -> NoReturn:
        from claylake.cluster.fleets import BOOT_MIN, SPOT_WAIT_MIN

        wait = self.wait(region=region, minutes=SPOT_WAIT_MIN + BOOT_MIN)
        trigger = FleetTrigger(cluster_id=cluster_id, **awaited, **wait)
        self.defer(trigger=trigger, method_name=then, kwargs=kwargs)


class GpusUpOperator(GpuTask):
    """Brings the GPU nodes and waits for them, deferred."""

    def execute(self, context: Context) -> None:
        """Request the nodes, and defer."""
        self.request_gpus(context, "resume")

    def resume(self, context: Context, event: dict[str, Any]) -> None:
        """End the wait if the nodes run.

        Raises:
            AirflowException: if none came, spot or on demand.
        """
        self.require_gpus(context, event, "resume")


class GpusDownOperator(GpuTask):
    """Sets the GPU fleet to nothing, so that its nodes cost nothing more while the run goes on; does not wait.

    `terminate` ends whatever this leaves.
    """

    def execute(self, context: Context) -> None:
        """Resize the GPU fleet to nothing."""
        self.release_gpus(context)
