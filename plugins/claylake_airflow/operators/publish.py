"""The publishing step, which emits the asset event of a month that has grown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from airflow.sdk import Asset, AssetAlias
from airflow.sdk.exceptions import AirflowException

from claylake_airflow.links import ReportLink, s3_object
from claylake_airflow.operators.base import EMR_CONSOLE
from claylake_airflow.operators.gpus import GpuTask
from claylake_airflow.operators.step import StepOperator

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow.sdk import Context

    from claylake.run.reports import PublishReport

REPORT = ReportLink()
EMBED: Final = "embed"
MOST_ROUNDS: Final = 3
"""Of embedding what others have published meanwhile."""


def month_asset(aoi: str) -> Asset:
    """The asset that a DAG schedules on to follow an AOI: ``claylake/<aoi>``."""
    return Asset(name=f"claylake/{aoi}", group="claylake")


class PublishOperator(StepOperator, GpuTask):
    """Runs the publishing step, and emits an asset event if it has added rows.

    Where another run has published chips of the same cells meanwhile, for which this run has no vectors, the step says
    so and ends. Then the embedding step runs again, on GPU nodes where the layout has them join, and the publishing
    step after it.

    The outlet is an alias, because Airflow emits an event for every plain asset among a successful
    task's outlets, whatever the task did. The event's extra names AOI, months and what was added.
    """

    operator_extra_links: Collection[Any] = (EMR_CONSOLE, REPORT)

    def __init__(self, *, alias: str, **kwargs: Any) -> None:
        self.alias = AssetAlias(name=alias)
        super().__init__(step="publish", outlets=[self.alias], **kwargs)

    def resume(self, context: Context, event: dict[str, Any], rounds: int = 0) -> str:
        """Read the step's report, and show it; or embed what lacks a vector, and publish again.

        Args:
            context: of the running task.
            event: the trigger's.
            rounds: how often chips have been embedded again.

        Raises:
            AirflowException: if the step did not complete, or left no report, or others have published chips without
                this run's vectors at every try.
        """
        step_id = self.require_completed(context, event)
        report = self._report(context)
        if report.embed_again:
            if rounds == MOST_ROUNDS:
                msg = f"chips were embedded again {rounds} times, and still: {report.message}"
                raise AirflowException(msg)
            self.request_gpus(context, "embed", rounds=rounds + 1)
            self.run_step(context, EMBED, "publish_again", rounds=rounds + 1)
        self._show(context, report)
        return step_id

    def embed(self, context: Context, event: dict[str, Any], rounds: int) -> NoReturn:
        """Embed once the GPU nodes run.

        Args:
            context: of the running task.
            event: the trigger's.
            rounds: how often chips have been embedded again, with this time.

        Raises:
            AirflowException: if no GPU nodes came.
        """
        self.require_gpus(context, event, "embed", rounds=rounds)
        try:
            self.run_step(context, EMBED, "publish_again", rounds=rounds)
        except Exception:
            # Not a deferral, which is no Exception: the nodes would wait for nothing.
            self.release_gpus(context)
            raise

    def publish_again(self, context: Context, event: dict[str, Any], rounds: int) -> NoReturn:
        """Publish once the chips are embedded.

        Args:
            context: of the running task.
            event: the trigger's.
            rounds: how often chips have been embedded again.

        Raises:
            AirflowException: if embedding did not complete.
        """
        self.release_gpus(context)
        self.require_completed(context, event, EMBED)
        self.run_step(context, self.step, "resume", rounds=rounds)

    def _report(self, context: Context) -> PublishReport:
        from claylake.run.reports import PublishReport

        report = PublishReport.load(self.plan(context))
        if report is None:
            msg = f"the step has completed but left no {PublishReport.file}: nothing shows that the month is published"
            raise AirflowException(msg)
        self.log.info("%s", report.message)
        return report

    def _show(self, context: Context, report: PublishReport) -> None:
        plan = self.plan(context)
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
