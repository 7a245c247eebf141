"""Pages of a STAC search, read patiently: past empty pages and by GET where POST is refused, but not for ever."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

from claylake.catalogue.cover import VERTICES_IN_A_URL, cover_of
from claylake.catalogue.server import NOT_AN_API, REFUSED_METHOD, Request, Server, problem
from claylake.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claylake.configuration.settings import Catalogue

log = logging.getLogger(__name__)

MOST_IDLE_PAGES: Final = 50
"""In a row, each with a next link and none with an item that no page before had."""
_ITEM_SEARCH: Final = re.compile(r"https?://api\.stacspec\.org/v1\.\d+\.\d+[^/]*/item-search/?$")
_PAGING: Final = "check catalogue.url; the server's paging does not end: report it to those who run it"


def pages(catalogue: Catalogue, query: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Features, page by page.

    Args:
        catalogue: the settings of the STAC API.
        query: ``collections``, ``intersects`` and perhaps ``datetime`` of a search.

    Raises:
        CatalogueError: if the catalogue does not answer, or answers nonsense.
    """
    server = Server(catalogue)
    url, methods = _search(server, catalogue.url)
    request, page = _first(server, url, methods, {**query, "limit": catalogue.page_size})
    base = request
    visited: set[bytes] = set()
    known: set[int] = set()
    idle = 0
    while True:
        features = _features(server, request, page)
        ids = {hash((str(each.get("collection")), str(each.get("id")), _updated(each))) for each in features}
        idle = 0 if ids - known else idle + 1
        known |= ids
        yield features
        link = _next(server, request, page)
        if link is None:
            return
        if idle >= MOST_IDLE_PAGES:
            cause = f"{idle} pages in a row have no new item, and each names a next one"
            raise server.error(request, cause, _PAGING, status=200)
        link_text = json.dumps([link.get("href"), link.get("body")], sort_keys=True)
        step = hashlib.sha256(link_text.encode()).digest()  # the area is in each of hundreds
        if step in visited:
            raise server.error(request, "its next links form a loop", _PAGING, status=200)
        visited.add(step)
        request = _following(link, base)
        page = server.read(request)


def _search(server: Server, root: str) -> tuple[str, frozenset[str]]:
    """Address of the search, and the methods that the landing page names for it; none where it names none."""
    landing = Request(root)
    document = server.read(landing)
    said = document.get("conformsTo")
    if not any(_ITEM_SEARCH.match(str(each)) for each in (said if isinstance(said, list) else [])):
        cause = "it offers no item search: its conformsTo lacks .../item-search"
        if "stac_version" not in document and problem(document):
            cause = f"its answer is an error: {problem(document)}"
        raise server.error(landing, cause, NOT_AN_API, status=200)
    links = [link for link in _links(server, landing, document) if link.get("rel") == "search" and link.get("href")]
    href = str(links[0]["href"]) if links else "search"
    methods = frozenset(str(link["method"]).upper() for link in links if link.get("method"))
    return urljoin(f"{root.rstrip('/')}/", href), methods


def _first(
    server: Server, url: str, methods: frozenset[str], parameters: Mapping[str, Any]
) -> tuple[Request, dict[str, Any]]:
    """The request that a search begins with, and its page. Every item search has GET, not every one has POST."""
    post, get = Request(url, "POST", parameters), Request(url, "GET", _as_query(parameters))
    if methods == {"GET"}:
        return get, server.read(get)
    try:
        return post, server.read(post)
    except CatalogueError as error:
        if error.status not in REFUSED_METHOD:
            raise
        log.warning("%s; searching by GET", error)
        try:
            return get, server.read(get)
        except CatalogueError as second:
            cause = f"POST was refused with {error.status} ({error.cause}), and so was GET: {second.cause}"
            raise server.error(get, cause, second.advice, second.status) from second


def _as_query(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """As the query of a URL, where the area must be short: a cover of it, since what is found is held against it."""
    shape = cover_of(parameters["intersects"], VERTICES_IN_A_URL)
    return {
        **parameters,
        "collections": ",".join(parameters["collections"]),
        "intersects": json.dumps(shape, separators=(",", ":")),
    }


def _following(link: Mapping[str, Any], base: Request) -> Request:
    """What a next link means. One that is to be posted and has no body of its own repeats the search's."""
    href, method = urljoin(base.url, str(link["href"])), str(link.get("method") or "GET").upper()
    if method == "GET":
        return Request(href)
    body = link.get("body")
    if not isinstance(body, dict) or link.get("merge"):
        body = {**(base.parameters or {}), **(body if isinstance(body, dict) else {})}
    return Request(href, method, body)


def _features(server: Server, request: Request, page: Mapping[str, Any]) -> list[dict[str, Any]]:
    features = page.get("features")
    if isinstance(features, list) and all(isinstance(feature, dict) for feature in features):
        return features
    if "features" in page:
        cause = "a page's features are not a list of objects"
    elif problem(page):
        cause = f"its answer is an error in place of features: {problem(page)}"
    else:
        cause = "its answer has no features"
    raise server.error(request, cause, NOT_AN_API, status=200)


def _next(server: Server, request: Request, page: Mapping[str, Any]) -> dict[str, Any] | None:
    links = _links(server, request, page)
    return next((link for link in links if link.get("rel") == "next" and link.get("href")), None)


def _links(server: Server, request: Request, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Links of an answer; null is none."""
    links = document.get("links") or []
    if not isinstance(links, list) or not all(isinstance(link, dict) for link in links):
        raise server.error(request, "its links are not a list of objects", NOT_AN_API, status=200)
    return links


def _updated(feature: Mapping[str, Any]) -> str:
    properties = feature.get("properties")
    return str(properties.get("updated")) if isinstance(properties, dict) else ""
