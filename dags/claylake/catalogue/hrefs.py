"""Which addresses of files are read, and by what name GDAL opens them: one rule, for plan and for reading."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from claylake.errors import HrefError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PAID: Final = "the requester pays for every byte; take items with https: hrefs, or a copy of the files"
REQUESTER_PAYS: Final = frozenset(
    {"sentinel-s2-l1c", "sentinel-s2-l2a", "sentinel-s2-l1c-zips", "sentinel-s2-l2a-zips", "usgs-landsat"}
)
"""Well-known buckets from which every byte is billed to who reads it."""
_ARCHIVE: Final = re.compile(r"\.(zip|tar|tgz|tar\.gz|7z)$", re.IGNORECASE)
_ZARR: Final = re.compile(r"\.zarr(/|$)", re.IGNORECASE)
_KEPT: Final = "%/:=&?~+!$,;'@()*[]"
"""Characters that an address may have as they are."""


def gdal_path(href: str) -> str:
    """GDAL's name of the file that an href points to.

    Suffixes do not matter: what a file holds is checked when it is opened.

    Raises:
        HrefError: it points to nothing that can be read; the message says why, and what could.
    """
    if not href or not href.isprintable():
        raise HrefError(shown(href), "it is empty or has control characters")
    try:
        parts = urlsplit(href)
    except ValueError as error:
        raise HrefError(shown(href), f"it is no address ({error})") from error
    _require_one_file(href, parts.path)
    if parts.scheme:
        known = {"http": _of_web, "https": _of_web, "s3": _of_bucket, "file": _of_disk}
        if parts.scheme not in known:
            allowed = ", ".join(f"{scheme}:" for scheme in known)
            raise HrefError(shown(href), f"{parts.scheme}: is not read, only {allowed} and paths")
        return known[parts.scheme](parts)
    if not href.startswith("/"):
        raise HrefError(shown(href), "it is relative, and nothing says to what; a catalogue must give whole addresses")
    return _on_disk(href, href)


def is_remote(href: str) -> bool:
    """Whether reading it waits for a network."""
    return urlsplit(href).scheme in ("http", "https", "s3")


def shown(href: str) -> str:
    """An address as messages show it: without query and credentials, which may be secret."""
    try:
        parts = urlsplit(href)
    except ValueError:
        return href.partition("?")[0]
    if not parts.scheme:
        return href
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def refusal(item: Mapping[str, Any], hrefs: Mapping[str, str]) -> str | None:
    """Why files of an item cannot be read, as far as their addresses say; None where all can.

    Args:
        item: the STAC item.
        hrefs: its hrefs that are to be read, by our keys.
    """
    for key, href in hrefs.items():
        try:
            gdal_path(href)
        except HrefError as error:
            return f"{key}: {error}"
        if urlsplit(href).scheme == "s3" and any(_says_requester_pays(item, href)):
            return f"{key}: {HrefError(shown(href), f'by the item {PAID}')}"
    return None


def _require_one_file(href: str, path: str) -> None:
    if _ZARR.search(path):
        raise HrefError(shown(href), "it is a Zarr store, no raster file")
    if _ARCHIVE.search(path):
        raise HrefError(shown(href), "it is an archive, no raster file")
    if path.endswith("/") or not path:
        raise HrefError(shown(href), "it is a folder")


def _of_web(parts: SplitResult) -> str:
    if not parts.hostname:
        raise HrefError(shown(parts.geturl()), "it names no host")
    return "/vsicurl/" + quote(urlunsplit(parts._replace(fragment="")), safe=_KEPT)


def _of_disk(parts: SplitResult) -> str:
    if parts.netloc not in ("", "localhost"):
        raise HrefError(shown(parts.geturl()), f"it is a file of another machine, {parts.netloc}")
    return _on_disk(shown(parts.geturl()), unquote(parts.path))


def _on_disk(href: str, path: str) -> str:
    if path.startswith("/vsi"):
        raise HrefError(href, "it is a name of GDAL's own, no address")
    return path


def _of_bucket(parts: SplitResult) -> str:
    bucket, href = parts.netloc, shown(parts.geturl())
    if not bucket:
        raise HrefError(href, "it names no bucket")
    if parts.query:
        raise HrefError(href, "a query has no meaning in s3:; signed addresses are https:")
    if bucket in REQUESTER_PAYS:
        raise HrefError(href, f"of {bucket} {PAID}")
    return f"/vsis3/{bucket}{parts.path}"


def _says_requester_pays(item: Mapping[str, Any], href: str) -> Iterable[bool]:
    """What STAC's storage extension says of the file: version 1 has a flag, version 2 named schemes."""
    properties = item.get("properties") or {}
    schemes = properties.get("storage:schemes") or {}
    yield bool(properties.get("storage:requester_pays"))
    for asset in (item.get("assets") or {}).values():
        if isinstance(asset, dict) and asset.get("href") == href:
            yield bool(asset.get("storage:requester_pays"))
            yield from (
                bool((schemes.get(name) or {}).get("requester_pays")) for name in asset.get("storage:refs") or ()
            )
