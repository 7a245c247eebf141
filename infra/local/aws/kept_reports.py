"""Runs' reports, kept in a folder as they are stored: moto forgets its objects when it ends, and links to them stay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from werkzeug.security import safe_join
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from infra.local.aws.file_buckets import FileBuckets

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_RUNS, _REPORT = "runs/", "/report/"


class KeptReports:
    """Stores each object of a report a second time, on disk, and serves from there, also after a new start.

    Args:
        bucket: That has the run folders.
        folder: Where the copies lie, by their keys.
    """

    def __init__(self, bucket: str, folder: Path) -> None:
        self._start, self._folder = f"/{bucket}/", folder
        self._served = FileBuckets({bucket: folder})

    def find(self, environ: WSGIEnvironment) -> WSGIApplication | None:
        """The application that answers a request for an object that is kept, or None."""
        file = self._file(environ["PATH_INFO"])
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or file is None or not file.is_file():
            return None
        return self._served.find(environ["PATH_INFO"])

    def concerns(self, environ: WSGIEnvironment) -> bool:
        """Whether a request may store an object that is to be kept."""
        return environ["REQUEST_METHOD"] in ("PUT", "POST") and self._file(environ["PATH_INFO"]) is not None

    def kept(self, stores: WSGIApplication, environ: WSGIEnvironment) -> WSGIApplication:
        """The answer to a request that stores, once what it has stored is kept.

        Args:
            stores: Answers S3's requests.
            environ: The request.
        """
        answer = Response.from_app(stores, environ, buffered=True)
        path, file = environ["PATH_INFO"], self._file(environ["PATH_INFO"])
        # As it is read, not as it was sent: in parts, or in chunks with signatures.
        read = EnvironBuilder(quote(path), base_url=f"http://{environ['HTTP_HOST']}").get_environ()
        stored = Response.from_app(stores, read, buffered=True)
        if file is not None and answer.status_code == stored.status_code == 200:
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_name(f"{file.name}.part")
            part.write_bytes(stored.get_data())
            part.replace(file)
        return answer

    def _file(self, path: str) -> Path | None:
        """Where an object of a report is kept; None for any other."""
        key = path.removeprefix(self._start)
        if key == path or not key.startswith(_RUNS) or _REPORT not in key:
            return None
        joined = safe_join(str(self._folder), key)
        return Path(joined) if joined else None
