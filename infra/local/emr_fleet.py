"""Instance fleets: capacity that arrives a little after it was asked for."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.emr.utils import random_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_KEPT = ("Name", "InstanceFleetType", "LaunchSpecifications", "ResizeSpecifications", "Context")


class Fleet:
    """One instance fleet of a cluster.

    Args:
        request: The `InstanceFleetConfig` of the call, as plain data.
        delay_s: Seconds until a change of its target is provisioned.
        is_suspended: The fleet never gets what it asks for.
    """

    def __init__(self, request: Mapping[str, Any], *, delay_s: float, is_suspended: bool) -> None:
        self.id = f"if-{random_id()}"
        self._request = request
        self._delay_s = delay_s
        self._is_suspended = is_suspended
        self._created: datetime = utcnow()
        self._ended: datetime | None = None
        self._provisioned = (0, 0)
        self._state = "PROVISIONING"
        self._target = (0, 0)
        self._changed_at = 0.0
        self._aim(request)

    @property
    def kind(self) -> str:
        """MASTER, CORE or TASK."""
        return str(self._request["InstanceFleetType"])

    def resize(self, request: Mapping[str, Any]) -> None:
        """Ask for other capacities; a capacity left out stays as it is."""
        self._settle()
        self._state = "RESIZING"
        self._aim(request)

    def end(self) -> None:
        """The cluster has ended, and its instances with it."""
        self._state, self._provisioned, self._ended = "TERMINATED", (0, 0), utcnow()

    def describe(self) -> dict[str, Any]:
        """`InstanceFleet` of the EMR API."""
        self._settle()
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
        self._changed_at = monotonic()

    def _settle(self) -> None:
        """Let the target arrive once its time has come."""
        if self._state in ("PROVISIONING", "RESIZING") and self._is_due:
            if self._is_suspended:
                self._state = "SUSPENDED"
            else:
                self._state, self._provisioned = "RUNNING", self._target

    @property
    def _is_due(self) -> bool:
        return monotonic() - self._changed_at >= self._delay_s
