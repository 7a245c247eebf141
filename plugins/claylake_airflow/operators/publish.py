"""The publishing step, which emits the asset event of a month that has grown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias
from airflow.sdk.exceptions import AirflowException

from claylake_airflow.links import ReportLink, s3_object
from claylake_airflow.operators.base import EMR_CONSOLE
from claylake_airflow.operators.step import StepOperator

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow.sdk import Context

REPORT = ReportLink()


def month_asset(aoi: str) -> Asset:
    """The asset that a DAG schedules on to follow an AOI: ``claylake/<aoi>``."""
    return Asset(name=f"claylake/{aoi}", group="claylake")


class PublishOperator(StepOperator):
    """Runs the publishing step, and emits an asset event if it has added rows.

    The outlet is an alias, because Airflow emits an event for every plain asset among a successful
    task's outlets, whatever the task did. The event's extra names AOI, months and what was added.
    """

    operator_extra_links: Collection[Any] = (EMR_CONSOLE, REPORT)

    def __init__(self, *, alias: str, **kwargs: Any) -> None:
        self.alias = AssetAlias(name=alias)
        super().__init__(step="publish", outlets=[self.alias], **kwargs)

    def completed(self, context: Context) -> None:
        """Read the step's report, and show it.

        Raises:
            AirflowException: if there is none.
        """
        from claylake.run.reports import PublishReport

        plan = self.plan(context)
        report = PublishReport.load(plan)
        if report is None:
            msg = f"the step has completed but left no {PublishReport.file}: nothing shows that the month is published"
            raise AirflowException(msg)
        self.log.info("%s", report.message)
        if report.report:
            REPORT.show(self, context, s3_object(plan.deployed.region, report.report))
        if report.rows_added:
            extra: dict[str, Any] = {
                "aoi": plan.aoi_name,
                "months": list(plan.months),
                "run_id": plan.run.run_id,
                "rows_added": report.rows_added,
                "chips": report.month_chips,
                "vectors": report.month_vectors,
                "report": report.report,
            }
            context["outlet_events"][self.alias].add(month_asset(plan.aoi_name), extra=extra)
