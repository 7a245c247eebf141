"""``make docs``: write the pages of the site, and build it strictly; a broken link or anchor is an error."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.site.pages import stage

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ROOT / "out/pages"
"""As `mkdocs.yml` has it."""
BUILDER: Final = ROOT / ".venv/docs/bin/mkdocs"


def main() -> int:
    """Command line; the exit code is the builder's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", metavar="PORT", type=int, help="serve the site on this machine instead")
    options = parser.parse_args()
    stage(ROOT, PAGES)
    how = ["build", "--strict"] if options.serve is None else ["serve", "--strict", "-a", f"127.0.0.1:{options.serve}"]
    return subprocess.run([BUILDER, *how], cwd=ROOT, env=environment(os.environ), check=False).returncode


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The builder's environment: without the theme's notice of its authors' next program."""
    return {**inherited, "NO_MKDOCS_2_WARNING": "1"}


if __name__ == "__main__":
    sys.exit(main())
