"""Pages of a STAC search, read patiently: with timeouts and retries, and past empty pages."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from claylake.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claylake.configuration.settings import Catalogue

RETRY_STATUSES: Final = (429, 500, 502, 503, 504)
_SHAPES: Final = (AttributeError, KeyError, TypeError, ValueError)
"""What pystac-client raises where an answer is JSON of another shape."""


def pages(catalogue: Catalogue, query: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Features, page by page, of ``Client.search(**query)``.

    Follows `next` past empty pages, at which pystac-client itself would stop.

    Raises:
        CatalogueError: if the catalogue does not answer, or answers nonsense.
    """
    import pystac
    from pystac_client.errors import ClientTypeError
    from pystac_client.exceptions import APIError

    try:
        yield from _follow(catalogue, query)
    except (*_SHAPES, APIError, ClientTypeError, OSError, pystac.STACError) as error:
        msg = (
            f"STAC catalogue {catalogue.url}: {error} (tried {catalogue.retries + 1} times, {catalogue.timeout_s:g} s "
            "each): check catalogue.url and the network, or raise catalogue.retries and catalogue.timeout_s"
        )
        raise CatalogueError(msg) from error


def _follow(catalogue: Catalogue, query: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    import pystac
    import pystac_client
    from pystac_client.stac_api_io import StacApiIO

    io = StacApiIO(timeout=catalogue.timeout_s, max_retries=_retry(catalogue))
    # open() sets the timeout of the io that it is given, to none by default.
    client = pystac_client.Client.open(catalogue.url, stac_io=io, timeout=catalogue.timeout_s)
    search = client.search(method="POST", limit=catalogue.page_size, **query)
    parameters = search.get_parameters()
    page = io.read_json(search.url, method="POST", parameters=parameters)
    visited = set()
    while True:
        features = page["features"]
        if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
            msg = "a page's features are not a list of objects"
            raise TypeError(msg)
        yield features
        link = next((link for link in page.get("links", []) if link.get("rel") == "next"), None)
        if link is None:
            return
        link_text = json.dumps([link.get("href"), link.get("body")], sort_keys=True)
        step = hashlib.sha256(link_text.encode()).digest()  # the area is in each of hundreds
        if step in visited:
            msg = "its next links form a loop"
            raise ValueError(msg)
        visited.add(step)
        page = io.read_json(pystac.Link.from_dict(link), parameters=parameters)


def _retry(catalogue: Catalogue) -> Any:
    from urllib3 import Retry

    return Retry(
        total=catalogue.retries,
        backoff_factor=catalogue.backoff_s,
        backoff_max=60,
        status_forcelist=RETRY_STATUSES,
        allowed_methods=None,
    )
