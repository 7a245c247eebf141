"""A real STAC API over a data folder, by `rustac serve`.

What it is not: `rustac serve` 0.9 ignores the query, filter, sort and fields extensions (a
`query` or `filter` finds nothing), pages only `POST` searches, and refuses a bbox across
the antimeridian. Callers filter on their own side and search with `POST`.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import sys
import urllib.request
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from infra.local.catalogue.items import collections
from infra.local.errors import CatalogueError
from infra.local.ports import HOST, preferred_port
from infra.local.process import Child

_log = logging.getLogger(__name__)
_START_S = 60.0
_ANSWER_S = 60.0
_ATTEMPTS = 3


class StacServer:
    """A `rustac serve` process.

    Args:
        folder: Folder for the documents it serves and its log.
        items: Items with absolute hrefs.
        port: Where it listens if that is free; 0 takes any.

    Raises:
        CatalogueError: It does not start, or does not page through its items.
    """

    def __init__(self, folder: Path, items: list[dict[str, Any]], port: int = 0) -> None:
        self._items = items
        self._port = port
        self._folder = folder
        self._documents = _write(folder, items)
        self._start()

    def wait(self) -> None:
        """Return once it answers searches and pages.

        Another process may take the free port before it does; then it starts again.
        """
        for attempt in range(_ATTEMPTS):
            if self._answers():
                self._check()
                return
            if self._child.is_running:
                break
            _log.warning("rustac serve ended at once (attempt %d)", attempt + 1)
            self._start()
        self.stop()
        log = (self._folder / "log").read_text(errors="replace")[-2000:]
        raise CatalogueError(f"rustac serve does not answer at {self.url}: {log}")

    def stop(self) -> None:
        """End the process."""
        self._child.stop()

    def _start(self) -> None:
        port = preferred_port(self._port)
        self.url = f"http://{HOST}:{port}"
        log = self._folder / "log"
        self._child = Child(
            [_program(), "serve", "--addr", f"{HOST}:{port}", *map(str, self._documents)],
            env={"PATH": os.defpath},
            cwd=self._folder,
            stdout=log,
            stderr=log,
        )

    def _answers(self) -> bool:
        deadline = monotonic() + _START_S
        while monotonic() < deadline and self._child.is_running:
            try:
                with socket.create_connection((HOST, int(self.url.rpartition(":")[2])), 1.0):
                    # A foreign server on our port would answer too; ours must still run.
                    return self._child.is_running
            except OSError:
                sleep(0.02)
        return False

    def _check(self) -> None:
        """Page through one collection the way pystac-client does."""
        if not self._items:
            return
        collection = self._items[0]["collection"]
        expected = {item["id"] for item in self._items if item["collection"] == collection}
        body: dict[str, Any] = {
            "collections": [collection],
            "bbox": [-180, -90, 180, 90],
            "datetime": "1970-01-01T00:00:00Z/2100-01-01T00:00:00Z",
            "limit": max(1, len(expected) // 2),
        }
        found: set[str] = set()
        link: dict[str, Any] | None = {"body": body}
        while link:
            page = _post(f"{self.url}/search", link["body"])
            found |= {feature["id"] for feature in page["features"]}
            link = next((x for x in page["links"] if x["rel"] == "next"), None)
        if found != expected:
            missing = sorted(expected - found)[:5]
            raise CatalogueError(f"search of {collection} found {len(found)} of {len(expected)} items, not {missing}")


def _write(folder: Path, items: list[dict[str, Any]]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    documents = {f"{c['id']}.json": c for c in collections(items)}
    if items:
        documents["items.json"] = {"type": "FeatureCollection", "features": items}
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document))
    return [folder / name for name in documents]


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_ANSWER_S) as answer:
        return json.load(answer)


def _program() -> str:
    beside = Path(sys.executable).parent / "rustac"
    found = str(beside) if beside.exists() else shutil.which("rustac")
    if found is None:
        raise CatalogueError("the program rustac is missing; make the infra environment")
    return found
