"""Step ``embed``: ``spark-submit embed.py --plan s3://.../plan.json``. Makes the vectors that a run's chips lack."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from spark.embedding.run import embed
from spark.jobs.entry import run_step

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step."""
    return run_step("embed", embed, argv)


if __name__ == "__main__":
    sys.exit(main())
