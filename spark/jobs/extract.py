"""Step ``extract``: ``spark-submit extract.py --plan s3://.../plan.json``. Makes the chips of a plan."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from spark.extraction.run import extract
from spark.jobs.entry import run_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from claylake.plan import Plan

_log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step."""
    return run_step("extract", _extract, argv, sedona=True)


def _extract(spark: SparkSession, plan: Plan) -> None:
    report = extract(spark, plan)
    _log.info("%s", report.message)
    report.save(plan)


if __name__ == "__main__":
    sys.exit(main())
