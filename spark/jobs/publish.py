"""Step ``publish``: ``spark-submit publish.py --plan s3://.../plan.json``. Audits a run's branch and makes it main."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from spark.jobs.entry import run_step
from spark.publishing.run import publish_run

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step."""
    return run_step("publish", publish_run, argv)


if __name__ == "__main__":
    sys.exit(main())
