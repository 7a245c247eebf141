"""A hub on localhost that serves one file as the real one does: HEAD with commit, digest and size, GET with ranges."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """One repository, one large file behind a redirect, as the hub keeps them.

    Attributes:
        content: The file's bytes.
        drop_after: Break each connection after so many bytes of the body; None sends all.
        ranges: Range headers of the GETs of the body, None where there was none.
        refuse: Answer every GET of the body with this status.
    """

    daemon_threads = True

    def __init__(self, repo: str, file: str, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repo, self.file, self.content = repo, file, content
        self.drop_after: int | None = None
        self.refuse: int | None = None
        self.ranges: list[str | None] = []
        self.paths: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """Broken connections are the point of some tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_HEAD(self):
        self._resolve()

    def do_GET(self):
        if self.path == "/lfs/body":
            self._body()
        else:
            self._resolve()

    def _resolve(self):
        hub = self.server
        hub.paths.append(self.path)
        known = {f"/{hub.repo}/resolve/{revision}/{hub.file}" for revision in ("main", COMMIT)}
        if self.path not in known:
            self._answer(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
            return
        self._answer(
            302,
            {
                "Location": f"http://localhost:{hub.server_port}/lfs/body",  # another host, as the hub's storage is
                "X-Repo-Commit": COMMIT,
                "X-Linked-Size": str(len(hub.content)),
                "X-Linked-Etag": f'"{hashlib.sha256(hub.content).hexdigest()}"',
            },
        )

    def _body(self):
        hub = self.server
        asked = self.headers.get("Range")
        hub.ranges.append(asked)
        if hub.refuse:
            self._answer(hub.refuse, {})
            return
        begin = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
        rest = hub.content[begin:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(rest)))
        if asked:
            self.send_header("Content-Range", f"bytes {begin}-{len(hub.content) - 1}/{len(hub.content)}")
        self.end_headers()
        if hub.drop_after is not None and len(rest) > hub.drop_after:
            self.wfile.write(rest[: hub.drop_after])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.wfile.write(rest)

    def _answer(self, status, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass
