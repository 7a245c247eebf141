"""Publish a run: audit its branch, fast-forward main, draw the report."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from claylake.run.reports import PublishReport
from spark.lake.publish import Published, publish
from spark.lake.scope import Scope
from spark.report.build import build

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claylake.plan import Plan

_log = logging.getLogger(__name__)


def publish_run(spark: SparkSession, plan: Plan) -> PublishReport:
    """Publish, draw, and save the report of the step last."""
    started = time.monotonic()
    scope = Scope.of(plan)
    before = PublishReport.load(plan)
    done = publish(spark, scope)
    found = done.findings
    # An attempt that died after publishing has left no report: this one reports what that added.
    rows_added = found.rows_of_run if before is None and not done.changed else done.rows_added
    page, failure = _draw(spark, scope, done)
    report = PublishReport(
        seconds=time.monotonic() - started,
        tables=done.tables,
        audits=found.offending,
        failed_frac=found.failed_frac,
        rows_added=rows_added,
        month_chips=found.chips,
        month_vectors=found.vectors,
        area_km2=found.area_km2,
        report=page,
        message=_message(done, failure),
    )
    report.save(plan)
    _log.info("%s", report.message)
    return report


def _draw(spark: SparkSession, scope: Scope, done: Published) -> tuple[str | None, str]:
    try:
        return build(spark, scope, done.findings), ""
    # The month is published: whatever goes wrong with its picture must not say otherwise.
    except Exception as error:  # noqa: BLE001 - see above
        _log.exception("the report could not be drawn")
        return None, f"; the report could not be drawn ({type(error).__name__}: {error})"


def _message(done: Published, failure: str) -> str:
    found = done.findings
    if done.changed:
        text = f"published {done.rows_added} rows; the months now have {found.chips} chips and {found.vectors} vectors"
    else:
        text = f"nothing to publish: main already has all {found.chips} chips and {found.vectors} vectors"
    failed = sum(found.failed.values())
    if failed:
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(found.failed.items()))
        text += f"; {failed} (cell, pass) failed ({found.failed_frac:.2%}): {reasons}; a later run tries them again"
    return text + failure
