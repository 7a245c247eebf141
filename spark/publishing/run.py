"""Publish a run: audit its branch, fast-forward main, draw the report."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from claylake.run.reports import PublishReport, TablePublish
from claylake.vocabulary import PUBLISH
from spark.lake.publish import Published, publish
from spark.lake.scope import Scope
from spark.progress import Reporter
from spark.report.build import build
from spark.session import planned_once

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import SparkSession

    from claylake.plan import Plan

_log = logging.getLogger(__name__)


def publish_run(spark: SparkSession, plan: Plan) -> PublishReport:
    """Publish, draw, and save the report of the step last."""
    with Reporter(plan, PUBLISH) as reporter:
        return _publish_run(spark, plan, reporter)


def _publish_run(spark: SparkSession, plan: Plan, reporter: Reporter) -> PublishReport:
    started = time.monotonic()
    scope = Scope.of(plan)
    reporter.stage("audit and publish")
    before = PublishReport.load(plan)
    done = publish(spark, scope)
    found = done.findings
    tables = _joined(before.tables if before and before.embed_again else (), done.tables)
    rows_added = sum(table.rows_added for table in tables)
    if (before is None or before.embed_again) and not done.changed and not done.embed_again:
        # An attempt that died after publishing has left no report: this one reports what that added.
        rows_added = found.rows_of_run
    reporter.stage("draw the report")
    page, failure = (None, "") if done.embed_again else _draw(spark, scope, done)
    report = PublishReport(
        seconds=time.monotonic() - started,
        tables=tables,
        audits=found.offending,
        failed_frac=found.failed_frac,
        rows_added=rows_added,
        month_chips=found.chips,
        month_vectors=found.vectors,
        area_km2=found.area_km2,
        report=page,
        embed_again=done.embed_again,
        changes=done.changes.counts,
        message=_message(done, tables, rows_added, failure),
    )
    report.save(plan)
    _log.info("%s", report.message)
    return report


def _draw(spark: SparkSession, scope: Scope, done: Published) -> tuple[str | None, str]:
    try:
        with planned_once(spark):
            return build(spark, scope, done.findings), ""
    # The month is published: whatever goes wrong with its picture must not say otherwise.
    except Exception as error:  # noqa: BLE001 - see above
        _log.exception("the report could not be drawn")
        return None, f"; the report could not be drawn ({type(error).__name__}: {error})"


def _joined(earlier: Iterable[TablePublish], now: Iterable[TablePublish]) -> tuple[TablePublish, ...]:
    """What was published before chips were embedded again, and what was published since: an entry for each table."""
    last = {table.table: table for table in earlier}
    for table in now:
        if table.how != "unchanged" or table.table not in last:
            last[table.table] = table
    return tuple(last.values())


def _message(done: Published, tables: Iterable[TablePublish], rows_added: int, failure: str) -> str:
    found = done.findings
    if done.embed_again:
        return (
            f"not published to the end: another run has published {done.embed_again} chips of these cells and months "
            "meanwhile, for which this run's vectors are to be made first; then publish again"
        )
    if rows_added:
        text = f"published {rows_added} rows; the months now have {found.chips} chips and {found.vectors} vectors"
    else:
        text = f"nothing to publish: main already has all {found.chips} chips and {found.vectors} vectors"
    failed = sum(found.failed.values())
    if failed:
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(found.failed.items()))
        text += f"; {failed} (cell, pass) failed ({found.failed_frac:.2%}): {reasons}; a later run tries them again"
    shared = [f"{table.rows_shared} {table.table}" for table in tables if table.rows_shared]
    if shared:
        text += f"; other runs have published these too meanwhile: {', '.join(shared)}"
    return text + failure
