"""A folder of STAC items and COGs in place of a STAC API: what lies on this machine, searched as an API would be."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from claylake.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)


def folder_of(url: str) -> Path | None:
    """The folder that a catalogue's address names: a whole path or a ``file:`` URL; None for any other address."""
    if url.startswith("/"):
        return Path(url)
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def read_items(folder: Path, address: Callable[[Path], str]) -> Iterator[dict[str, Any]]:
    """Every STAC item below a folder, by name of its file, without its links.

    Relative hrefs are taken relative to the item's file, or to the folder where only that leads to a file. Items
    without a collection are left out, because no search finds them; the log names them.

    Args:
        folder: to search.
        address: gives the href of a file.

    Raises:
        BadInputError: the folder is not there, or a ``.json`` file in it is not JSON.
    """
    if not folder.is_dir():
        msg = f"{folder}: no such folder; give one that has STAC items (.json) and the files that they name"
        raise BadInputError(msg)
    for path in sorted(folder.rglob("*.json")):
        document = _document(path)
        if not isinstance(document, dict) or document.get("type") != "Feature":
            continue
        if not document.get("collection"):
            log.warning("item %s names no collection and is left out", path)
            continue
        assets = document.get("assets")
        for asset in assets.values() if isinstance(assets, dict) else ():
            if isinstance(asset, dict) and isinstance(asset.get("href"), str):
                asset["href"] = _absolute(asset["href"], path, folder, address)
        yield {**document, "links": []}


def search(folder: Path, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Items of a folder that a STAC API would find.

    An item whose geometry or date cannot be read is given, too: what is wrong with it is said where scenes are read.

    Args:
        folder: of items and files.
        query: ``collections``, ``intersects`` and perhaps ``datetime`` (an interval) of a search.

    Raises:
        BadInputError: as of `read_items`, or if there is not one item.
    """
    from shapely.geometry import shape
    from shapely.prepared import prep

    area = prep(shape(query["intersects"]))
    window = _window(query.get("datetime"))
    number = 0
    for number, item in enumerate(read_items(folder.absolute(), Path.as_uri), start=1):  # noqa: B007
        if item["collection"] in query["collections"] and _within(item, window) and _meets(item, area):
            yield item
    if not number:
        msg = f"{folder}: no STAC item (.json of type Feature, with a collection) lies there"
        raise BadInputError(msg)


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        msg = f"{path}: not readable as JSON ({error}); mend it, or take it out of the folder"
        raise BadInputError(msg) from error


def _absolute(href: str, item: Path, folder: Path, address: Callable[[Path], str]) -> str:
    if urlsplit(href).scheme or href.startswith("/"):
        return href
    beside, below = item.parent / href, folder / href
    target = below if below.exists() and not beside.exists() else beside
    if not target.exists():
        log.warning("asset %s of %s does not exist", href, item)
    return address(target.resolve())


def _window(interval: str | None) -> tuple[datetime, datetime] | None:
    if interval is None:
        return None
    first, _, last = interval.partition("/")
    return datetime.fromisoformat(first), datetime.fromisoformat(last)


def _within(item: dict[str, Any], window: tuple[datetime, datetime] | None) -> bool:
    if window is None:
        return True
    properties = item.get("properties") or {}
    moment = properties.get("datetime")
    ends = (moment, moment) if moment else (properties.get("start_datetime"), properties.get("end_datetime"))
    try:
        first, last = (datetime.fromisoformat(str(end)) for end in ends)
        return first <= window[1] and last >= window[0]
    except (TypeError, ValueError):
        return True


def _meets(item: dict[str, Any], area: Any) -> bool:
    from shapely import GEOSException
    from shapely.geometry import shape

    try:
        return bool(area.intersects(shape(item["geometry"])))
    except (GEOSException, AttributeError, KeyError, TypeError, ValueError):
        return True
