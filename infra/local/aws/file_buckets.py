"""Read-only buckets that are folders of this machine, served by HTTP range."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.security import safe_join
from werkzeug.utils import send_file
from werkzeug.wrappers import Response
from werkzeug.wsgi import FileWrapper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_BLOCK = 1 << 20


class ReadCounts:
    """Requests and body bytes served, in total and by path."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Start from zero."""
        with self._lock:
            self._requests: Counter[str] = Counter()
            self._bytes: Counter[str] = Counter()

    def add(self, path: str, size: int) -> None:
        """Count one request."""
        with self._lock:
            self._requests[path] += 1
            self._bytes[path] += size

    def report(self) -> dict[str, Any]:
        """The counts as a plain document."""
        with self._lock:
            paths = {
                path: {"requests": number, "bytes": self._bytes[path]}
                for path, number in sorted(self._requests.items())
            }
            requests, size = self._requests.total(), self._bytes.total()
            return {"requests": requests, "bytes": size, "paths": paths}


class FileBuckets:
    """Serves `GET` and `HEAD` of `/<bucket>/<key>` from folders.

    Args:
        folders: Folder of each bucket.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self.counts = ReadCounts()
        self._folders = {bucket: folder.resolve() for bucket, folder in folders.items()}

    def find(self, path: str) -> WSGIApplication | None:
        """The application that answers a path, or None when it is no bucket of ours."""
        bucket, _, key = path.lstrip("/").partition("/")
        folder = self._folders.get(bucket)
        if folder is None:
            return None
        return lambda environ, start: self._answer(environ, folder, key)(environ, start)

    def _answer(self, environ: WSGIEnvironment, folder: Path, key: str) -> WSGIApplication:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _error(405, "MethodNotAllowed")
        joined = safe_join(str(folder), key)
        # Resolved as well: a link inside the folder may lead out of it.
        path = Path(joined).resolve() if joined else None
        if path is None or not path.is_relative_to(folder):
            return _error(403, "AccessDenied")
        if not path.is_file():
            return _error(404, "NoSuchKey")
        if "," in environ.get("HTTP_RANGE", ""):
            # S3 answers several ranges in one request with the whole object.
            del environ["HTTP_RANGE"]
        # The default wrapper reads 8 KiB at a time.
        environ["wsgi.file_wrapper"] = lambda file, _size: FileWrapper(file, _BLOCK)
        try:
            response = send_file(path, environ, conditional=True, etag=True)
        except HTTPException as refused:
            return refused
        body = environ["REQUEST_METHOD"] == "GET" and response.status_code in (200, 206)
        self.counts.add(environ["PATH_INFO"], (response.content_length or 0) if body else 0)
        return response


def _error(status: int, code: str) -> Response:
    body = f"<Error><Code>{code}</Code></Error>"
    return Response(body, status=status, mimetype="application/xml")
