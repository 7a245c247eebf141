"""The item of a chip: of its own run's manifest, of another one, or of the catalogue."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from infra.verify.errors import UnreadableError, VerifyError
from infra.verify.lake import Lake
from infra.verify.sources import Sources


class Runs(Lake):
    """A lake of manifests alone."""

    files: dict[str, list[dict[str, object]]] = {}  # noqa: RUF012 - set by each test

    def _names(self) -> Iterator[str]:
        yield from (*self.files, "s3://lake/runs/p/2024-08/r/receipt.json")

    def read(self, uri: str) -> bytes:
        return gzip.compress("\n".join(map(json.dumps, self.files[uri])).encode())


def scene(name: str, href: str) -> dict[str, object]:
    fields = {"id": name, "collection": "c", "baseline": "05.10", "boa_offset_applied": True}
    return fields | {"datetime": "2024-08-02T10:00:00Z", "assets": {"red": {"href": href}}}


def uri(month: str, run: str) -> str:
    return f"s3://lake/runs/claylake__a/{month}/{run}/scenes.ndjson.gz"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    files = {
        uri("2024-07", "scheduled__1_00_00"): [scene("a", "old")],
        uri("2024-08", "manual__2"): [scene("a", "new"), scene("b", "b")],
    }
    monkeypatch.setattr(Runs, "files", files)
    return Runs(catalog=None, database="d", runs="s3://lake/runs", stac=None)


def test_the_manifest_of_the_chips_own_run_counts(runs: Runs) -> None:
    """A scene may be processed again between two runs."""
    sources = Sources(runs, [("scheduled__1+00:00", "a"), ("manual__2", "a"), ("gone", "b")])
    assert sources.find("scheduled__1+00:00", "a", "c").hrefs == {"red": "old"}
    assert sources.find("manual__2", "a", "c").hrefs == {"red": "new"}
    assert sources.find("gone", "b", "c").hrefs == {"red": "b"}
    with pytest.raises(UnreadableError, match="no manifest below s3://lake/runs has the item z"):
        sources.find("manual__2", "z", "c")


class Catalogue(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path == "/v1/collections/c/items/z%20z"
        item = {"id": "z z", "collection": "c", "assets": {"red": {"href": "../red.tif"}}}
        body = json.dumps(item | {"properties": {"datetime": "2024-08-02T10:00:00Z"}}).encode() if known else b"{}"
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def test_the_catalogue_has_what_no_manifest_has(runs: Runs) -> None:
    server = HTTPServer(("127.0.0.1", 0), Catalogue)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        root = f"http://127.0.0.1:{server.server_port}/v1"
        lake = Runs(catalog=None, database="d", runs="s3://lake/runs", stac=f"{root}/")
        source = Sources(lake, []).find("manual__2", "z z", "c")
        assert source.hrefs == {"red": f"{root}/collections/c/red.tif"}
        with pytest.raises(UnreadableError, match=r"gives none: .*404"):
            Sources(lake, []).find("manual__2", "y", "c")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_document_of_no_deployment_is_refused() -> None:
    with pytest.raises(VerifyError, match="names no database in its section `deployed`"):
        Lake.of_deployment({"deployed": {"region": "eu-central-1", "lake": "s3://l"}})
    with pytest.raises(VerifyError, match="names no region, lake, database"):
        Lake.of_deployment({})
