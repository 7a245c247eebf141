"""Maintain the tables, or report whether Glue's optimizers do."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from claylake.run.reports import MaintainReport
from claylake.vocabulary import MAINTAIN
from spark.lake.maintenance import Cleared, existing_tables, maintain_table
from spark.lake.optimizers import optimizers_of
from spark.lake.scope import Scope
from spark.progress import Reporter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyspark.sql import SparkSession

    from claylake.plan import Plan
    from claylake.run.reports import MaintenancePart, Optimizer

_log = logging.getLogger(__name__)


def maintain(spark: SparkSession, plan: Plan, now: datetime | None = None) -> MaintainReport:
    """Maintain every table that exists and save the report.

    Args:
        spark: session.
        plan: where the tables are, the limits, and where the report goes.
        now: what ages count from, UTC; None for the present time.
    """
    started = time.monotonic()
    scope, now = Scope.of(plan), now or datetime.now(UTC)
    cleared: dict[str, Cleared] = {}
    with Reporter(plan, MAINTAIN) as reporter:
        for name in existing_tables(spark, plan):
            reporter.stage(f"maintain {name}")
            cleared[name] = maintain_table(spark, scope, name, now)
            _log.info("%s: %s", name, cleared[name])
    optimizers = optimizers_of(plan, cleared)
    parts = tuple(part for done in cleared.values() for part in done.parts)
    nothing = "" if optimizers else "nothing to do"
    report = MaintainReport(
        seconds=time.monotonic() - started,
        rewritten_files={name: done.rewritten_files for name, done in cleared.items()},
        rewritten_manifests={name: done.rewritten_manifests for name, done in cleared.items()},
        expired_files={name: done.expired_files for name, done in cleared.items()},
        orphan_files={name: done.orphan_files for name, done in cleared.items()},
        dropped_branches={name: done.dropped_branches for name, done in cleared.items()},
        ended_chips=sum(done.ended_chips for done in cleared.values()),
        by=plan.where.maintenance,
        optimizers=optimizers,
        parts=parts,
        message="; ".join(filter(None, (_of_glue(optimizers), _cleared(cleared) or nothing, _later(parts)))),
    )
    report.save(plan)
    for warning in report.warnings:
        _log.warning("%s", warning)
    _log.info("%s", report.message)
    return report


def _cleared(cleared: dict[str, Cleared]) -> str:
    totals = {
        "chips of months that are no longer kept dropped": sum(done.ended_chips for done in cleared.values()),
        "data files rewritten": sum(done.rewritten_files for done in cleared.values()),
        "manifests rewritten": sum(done.rewritten_manifests for done in cleared.values()),
        "files of expired snapshots deleted": sum(done.expired_files for done in cleared.values()),
        "orphan files deleted": sum(done.orphan_files for done in cleared.values()),
        "stale branches dropped": sum(done.dropped_branches for done in cleared.values()),
    }
    return ", ".join(f"{number} {what}" for what, number in totals.items() if number)


def _later(parts: Iterable[MaintenancePart]) -> str:
    """When parts are due that this run left out, e.g. ``not due: removal of orphan files (2026-12-07)``."""
    due: dict[str, datetime] = {}
    for part in parts:
        if part.due is not None and not part.ran:
            due[part.part] = min(part.due, due.get(part.part, part.due))
    if not due:
        return ""
    return "not due: " + ", ".join(f"{part} ({when:%Y-%m-%d %H:%M} UTC)" for part, when in due.items())


def _of_glue(optimizers: Sequence[Optimizer]) -> str:
    """Glue's optimizers by state, e.g. ``Glue's optimizers: 9 well, 2 not run yet, 1 to look at``; none: no text."""
    if not optimizers:
        return ""
    bad = sum(one.problem is not None for one in optimizers)
    new = sum(one.problem is None and one.last is None for one in optimizers)
    counts = {"well": len(optimizers) - bad - new, "not run yet": new, "to look at": bad}
    return "Glue's optimizers: " + ", ".join(f"{number} {what}" for what, number in counts.items() if number)
