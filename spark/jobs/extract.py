"""Step ``extract``: ``spark-submit extract.py --plan s3://.../plan.json``."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from claylake.plan import Plan
from spark.extraction.run import extract
from spark.jobs.arguments import plan_uri
from spark.session import session

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point: ``--plan URI``. The report is saved last."""
    plan = Plan.load(plan_uri(argv, __doc__))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    spark = session(f"claylake extract {plan.run.run_id}", plan.warehouse, sedona=True)
    try:
        report = extract(spark, plan)
        _log.info("%s", report.message)
        report.save(plan)
    finally:
        spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
