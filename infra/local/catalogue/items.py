"""STAC items of a data folder, with hrefs that lead to the local COG bucket."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_log = logging.getLogger(__name__)
COLLECTIONS = ("sentinel-2-l2a", "sentinel-2-c1-l2a")


def read_items(data: Path, base_url: str) -> list[dict[str, Any]]:
    """Every STAC item found under a folder.

    Relative asset hrefs are taken relative to the item's file, or to the data folder
    where only that leads to a file. Items without a collection are left out, because an API
    cannot serve them.

    Args:
        data: Folder to search.
        base_url: URL under which the folder's files are served, without a final slash.
    """
    items = []
    for path in sorted(data.rglob("*.json")):
        document = json.loads(path.read_bytes())
        if not isinstance(document, dict) or document.get("type") != "Feature":
            continue
        if not document.get("collection"):
            _log.warning("item %s names no collection and is left out", path)
            continue
        for asset in document.get("assets", {}).values():
            asset["href"] = _absolute(asset["href"], path, data, base_url)
        items.append({**document, "links": []})
    return items


def collections(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Minimal collections: Earth Search's two, and any other that an item names."""
    names = dict.fromkeys((*COLLECTIONS, *(str(item["collection"]) for item in items)))
    return [
        {
            "type": "Collection",
            "stac_version": "1.0.0",
            "id": name,
            "description": f"Items of {name} on this machine",
            "license": "proprietary",
            "extent": {
                "spatial": {"bbox": [[-180.0, -90.0, 180.0, 90.0]]},
                "temporal": {"interval": [["2015-06-27T00:00:00Z", None]]},
            },
            "links": [],
        }
        for name in names
    ]


def _absolute(href: str, item: Path, data: Path, base_url: str) -> str:
    if urlsplit(href).scheme or href.startswith("/"):
        return href
    beside, below = item.parent / href, data / href
    target = below if below.exists() and not beside.exists() else beside
    if not target.exists():
        _log.warning("asset %s of %s does not exist", href, item)
    relative = target.resolve().relative_to(data.resolve(), walk_up=True)
    return f"{base_url}/{quote(relative.as_posix())}"
