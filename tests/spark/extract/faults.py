"""A file server with byte ranges and the faults of real ones: each strikes requests that match, a number of times."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

FOREVER = 1_000_000
HEADERS = 32_768
"""Bytes that are read at a file's opening: what begins later is pixels."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request: its number, method, file, and first byte (None without a range)."""

    number: int
    method: str
    name: str
    first: int | None

    @property
    def is_of_pixels(self) -> bool:
        return self.first is not None and self.first >= HEADERS


def any_request(request: Request) -> bool:
    return True


@dataclass(kw_only=True)
class Fault:
    """What happens to requests.

    `kind`: a status, or a name that `Handler` knows.
    """

    kind: str | int
    match: Callable[[Request], bool] = any_request
    times: int = 1
    retry_after: str | None = None
    struck: int = 0

    def strikes(self, request: Request) -> bool:
        if self.struck >= self.times or not self.match(request):
            return False
        self.struck += 1
        return True


@dataclass(kw_only=True)
class Files:
    """A server's folder, its faults, and what was requested. `most`: requests that were ever answered side by side."""

    folder: Path
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    most: int = 0
    now: int = 0
    delay_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, method: str, name: str, first: int | None) -> Fault | None:
        with self.lock:
            request = Request(number=len(self.requests), method=method, name=name, first=first)
            self.requests.append(request)
            return next((fault for fault in self.faults if fault.strikes(request)), None)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, files: Files) -> None:
        self._files = files
        super().__init__(*args)

    def do_HEAD(self) -> None:
        self._counted(body=False)

    def do_GET(self) -> None:
        self._counted(body=True)

    def _counted(self, *, body: bool) -> None:
        files = self._files
        with files.lock:
            files.now += 1
            files.most = max(files.most, files.now)
        try:
            time.sleep(files.delay_s)
            with contextlib.suppress(ConnectionError):
                self._answer(body=body)
        finally:
            with files.lock:
                files.now -= 1

    def _answer(self, *, body: bool) -> None:
        name = unquote(self.path.lstrip("/").partition("?")[0])
        wanted = (self.headers.get("Range") or "").removeprefix("bytes=")
        start, _, end = wanted.partition("-")
        fault = self._files.take(self.command, name, int(start) if wanted else None)
        kind = fault.kind if fault else None
        if isinstance(kind, int):
            self._status(kind, fault.retry_after if fault else None)
            return
        path = self._files.folder / name
        if not path.is_file():
            self._status(404, None)
            return
        data = path.read_bytes()
        total = len(data) // 2 if kind == "stale" else len(data)
        if kind == "whole":
            wanted = ""
        first, last = (int(start), min(int(end or total), total - 1)) if wanted else (0, total - 1)
        if first > last:
            self._status(416, None)
            return
        part = data[first : last + 1]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(part) + (1000 if kind == "long" else 0)))
        self.send_header("Accept-Ranges", "bytes")
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
        self.end_headers()
        if body:
            self._body(part, kind)

    def _body(self, part: bytes, kind: str | None) -> None:
        if kind == "drip":
            for start in range(len(part)):
                self.wfile.write(part[start : start + 1])
                time.sleep(0.2)
            return
        self.wfile.write(part[: len(part) // 2] if kind in ("reset", "short") else part)
        if kind in ("reset", "short", "long"):
            self.wfile.flush()
            if kind == "reset":  # without a goodbye
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self.connection.shutdown(socket.SHUT_RDWR)
            self.connection.close()
            self.close_connection = True

    def _status(self, status: int, retry_after: str | None) -> None:
        self.send_response(status)
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # connections beyond it would wait a second

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no matter."""


@contextlib.contextmanager
def serving(files: Files, port: int = 0) -> Iterator[str]:
    """The server's address."""
    server = _Server(("127.0.0.1", port), lambda *args: Handler(*args, files=files))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
