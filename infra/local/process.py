"""Child processes that never outlive the stack."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """Let the kernel kill this child when the stack dies without cleaning up (Linux only)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def session_members(session: int) -> list[int]:
    """Process ids of a session, in every process group of it.

    PySpark's worker daemon makes a process group of its own, so that signalling the
    group of `spark-submit` would leave Python workers behind; the session holds all.
    """
    return _members_by_proc(session) if Path("/proc/self/stat").exists() else members_by_ps(session)


def members_by_ps(session: int) -> list[int]:
    """The same where the system has no `/proc` (macOS, whose `ps` lists no sessions)."""
    done = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=False)
    members = []
    for line in done.stdout.splitlines():
        pid, _, state = line.strip().partition(" ")
        with suppress(OSError, ValueError):
            if os.getsid(int(pid)) == session and not state.strip().startswith("Z"):
                members.append(int(pid))
    return members


def _members_by_proc(session: int) -> list[int]:
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            # Fields after the command, which may hold spaces and brackets (man 5 proc).
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                members.append(int(stat.parent.name))
    return members


class Child:
    """A process in a session of its own, with output going to files.

    Args:
        argv: Program and arguments.
        env: Its whole environment.
        cwd: Its working folder.
        stdout: File that its standard output is appended to.
        stderr: File that its standard error is appended to; may be the same.

    Raises:
        OSError: The program cannot be started.
    """

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdout: Path, stderr: Path) -> None:
        with stdout.open("ab") as out, stderr.open("ab") as err:
            self._process = subprocess.Popen(
                list(argv),
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                # It calls one libc function and nothing else; where there is none, forking is left to subprocess.
                preexec_fn=_die_with_parent if _LIBC else None,  # noqa: PLW1509
            )

    @property
    def pid(self) -> int:
        """Process id, which is the session id too."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process itself still runs."""
        return self._process.poll() is None

    def wait(self) -> int:
        """Exit status of the process, once it and all it started are gone."""
        status = self._process.wait()
        self.signal(signal.SIGKILL)
        return status

    def signal(self, number: int) -> None:
        """Send a signal to the process and everything it started."""
        members = session_members(self.pid)
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        # Once reaped, the id may belong to another process.
        if not members and self.is_running:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def stop(self, *, grace_s: float = 2.0) -> None:
        """End the process: SIGTERM, and SIGKILL after the grace period."""
        self.signal(signal.SIGTERM)
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
        self.wait()
