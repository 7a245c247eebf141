"""Run every test in the environment that its room belongs to, two lanes side by side.

The runs of the whole system wait as often as they compute, so they share the machine with the other rooms. All
rooms run even when one fails; the exit code is the first failure's. What pytest says of a room is shown whole
once the room is done, and a line of progress until then. A room that says nothing for longer than any test may take
(a thread or a process that a test left behind keeps pytest from ending) is ended, and is a failure. When the whole
is ended from outside, what the rooms have said so far is shown.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Final, Self

from infra.java import java_home

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[1]
_WITH_AIRFLOW = "tests/infra/dag_check"
"""What of `infra` runs in the airflow environment."""
_OF_INFRA = ("tests/infra/pictures", "tests/infra/tiles", "tests/infra/verify", "tests/infra/world")
"""What of `infra` runs in the spark environment."""
OWN = "not matrix and not beside"
"""Marks of tests that have targets of their own."""


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """Tests of one pytest: the environment that they run in, and where they are."""

    environment: str
    paths: tuple[str, ...]

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.environment} environment: {' '.join(path for path in self.paths if not path.startswith('-'))}"


LANES = (
    (
        Rooms(environment="airflow", paths=("tests/dags", "tests/plugins", "tests/system", _WITH_AIRFLOW)),
        Rooms(
            environment="infra", paths=("tests/infra", *(f"--ignore={room}" for room in (_WITH_AIRFLOW, *_OF_INFRA)))
        ),
        Rooms(environment="spark", paths=("tests/cli", "tests/model", *_OF_INFRA)),
    ),
    (Rooms(environment="spark", paths=("tests/spark",)),),
)
"""Rooms of one lane follow each other. Both lanes take about as long, or one processor would rest at the end."""
SILENCE_S: Final = 1500.0
"""A room that says nothing for so long is ended. The longest tests, whole runs of the DAG, took 530 s under load."""
ENDING_S: Final = 30.0
"""For pytest to say where its threads are, and to end."""
HUNG: Final = 70
"""Exit code of a room that was ended (EX_SOFTWARE): pytest has none of its own for it."""
_PROGRESS = re.compile(r"^[.\w]+ *\[ *(\d+%)\]$", re.MULTILINE)
_POLL_S: Final = 0.5
_turn = Lock()


def main() -> int:
    """Command line: ``--fast`` leaves the slow tests out; anything else goes to pytest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="leave out tests marked slow")
    options, passed_on = parser.parse_known_args()
    marks = ["-m", f"not slow and {OWN}"] if options.fast else ["-m", OWN, "--durations=8"]
    environment = {**os.environ, "JAVA_HOME": _java(), "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}

    def command(rooms: Rooms) -> list[str]:
        return [
            str(ROOT / f".venv/{rooms.environment}/bin/python"),
            "-m",
            "pytest",
            "-q",
            *rooms.paths,
            *passed_on,
            *marks,
        ]

    return run([[(rooms.title, command(rooms)) for rooms in lane] for lane in LANES], environment)


def run(
    lanes: Sequence[Sequence[tuple[str, Sequence[str]]]], environment: Mapping[str, str], silence_s: float = SILENCE_S
) -> int:
    """Run commands, those of a lane one after the other and the lanes side by side.

    Args:
        lanes: Title and command of each room.
        environment: Of all commands.
        silence_s: Seconds without a word after which a command is ended.

    Returns:
        The first exit code that is not 0.
    """
    running = Running()
    before = signal.signal(signal.SIGTERM, running.ended_from_outside)
    try:
        with ThreadPoolExecutor(len(lanes)) as pool:
            done = pool.map(
                lambda lane: [running.code(title, command, environment, silence_s) for title, command in lane], lanes
            )
            codes = [code for lane in done for code in lane]
    finally:
        signal.signal(signal.SIGTERM, before)
    return next((code for code in codes if code), 0)


@dataclass
class Running:
    """The commands that run now."""

    rooms: list[Room] = field(default_factory=list)

    def code(self, title: str, command: Sequence[str], environment: Mapping[str, str], silence_s: float) -> int:
        """Run a command and show its words.

        Args:
            title: Of the room.
            command: That is run.
            environment: Of the command.
            silence_s: As of `run`.

        Returns:
            Its exit code.
        """
        _say(f"== {title}")
        with Room.started(title, command, environment) as room:
            self.rooms.append(room)
            try:
                return room.followed(silence_s)
            finally:
                self.rooms.remove(room)
                room.show()

    def ended_from_outside(self, *_: object) -> None:
        """Show what was said, end all, and exit as a process does that is ended."""
        for room in list(self.rooms):
            room.show("ended from outside before this room was done")
            room.kill()
        os._exit(128 + signal.SIGTERM)


@dataclass(frozen=True, kw_only=True)
class Room:
    """One pytest. Its words go to a file: a pipe would stay open while a process lives that a test left behind."""

    title: str
    process: subprocess.Popen[bytes]
    words: IO[bytes]

    @classmethod
    def started(cls, title: str, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        """Start it, in a process group of its own.

        Args:
            title: For people.
            command: That is run.
            environment: Of the command.
        """
        words = tempfile.TemporaryFile()  # noqa: SIM115, closed by __exit__
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=words, stderr=subprocess.STDOUT, start_new_session=True
        )
        return cls(title=title, process=process, words=words)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.words.close()

    def said(self) -> str:
        """All that it has said so far."""
        return os.pread(self.words.fileno(), os.fstat(self.words.fileno()).st_size, 0).decode(errors="replace")

    def followed(self, silence_s: float) -> int:
        """Its exit code, once it has ended; a line for each step of its progress until then."""
        said, since, shown = "", time.monotonic(), 0
        while self.process.poll() is None:
            time.sleep(_POLL_S)
            before, said = said, self.said()
            if said != before:
                since = time.monotonic()
            elif time.monotonic() - since > silence_s:
                return self._hung(silence_s)
            progress = _PROGRESS.findall(said)
            for percent in progress[shown:]:
                _say(f"   {self.title} {percent}")
            shown = len(progress)
        return self.process.returncode

    def _hung(self, silence_s: float) -> int:
        """End it; faulthandler, which pytest switches on, says where its threads are."""
        os.write(self.words.fileno(), f"\n== no word for {silence_s:.0f} s: ended\n".encode())
        self.process.send_signal(signal.SIGABRT)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDING_S)
        return HUNG

    def show(self, remark: str = "") -> None:
        """Show all that it has said."""
        _say(f"\n== {self.title}\n{self.said()}{remark}")

    def kill(self) -> None:
        """End it, and what it left behind in its process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


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
