"""Run every test in the environment that its room belongs to, one pytest after another.

All rooms run even when one fails; the exit code is the first failure's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from infra.java import java_home

ROOT = Path(__file__).parents[1]
ROOMS = (
    ("airflow", ("tests/dags", "tests/plugins", "tests/system")),
    ("spark", ("tests/spark", "tests/model", "tests/infra/world")),
    ("infra", ("tests/infra", "--ignore=tests/infra/world")),
)


def main() -> int:
    """Command line: ``--fast`` leaves the slow tests out; anything else goes to pytest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="leave out tests marked slow")
    options, passed_on = parser.parse_known_args()
    environment = {**os.environ, "JAVA_HOME": _java()}
    codes = []
    for name, rooms in ROOMS:
        command = [ROOT / f".venv/{name}/bin/python", "-m", "pytest", "-q", *rooms, *passed_on]
        command += ["-m", "not slow and not matrix"] if options.fast else ["-m", "not matrix", "--durations=8"]
        sys.stdout.write(f"\n== {name} environment: {' '.join(rooms)}\n")
        sys.stdout.flush()
        codes.append(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)
    return next((code for code in codes if code), 0)


def _java() -> str:
    """Java 17, asked of the spark environment, which carries one for machines that have none."""
    try:
        return java_home()
    except LookupError:
        done = subprocess.run(
            [ROOT / ".venv/spark/bin/python", "-m", "infra.java"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
