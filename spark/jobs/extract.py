"""Step ``extract``: ``spark-submit extract.py --plan s3://.../plan.json``. Makes the chips of a plan."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from spark.extraction.run import extract
from spark.jobs.entry import run_step

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step."""
    return run_step("extract", extract, argv, sedona=True)


if __name__ == "__main__":
    sys.exit(main())
