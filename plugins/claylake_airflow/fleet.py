"""The instance fleet of GPU nodes that join a cluster for embedding, and leave again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TASK = "TASK"
GONE = ("TERMINATING", "TERMINATED")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """One instance fleet; capacities in units.

    Attributes:
        id: ``if-...``.
        kind: MASTER, CORE or TASK.
        state: EMR's state, such as ``RUNNING``.
        reason: EMR's reason for the state, or an empty string.
        on_demand: Units wanted on demand.
        spot: Units wanted as spot instances.
        spot_running: Units of spot instances that run.
        running: All units that run.
    """

    id: str
    kind: str
    state: str
    reason: str
    on_demand: int
    spot: int
    spot_running: int
    running: int

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Fleet:
        """From an entry of ListInstanceFleets."""
        status = answer["Status"]
        reason = status.get("StateChangeReason") or {}
        spot_running = int(answer.get("ProvisionedSpotCapacity", 0))
        return cls(
            id=answer["Id"],
            kind=answer["InstanceFleetType"],
            state=status["State"],
            reason=": ".join(str(reason[key]) for key in ("Code", "Message") if reason.get(key)),
            on_demand=int(answer.get("TargetOnDemandCapacity", 0)),
            spot=int(answer.get("TargetSpotCapacity", 0)),
            spot_running=spot_running,
            running=spot_running + int(answer.get("ProvisionedOnDemandCapacity", 0)),
        )

    @property
    def wanted(self) -> int:
        """All units wanted."""
        return self.on_demand + self.spot

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"fleet {self.id} is {self.state}{why}, {self.running} of {self.wanted} units run"


def task_fleet(emr: Any, cluster_id: str) -> Fleet | None:
    """The fleet of nodes that joined the cluster; there is one at most."""
    pages = emr.get_paginator("list_instance_fleets").paginate(ClusterId=cluster_id)
    found = (Fleet.read(entry) for page in pages for entry in page["InstanceFleets"])
    return next((fleet for fleet in found if fleet.kind == TASK and fleet.state not in GONE), None)


def resize(emr: Any, cluster_id: str, fleet_id: str, *, on_demand: int, spot: int) -> None:
    """Request other capacities; EMR reaches them later.

    Args:
        emr: A boto3 client.
        cluster_id: ``j-...``.
        fleet_id: ``if-...``.
        on_demand: Units wanted on demand.
        spot: Units wanted as spot instances.
    """
    target = {"InstanceFleetId": fleet_id, "TargetOnDemandCapacity": on_demand, "TargetSpotCapacity": spot}
    emr.modify_instance_fleet(ClusterId=cluster_id, InstanceFleet=target)
