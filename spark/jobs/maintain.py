"""Look after the tables that a run has written to."""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from claylake.plan import Plan
from claylake.reports import MaintainReport
from spark.jobs.arguments import plan_uri
from spark.lake.maintenance import Cleared, maintain_table, names
from spark.lake.scope import Scope
from spark.session import session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

_log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point: ``--plan URI``."""
    plan = Plan.load(plan_uri(argv, __doc__))
    spark = session(f"claylake maintain {plan.run.run_id}", plan.warehouse)
    run(spark, plan)
    return 0


def run(spark: SparkSession, plan: Plan, now: datetime | None = None) -> MaintainReport:
    """Look after every table that exists and save the report. `now` (UTC) is what ages count from."""
    started = time.monotonic()
    scope, now = Scope.of(plan), now or datetime.now(UTC)
    cleared: dict[str, Cleared] = {}
    for name in names(plan, spark):
        cleared[name] = maintain_table(spark, scope, name, now)
        _log.info("%s: %s", name, cleared[name])
    report = MaintainReport(
        seconds=time.monotonic() - started,
        rewritten_files={name: done.rewritten_files for name, done in cleared.items()},
        rewritten_manifests={name: done.rewritten_manifests for name, done in cleared.items()},
        expired_files={name: done.expired_files for name, done in cleared.items()},
        orphan_files={name: done.orphan_files for name, done in cleared.items()},
        dropped_branches={name: done.dropped_branches for name, done in cleared.items()},
        message=_message(cleared),
    )
    report.save(plan)
    _log.info("%s", report.message)
    return report


def _message(cleared: dict[str, Cleared]) -> str:
    totals = {
        "data files rewritten": sum(done.rewritten_files for done in cleared.values()),
        "manifests rewritten": sum(done.rewritten_manifests for done in cleared.values()),
        "files of expired snapshots deleted": sum(done.expired_files for done in cleared.values()),
        "orphan files deleted": sum(done.orphan_files for done in cleared.values()),
        "stale branches dropped": sum(done.dropped_branches for done in cleared.values()),
    }
    said = ", ".join(f"{number} {what}" for what, number in totals.items() if number)
    return said or "nothing to do"


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    sys.exit(main())
