"""The one argument of every job."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def plan_uri(argv: Sequence[str] | None, description: str | None) -> str:
    """The URI after ``--plan``; anything else ends the process with a usage line."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--plan", required=True, metavar="URI", help="plan.json of the run folder")
    uri: str = parser.parse_args(argv).plan
    return uri
