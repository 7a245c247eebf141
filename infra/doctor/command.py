"""Running a program within a limit of time; one that does not start or end has an answer, too."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT_S = 20.0


@dataclass(frozen=True)
class Answer:
    """What a program printed, and how it ended.

    Attributes:
        status: Its exit status; -1 if it could not be started or was stopped.
        out: Its standard output.
        error: Its standard error, or why there is none.
    """

    status: int
    out: str = ""
    error: str = ""

    @property
    def last_line(self) -> str:
        """Its last line, of the errors if there are any."""
        lines = [line.strip() for line in (self.error.strip() or self.out.strip()).splitlines() if line.strip()]
        return lines[-1][:300] if lines else f"it ended with status {self.status}"


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    text: str = "",
    folder: Path | None = None,
    limit_s: float = LIMIT_S,
) -> Answer:
    """Run a program to its end.

    Args:
        command: Program and arguments.
        environment: Its whole environment; None passes ours on.
        text: Its standard input.
        folder: Where it runs.
        limit_s: Seconds after which it is stopped.
    """
    try:
        done = subprocess.run(
            list(command),
            env=None if environment is None else dict(environment),
            input=text,
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(-1, error=f"no answer within {limit_s:.0f} s")
    except OSError as error:
        return Answer(-1, error=f"{command[0]} does not start: {error.strerror or error}")
    return Answer(done.returncode, done.stdout, done.stderr)


def version(text: str) -> tuple[int, ...]:
    """The first version number in a text, such as (3, 81); () if there is none."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(map(int, found[0].split("."))) if found else ()
