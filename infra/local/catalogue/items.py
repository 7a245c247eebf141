"""STAC items of a data folder, with hrefs that lead to the local COG bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from claylake.catalogue import folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

COLLECTIONS = ("sentinel-2-l2a", "sentinel-2-c1-l2a")


def read_items(data: Path, base_url: str) -> list[dict[str, Any]]:
    """Every STAC item found under a folder.

    Args:
        data: Folder to search.
        base_url: URL under which the folder's files are served, without a final slash.

    Raises:
        BadInputError: as of `claylake.catalogue.folder.read_items`.
    """
    root = data.resolve()

    def served(path: Path) -> str:
        return f"{base_url}/{quote(path.relative_to(root, walk_up=True).as_posix())}"

    return list(folder.read_items(data, served))


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
