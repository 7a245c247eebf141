"""A hub on localhost that serves files as the real one does: HEAD with commit, digest and size, GET with ranges."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """One repository, one large file behind a redirect, as the hub keeps them.

    Attributes:
        content: The file's bytes.
        commit: Where the branch `main` is; other commits are unknown.
        size: What is said to be the file's size; None says the true one.
        digest: What is said to be the file's sha256; None says the true one, an empty text nothing.
        beside: Small files of the repository, which come without a redirect.
        broken: Files for which it answers 503.
        sizeless: Say no size of those, as the hub does of packed ones.
        drop_after: Break each connection after so many bytes of the body; None sends all.
        ranges: Range headers of the GETs of the body, None where there was none.
        refuse: Answer every GET of the body with this status.
    """

    daemon_threads = True

    def __init__(self, repo: str, file: str, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repo, self.file, self.content = repo, file, content
        self.commit = COMMIT
        self.size: int | None = None
        self.digest: str | None = None
        self.beside: dict[str, bytes] = {}
        self.broken: set[str] = set()
        self.sizeless = False
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
        _, _, path = self.path.partition(f"/{hub.repo}/resolve/")
        revision, _, name = path.partition("/")
        if name in hub.broken:
            self._answer(503, {})
        elif revision not in {"main", hub.commit} or name not in {hub.file, *hub.beside}:
            self._answer(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
        elif name in hub.beside:
            etag = hashlib.sha1(hub.beside[name], usedforsecurity=False).hexdigest()
            self._answer(200, {"X-Repo-Commit": hub.commit, "ETag": f'"{etag}"'}, hub.beside[name])
        else:
            digest = hashlib.sha256(hub.content).hexdigest() if hub.digest is None else hub.digest
            about = {
                "Location": f"http://localhost:{hub.server_port}/lfs/body",  # another host, as the hub's storage is
                "X-Repo-Commit": hub.commit,
                "X-Linked-Size": str(hub.size or len(hub.content)),
                "X-Linked-Etag": f'"{digest}"',
            }
            self._answer(302, {name: value for name, value in about.items() if value != '""'})

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

    def _answer(self, status, headers, body=b""):
        self.send_response(status)
        if not (body and self.command == "HEAD" and self.server.sizeless):
            headers = {**headers, "Content-Length": str(len(body))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass
