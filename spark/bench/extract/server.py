"""The scene's files over HTTP with byte ranges, from a process of its own."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claylake.catalogue.scene import Scene
from spark.bench.extract.process import NEW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, *args: Any, folder: Path) -> None:
        self._folder = folder
        super().__init__(*args)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self._folder / self.path.partition("?")[0].lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        size = path.stat().st_size
        wanted = self.headers.get("Range")
        start, _, end = (wanted or "bytes=0-").removeprefix("bytes=").partition("-")
        first, last = int(start), min(int(end or size), size - 1)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(last + 1 - first))
        self.send_header("Accept-Ranges", "bytes")
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if body:
            self.wfile.flush()
            with path.open("rb") as file:
                while first <= last:
                    first += os.sendfile(self.connection.fileno(), file.fileno(), first, last + 1 - first)

    def log_request(self, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # connections beyond it would wait a second


def _serve(folder: Path, port: Connection) -> None:
    server = _Server(("127.0.0.1", 0), partial(_Handler, folder=folder))
    port.send(server.server_port)
    server.serve_forever()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server of the files in a folder."""
    ours, theirs = NEW.Pipe()
    process = NEW.Process(target=_serve, args=(folder, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def remote(scene: Scene, root: str, query: str = "") -> Scene:
    """A scene as a server has it.

    Args:
        scene: with files on disk.
        root: the server's address.
        query: what follows each address: GDAL takes files of another query for other files.
    """
    assets = {
        key: asset.model_copy(update={"href": f"{root}/{Path(asset.href).name}{query}"})
        for key, asset in scene.assets.items()
    }
    return scene.model_copy(update={"assets": assets})
