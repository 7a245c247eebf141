"""Command line: `make dag-check AOIS=<folder> SETTINGS=<file> BEFORE=<folder or commit>`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from claylake.configuration.layers import DEPLOYED_VARIABLE
from claylake.errors import SettingsError
from infra.dag_check.areas import read_areas
from infra.dag_check.check import Line, check
from infra.dag_check.comparison import common_of, earlier_areas
from infra.dag_check.dags import parse_dags
from infra.dag_check.errors import CheckError
from infra.dag_check.page import page

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each AOI; 1 if anything is wrong, 2 if the arguments are."""
    parser = argparse.ArgumentParser(prog="make dag-check", description=__doc__)
    parser.add_argument("--aois", type=Path, required=True, help="folder of AOI files")
    parser.add_argument("--settings", type=Path, required=True, help="settings.yaml")
    parser.add_argument("--before", default="", help="folder or commit to compare with; else what git has committed")
    given = parser.parse_args(argv)
    os.environ.pop(DEPLOYED_VARIABLE, None)  # no deployment counts
    try:
        with tempfile.TemporaryDirectory(prefix="claylake-dag-check-") as scratch:
            lines, compared = run(given.aois, given.settings, given.before, Path(scratch))
    except CheckError as error:
        sys.stderr.write(f"make dag-check: {error}\n")
        return 2
    sys.stdout.write(page(lines, compared))
    return int(any(line.faults for line in lines))


def run(aois: Path, settings: Path, before: str, scratch: Path) -> tuple[list[Line], str]:
    """The lines, and with what the history was compared.

    Args:
        aois: folder of AOI files.
        settings: the file.
        before: folder or commit; empty for what git has committed, if there is a repository.
        scratch: an empty folder.

    Raises:
        CheckError: an argument names what is not there.
    """
    if not aois.is_dir():
        msg = f"AOIS={aois}: no such folder; give the folder that holds the AOI files, e.g. AOIS=dags/aois"
        raise CheckError(msg)
    if not settings.is_file():
        msg = f"SETTINGS={settings}: no such file; give a settings file, e.g. SETTINGS=dags/settings.yaml"
        raise CheckError(msg)
    try:
        common = common_of(settings, scratch / "now")
    except SettingsError as error:
        return [Line(name=settings.name, faults=(str(error),))], "AOI files are checked once the settings are right."
    earlier, compared = earlier_areas(aois, settings, before, scratch)
    home = scratch / "airflow"
    home.mkdir()
    parsed = parse_dags(aois, settings, home)
    return check(read_areas(aois, common), earlier, parsed, datetime.now(UTC)), compared


if __name__ == "__main__":
    sys.exit(main())
