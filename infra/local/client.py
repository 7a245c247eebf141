"""Starts and stops the local stack from any environment; standard library only."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_REPOSITORY = Path(__file__).resolve().parents[2]
_START_S = 240.0
_STOP_S = 60.0
_ANSWER_S = 60.0
"""Limits for a machine that has much else to do: on a quiet one none comes near."""


class StackFailedError(RuntimeError):
    """The stack did not start, or a control call was refused."""


@dataclass(frozen=True)
class StackInfo:
    """A running stack.

    Attributes:
        document: The content of `stack.json`.
    """

    document: Mapping[str, Any]

    @property
    def endpoint(self) -> str:
        """URL of every AWS service."""
        return str(self.document["endpoint"])

    @property
    def stac_url(self) -> str:
        """URL of the STAC API."""
        return str(self.document["stac_url"])

    @property
    def cogs_url(self) -> str:
        """URL of the folder of COGs."""
        return str(self.document["cogs_url"])

    @property
    def lake(self) -> str:
        """`s3://` URI of the lake's bucket."""
        return str(self.document["lake"])

    @property
    def env(self) -> dict[str, str]:
        """Variables that point clients at the stack."""
        return dict(self.document["env"])

    @property
    def pid(self) -> int:
        """Process id of the stack."""
        return int(self.document["pid"])

    def fault(self, **fault: Any) -> list[dict[str, Any]]:
        """Arm a fault, such as `fault(fail_step="extract", times=2)`; all armed ones."""
        return list(self.control("POST", "faults", fault))

    def clear_faults(self) -> None:
        """Disarm all faults."""
        self.control("DELETE", "faults")

    def reads(self, *, reset: bool = False) -> dict[str, Any]:
        """Requests and bytes served from the COG folder; `reset` starts a new count."""
        counts = dict(self.control("GET", "reads"))
        if reset:
            self.control("DELETE", "reads")
        return counts

    def calls(self) -> list[dict[str, str]]:
        """Kinds of AWS calls that Airflow and steps have made so far; see `infra.local.aws.calls`."""
        return list(self.control("GET", "calls"))

    def optimizer_ran(self, *, database: str, table: str, kind: str, **run: Any) -> None:
        """Say how the newest run of a Glue table optimizer went, by the names of Glue's `TableOptimizerRun`.

        Args:
            database: Name of the table's database.
            table: Name of the table.
            kind: `compaction`, `retention` or `orphan_file_deletion`.
            run: Such as `eventType="failed", startTimestamp="2024-08-01T10:00:00Z", error="why"`.
        """
        self.control("POST", "optimizer-runs", {"database": database, "table": table, "type": kind, "run": run})

    def steps(self) -> list[dict[str, Any]]:
        """Steps that run now, each with the pid of its process."""
        return list(self.control("GET", "steps"))

    def control(self, method: str, name: str, body: Mapping[str, Any] | None = None) -> Any:
        """One call of the control endpoint.

        Args:
            method: HTTP method.
            name: Path below ``/_claylake/``, such as `faults`.
            body: Sent as JSON; None sends no body.

        Raises:
            StackFailedError: The stack refuses the call; the message says why.
        """
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.endpoint}/_claylake/{name}"
        request = urllib.request.Request(url, data, method=method)
        try:
            # No proxy: the stack is on this machine.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request, timeout=_ANSWER_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise StackFailedError(error.read().decode()) from error


def infra_python() -> Path:
    """Python of the infra environment."""
    return _REPOSITORY / ".venv/infra/bin/python"


def read_info(root: Path) -> StackInfo | None:
    """The stack that runs in a folder, or None; a file left by a dead stack is none."""
    try:
        info = StackInfo(json.loads((root / "stack.json").read_text()))
    except (OSError, ValueError):
        return None
    return info if _answers(info) else None


def launch(
    root: Path, arguments: Sequence[str] = (), *, with_parent: bool = True
) -> tuple[subprocess.Popen[bytes], StackInfo]:
    """Start a stack as a child process and wait until it is ready.

    Args:
        root: Its folder; `stack.log` there gets its output.
        arguments: Further arguments of `infra.local up`, such as `--data`, a folder.
        with_parent: The stack ends when this process does, however it ends.

    Raises:
        StackFailedError: It ended or is not ready in time; the message holds its log's end.
    """
    root.mkdir(parents=True, exist_ok=True)
    log = root / "stack.log"
    command = [str(infra_python()), "-m", "infra.local", "up", "--foreground", "--root", str(root)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *(["--die-with-parent"] if with_parent else []), *arguments],
            cwd=_REPOSITORY,
            stdin=subprocess.PIPE if with_parent else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = monotonic() + _START_S
    while process.poll() is None and monotonic() < deadline:
        info = read_info(root)
        if info and info.pid == process.pid:
            return process, info
        sleep(0.05)
    end(process)
    raise StackFailedError(f"the stack did not start: {log.read_text(errors='replace')[-3000:]}")


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a stack that `launch` started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()


def down(root: Path) -> bool:
    """Stop the stack that runs in a folder; False when none does."""
    info = read_info(root)
    if info is None:
        return False
    os.kill(info.pid, signal.SIGTERM)
    deadline = monotonic() + _STOP_S
    # Its port closes last, when all it started has ended.
    while _answers(info) and monotonic() < deadline:
        sleep(0.05)
    return True


def _answers(info: StackInfo) -> bool:
    """Whether the stack's own process answers at its endpoint."""
    try:
        return bool(info.control("GET", "health")["pid"] == info.pid)
    except (OSError, ValueError, LookupError, TypeError, HTTPException, StackFailedError):
        # It is gone, or another program has the port by now.
        return False


@contextlib.contextmanager
def running(root: Path, *arguments: str) -> Iterator[StackInfo]:
    """A stack for the length of a `with` block, as in a session fixture.

    Args:
        root: Its folder.
        arguments: Further arguments of `infra.local up`.
    """
    process, info = launch(root, arguments)
    try:
        yield info
    finally:
        end(process)
