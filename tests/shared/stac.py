"""A small STAC API on loopback: pages of items, and whatever else a server may answer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit


@dataclass
class Stac:
    """A STAC API.

    `answers` is consulted first, answer by answer: (status, body), also with headers, or seconds to sleep. `refuses` is
    the status that a method is answered with; `queries` are the searches by GET.
    """

    pages: list[list[dict[str, Any]]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    searches: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    queries: list[dict[str, str]] = field(default_factory=list)
    refuses: dict[str, int] = field(default_factory=dict)
    circle: bool = False
    url: str = ""

    def search(self, body: dict[str, Any]) -> dict[str, Any]:
        self.searches.append(body)
        number = body.get("page", 0)
        page = {"type": "FeatureCollection", "features": self.pages[number] if number < len(self.pages) else []}
        following = 0 if self.circle else number + 1
        more = following < len(self.pages)
        link = {"rel": "next", "href": self.url + "/search", "method": "POST", "body": {**body, "page": following}}
        return {**page, "links": [link] if more else []}

    def search_by_get(self, query: dict[str, str]) -> dict[str, Any]:
        """The same pages; the next one is named by its number in the address."""
        number = int(query.get("page", 0))
        more = number + 1 < len(self.pages)
        following = self.url + "/search?" + urlencode({**query, "page": number + 1})
        return {
            "type": "FeatureCollection",
            "features": self.pages[number] if number < len(self.pages) else [],
            "links": [{"rel": "next", "href": following}] if more else None,
        }

    def landing(self) -> dict[str, Any]:
        return {
            "type": "Catalog",
            "stac_version": "1.0.0",
            "id": "test",
            "description": "for tests",
            "conformsTo": ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"],
            "links": [
                {"rel": "root", "href": self.url, "type": "application/json"},
                {"rel": "self", "href": self.url, "type": "application/json"},
                {"rel": "search", "href": self.url + "/search", "type": "application/geo+json", "method": "POST"},
            ],
        }

    def document(self, path: str) -> dict[str, Any] | None:  # noqa: ARG002 - others tell them apart
        """What another address than the search's is answered with; None: nothing is there."""
        return self.landing()


Api = TypeVar("Api", bound=Stac)


@contextmanager
def serving(api: Api, root: str = "") -> Iterator[Api]:
    """The API, at its `url`, which ends in `root`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            address = urlsplit(self.path)
            path, query = address.path.removeprefix(root), dict(parse_qsl(address.query))
            if path == "/search":
                api.queries.append(query)
                self.answer(lambda: api.search_by_get(query), refused=api.refuses.get("GET"))
            else:
                self.answer(lambda: api.document(path))

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(lambda: api.search(body), refused=api.refuses.get("POST"))

        def answer(self, make, refused=None):
            api.requests += 1
            status, body, headers = refused or 200, {"description": "not allowed"} if refused else None, {}
            if api.answers:
                given = api.answers.pop(0)
                if isinstance(given, float):
                    time.sleep(given)
                elif given is not None:
                    status, body, headers = (*given, {})[:3]
            if body is None:
                body = make()
                if body is None:
                    status, body = 404, {"code": "NotFound", "description": "nothing is here"}
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client has given up waiting, as a test wants it to

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}{root}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
