"""The queue of runs that wait for a cluster, as a task in a worker uses it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from claylake_airflow import emr
from claylake_airflow.turns import FOLDER, Place, folder, place_object, read_places

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claylake.plan import Plan


@dataclass(frozen=True, kw_only=True)
class RunQueue:
    """The queue of a deployment's runs, as one run uses it.

    Attributes:
        uri: ``s3://`` address of its folder.
        region: AWS region.
        run: DAG id and run id of the run that uses it.
    """

    uri: str
    region: str
    run: tuple[str, str]

    @classmethod
    def of(cls, plan: Plan) -> RunQueue:
        """The queue that a plan's run waits in."""
        uri = f"{plan.deployed.lake.rstrip('/')}/{FOLDER}"
        return cls(uri=uri, region=plan.deployed.region, run=(plan.run.dag_id, plan.run.run_id))

    def places(self) -> list[Place]:
        """All places, without those of runs that have died."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(**folder(self.uri))
        return read_places((entry for page in pages for entry in page.get("Contents", [])), datetime.now(UTC))

    def place(self, plan: Plan, places: Iterable[Place]) -> Place:
        """The run's place: from when it first came, if that is one of these places, else from now on.

        Args:
            plan: of the run; its settings may have changed since.
            places: those that are there.
        """
        months = plan.months[0] if len(plan.months) == 1 else f"{plan.months[0]} to {plan.months[-1]}"
        return Place(
            since=min((each.since for each in places if each.run == self.run), default=datetime.now(UTC)),
            priority=plan.settings.schedule.priority,
            most=plan.settings.cluster.max_clusters,
            aoi=plan.aoi_name,
            months=months,
            dag_id=plan.run.dag_id,
            run_id=plan.run.run_id,
        )

    def leave(self, places: Iterable[Place]) -> None:
        """Delete the run's own ones of these places."""
        for name in sorted({each.name for each in places if each.run == self.run}):
            self._s3.delete_object(**place_object(self.uri, name))

    @cached_property
    def _s3(self) -> Any:
        return emr.s3_client(self.region)
