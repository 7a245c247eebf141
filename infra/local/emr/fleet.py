"""Instance fleets: capacity that arrives a little after it was requested."""

from __future__ import annotations

from datetime import timedelta
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.emr.utils import random_id

from infra.local.emr.instance import Instances

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_KEPT = ("Name", "InstanceFleetType", "LaunchSpecifications", "ResizeSpecifications", "Context")


class Fleet:
    """One instance fleet of a cluster; safe to use from several threads.

    Args:
        request: The `InstanceFleetConfig` of the call, as plain data.
        delay_s: Seconds until a change of its target is provisioned.
        is_suspended: The fleet never gets its target.
        has_spot: Whether there is spot capacity; a fleet that lacks it is suspended until its target has none.
    """

    def __init__(
        self, request: Mapping[str, Any], *, delay_s: float, is_suspended: bool = False, has_spot: bool = True
    ) -> None:
        self.id = f"if-{random_id()}"
        self._lock = Lock()
        self._instances = Instances(self.id, request)
        self._request = request
        self._delay_s = delay_s
        self._is_suspended = is_suspended
        self._has_spot = has_spot
        self._created: datetime = utcnow()
        self._ended: datetime | None = None
        self._provisioned = (0, 0)
        self._state = "PROVISIONING"
        self._target = (0, 0)
        self._changed_at = 0.0
        self._requested = self._created
        self._aim(request)

    @property
    def kind(self) -> str:
        """MASTER, CORE or TASK."""
        return str(self._request["InstanceFleetType"])

    def resize(self, request: Mapping[str, Any]) -> None:
        """Set other targets; a capacity left out stays as it is."""
        with self._lock:
            self._settle()
            self._state = "RESIZING"
            self._aim(request)

    def end(self) -> None:
        """The cluster has ended, and its instances with it."""
        with self._lock:
            self._settle()
            self._state, self._ended = "TERMINATED", utcnow()
            self._provision(0, 0, self._ended)

    def instances(self) -> list[dict[str, Any]]:
        """`Instance`s of the EMR API."""
        with self._lock:
            self._settle()
            return self._instances.describe()

    def describe(self) -> dict[str, Any]:
        """`InstanceFleet` of the EMR API."""
        with self._lock:
            self._settle()
            return self._describe()

    def _describe(self) -> dict[str, Any]:
        return {
            "Id": self.id,
            **{key: self._request[key] for key in _KEPT if key in self._request},
            "Status": {
                "State": self._state,
                "StateChangeReason": {},
                "Timeline": {
                    "CreationDateTime": self._created,
                    "EndDateTime": self._ended,
                },
            },
            "TargetOnDemandCapacity": self._target[0],
            "TargetSpotCapacity": self._target[1],
            "ProvisionedOnDemandCapacity": self._provisioned[0],
            "ProvisionedSpotCapacity": self._provisioned[1],
            "InstanceTypeSpecifications": list(self._request.get("InstanceTypeConfigs") or ()),
        }

    def _aim(self, request: Mapping[str, Any]) -> None:
        old = self._target
        self._target = (
            int(request.get("TargetOnDemandCapacity", old[0])),
            int(request.get("TargetSpotCapacity", old[1])),
        )
        self._changed_at, self._requested = monotonic(), utcnow()

    def _settle(self) -> None:
        """Let the target arrive once its time has come."""
        if self._state not in ("PROVISIONING", "RESIZING") or not self._is_due:
            return
        on_demand, spot = self._target
        lacks_spot = spot > 0 and not self._has_spot
        if not self._is_suspended:
            # There may have been no call for a while: what counts is when it was due.
            self._provision(on_demand, 0 if lacks_spot else spot, self._requested + timedelta(seconds=self._delay_s))
        self._state = "SUSPENDED" if self._is_suspended or lacks_spot else "RUNNING"

    def _provision(self, on_demand: int, spot: int, at: datetime) -> None:
        self._provisioned = (on_demand, spot)
        self._instances.hold("ON_DEMAND", on_demand, at)
        self._instances.hold("SPOT", spot, at)

    @property
    def _is_due(self) -> bool:
        return monotonic() - self._changed_at >= self._delay_s
