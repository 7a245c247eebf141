"""Step ``maintain``: ``spark-submit maintain.py --plan s3://.../plan.json``. Maintains the tables of a run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from spark.jobs.entry import run_step
from spark.publishing.maintain import maintain

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step."""
    return run_step("maintain", maintain, argv)


if __name__ == "__main__":
    sys.exit(main())
