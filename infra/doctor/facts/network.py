"""Ports, package index, proxies.

The index is whichever the user's settings of uv or pip name: these programs query it, and no file of ours names one.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from infra.doctor.command import Answer, run
from infra.doctor.machine import Network, Program
from infra.local.errors import StackError
from infra.local.ports import free_port

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_SHORTLY = {"UV_HTTP_TIMEOUT": "5", "UV_HTTP_RETRIES": "0"}
_DEFAULT_PORT = "8080"


def network(environment: Mapping[str, str], uv: Program | None, repository: Path) -> Network:
    """What can be reached, within a short limit.

    Args:
        environment: Environment variables: `PORT`, `TORCH_BACKEND` and proxies.
        uv: None where there is none: pip queries the index then, and the build of torch is not checked.
        repository: The checkout, whose lock names the version of torch.
    """
    other = False
    with suppress(StackError):
        other = free_port() > 0
    port = environment.get("PORT") or _DEFAULT_PORT
    index, index_program = _index(uv)
    backend = environment.get("TORCH_BACKEND", "")
    return Network(
        port=port,
        port_error=port_error(port),
        other_ports=other,
        index_error=index,
        index_program=index_program,
        proxies=tuple(each for each in sorted(environment) if each.lower() in _PROXIES and environment[each]),
        torch_backend=backend,
        torch_error=_torch(uv, backend, repository) if backend and uv else "",
    )


def port_error(port: str) -> str:
    """Why a server could not have a port of this machine; empty if it could."""
    if not (port.isdecimal() and 0 < int(port) < 65_536):
        return "is no port"
    with socket.socket() as probe:
        # As servers do: a port whose last connections are only waiting to be forgotten is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
        except OSError as error:
            return f"cannot be had: {error.strerror or error}"
    return ""


def _index(uv: Program | None) -> tuple[str, str]:
    """Why the index does not answer (empty if it does), and which program queried it."""
    if uv:
        answer = _compile(uv, "pip", "--no-cache")
        return reason(answer), "uv"
    pip = [sys.executable, "-m", "pip"]
    if run([*pip, "index", "--help"]).status:
        return "there is neither uv nor a pip of 2021 or later to query it with", ""
    answer = run([*pip, "index", "versions", "pip", "--timeout", "5", "--retries", "0", "--disable-pip-version-check"])
    return reason(answer), "pip"


def _torch(uv: Program, backend: str, repository: Path) -> str:
    lock = (repository / "locks/spark.txt").read_text(encoding="utf-8")
    pinned = re.search(r"^torch==[0-9.]+", lock, re.MULTILINE)
    return reason(_compile(uv, pinned[0] if pinned else "torch", "--torch-backend", backend))


def _compile(uv: Program, requirement: str, *options: str) -> Answer:
    """Let uv resolve a package without fetching it."""
    command = [uv.path, "pip", "compile", "-q", "--no-deps", "--no-header", "--python", sys.executable, *options, "-"]
    return run(command, environment={**os.environ, **_SHORTLY}, text=f"{requirement}\n")


def reason(answer: Answer) -> str:
    """Why there was no good answer, in a line and without addresses, which may hold passwords; empty for a good one."""
    if answer.status == 0:
        return ""
    return re.sub(r"\w+://\S+", "<address>", answer.last_line).replace("cause: ", "").replace("error: ", "")
