"""Run every test in the environment that its room belongs to, two lanes side by side.

The runs of the whole system wait as often as they compute, so they share the machine with the other rooms. All
rooms run even when one fails; the exit code is the first failure's. What pytest says of a room is shown whole
once the room is done, and a line of progress until then.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from infra.java import java_home

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[1]
_OF_INFRA = ("tests/infra/pictures", "tests/infra/tiles", "tests/infra/verify", "tests/infra/world")
"""What of `infra` runs in the spark environment."""
OWN = "not matrix and not beside"
"""Marks of tests that have targets of their own."""


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """Tests of one pytest: the environment that they run in, and where they are."""

    environment: str
    paths: tuple[str, ...]


LANES = (
    (
        Rooms(environment="airflow", paths=("tests/dags", "tests/plugins", "tests/system")),
        Rooms(environment="infra", paths=("tests/infra", *(f"--ignore={room}" for room in _OF_INFRA))),
        Rooms(environment="spark", paths=("tests/cli", "tests/model", *_OF_INFRA)),
    ),
    (Rooms(environment="spark", paths=("tests/spark",)),),
)
"""Rooms of one lane follow each other. Both lanes take about as long, or one processor would rest at the end."""
_PROGRESS = re.compile(r"^[.\w]+ *\[ *(\d+%)\]$")
_turn = Lock()


def main() -> int:
    """Command line: ``--fast`` leaves the slow tests out; anything else goes to pytest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="leave out tests marked slow")
    options, passed_on = parser.parse_known_args()
    marks = ["-m", f"not slow and {OWN}"] if options.fast else ["-m", OWN, "--durations=8"]
    environment = {**os.environ, "JAVA_HOME": _java(), "PYTHONUNBUFFERED": "1"}
    with ThreadPoolExecutor(len(LANES)) as pool:
        lanes = pool.map(lambda lane: [_run(rooms, [*passed_on, *marks], environment) for rooms in lane], LANES)
        codes = [code for lane in lanes for code in lane]
    return next((code for code in codes if code), 0)


def _run(rooms: Rooms, options: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit code of pytest over some rooms."""
    command = [str(ROOT / f".venv/{rooms.environment}/bin/python"), "-m", "pytest", "-q", *rooms.paths, *options]
    title = f"{rooms.environment} environment: {' '.join(rooms.paths)}"
    _say(f"== {title}")
    said = []
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        for line in child.stdout or ():
            said.append(line)
            progress = _PROGRESS.match(line)
            if progress:
                _say(f"   {rooms.paths[0]} {progress[1]}")
    _say(f"\n== {title}\n{''.join(said)}")
    return child.returncode


def _say(text: str) -> None:
    with _turn:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _java() -> str:
    """JAVA_HOME of a Java 17; the spark environment carries one for machines that have none."""
    try:
        return java_home()
    except LookupError:
        done = subprocess.run(
            [ROOT / ".venv/spark/bin/python", "-m", "infra.java"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
