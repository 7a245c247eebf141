"""The instances of a fleet: how many live follows from its capacity, each has a record."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from moto.emr.utils import random_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Instances:
    """Instances of one fleet, all of the first type of the request.

    Args:
        fleet_id: ``if-...``.
        request: The `InstanceFleetConfig` of the call.
    """

    def __init__(self, fleet_id: str, request: Mapping[str, Any]) -> None:
        self._fleet_id = fleet_id
        first: Mapping[str, Any] = next(iter(request.get("InstanceTypeConfigs") or ()), {})
        self._type = str(first.get("InstanceType", "unknown"))
        self._weight = int(first.get("WeightedCapacity", 1))
        self._records: list[dict[str, Any]] = []

    def hold(self, market: str, units: int, at: datetime) -> None:
        """Start or end instances of a market, at that moment, until they make up so many units.

        Args:
            market: `ON_DEMAND` or `SPOT`.
            units: Capacity in units; an instance has the weight that its type has in the request.
            at: When they start or end, UTC.
        """
        alive = [record for record in self._records if record["Market"] == market and _end(record) is None]
        for _ in range(math.ceil(units / self._weight) - len(alive)):
            self._records.append(self._new(market, at))
        for record in alive[math.ceil(units / self._weight) :]:
            record["Status"]["State"] = "TERMINATED"
            record["Status"]["Timeline"]["EndDateTime"] = at

    def describe(self) -> list[dict[str, Any]]:
        """`Instance`s of the EMR API, those that have ended included."""
        return list(self._records)

    def _new(self, market: str, at: datetime) -> dict[str, Any]:
        timeline = {"CreationDateTime": at, "ReadyDateTime": at}
        return {
            "Id": f"ci-{random_id()}",
            "Ec2InstanceId": f"i-{random_id().lower()}",
            "InstanceFleetId": self._fleet_id,
            "InstanceType": self._type,
            "Market": market,
            "Status": {"State": "RUNNING", "StateChangeReason": {}, "Timeline": timeline},
        }


def _end(record: Mapping[str, Any]) -> datetime | None:
    ended: datetime | None = record["Status"]["Timeline"].get("EndDateTime")
    return ended
