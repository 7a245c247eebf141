"""Whether a STAC API has a collection: a search of one that it lacks is answered as one that finds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from claylake.catalogue.folder import folder_of
from claylake.catalogue.server import Request, Server
from claylake.errors import CatalogueError

if TYPE_CHECKING:
    from claylake.configuration.settings import Catalogue

_NOT_THERE: Final = 404


def offers(catalogue: Catalogue, collection: str) -> bool | None:
    """Whether the catalogue has a collection; None where it does not say, as a folder of items does not.

    Args:
        catalogue: the settings of the STAC API, whose address may be a folder.
        collection: its id.
    """
    if folder_of(catalogue.url) is not None:
        return None
    server, root = Server(catalogue), f"{catalogue.url.rstrip('/')}/collections"
    try:
        server.read(Request(f"{root}/{quote(collection, safe='')}"))
    except CatalogueError as error:
        return False if error.status == _NOT_THERE and _answers(server, root) else None
    return True


def _answers(server: Server, url: str) -> bool:
    """Whether there are addresses of collections at all: an API of item search alone has none."""
    try:
        server.read(Request(url))
    except CatalogueError:
        return False
    return True
