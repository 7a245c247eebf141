"""Scenes of an area and months, from a STAC API or a folder of items.

The query holds collections, dates and the area, and no cloud cover: not every server knows the query
extension, and what is dropped must be counted.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from claylake.catalogue import folder
from claylake.catalogue.api import pages
from claylake.catalogue.cover import MOST_VERTICES, area_to_meet, cover_of
from claylake.errors import CatalogueError
from claylake.pass_month import MARGIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claylake.configuration.settings import Catalogue
    from claylake.month import Month

__all__ = ["MOST_VERTICES", "area_to_meet", "cover_of", "has_any", "search_items"]

log = logging.getLogger(__name__)

_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"


def search_items(
    catalogue: Catalogue, geometry: dict[str, Any], months: Sequence[Month], collections: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Raw items that intersect the cover of `geometry` (GeoJSON, lon/lat), as the catalogue lists them.

    It may list several versions of an item, and items that do not meet the geometry. A page is fetched when the one
    before is used up, and none is kept.

    Args:
        catalogue: the settings of the STAC API, whose address may be a folder.
        geometry: of the area.
        months: in order, at least one; the window is theirs, with one hour more at both ends.
        collections: their ids.

    Raises:
        CatalogueError: if the catalogue does not answer, or answers nonsense.
        BadInputError: if a folder cannot be read, or has no items.
    """
    window = f"{months[0].start - MARGIN:{_MOMENT}}/{months[-1].end + MARGIN:{_MOMENT}}"
    query = {"collections": list(collections), "intersects": cover_of(geometry), "datetime": window}
    here = folder.folder_of(catalogue.url)
    if here is not None:
        yield from folder.search(here, query)
        return
    total = 0
    for number, page in enumerate(pages(catalogue, query), start=1):
        total += len(page)
        log.info("catalogue page %s: %s items so far", number, total)
        yield from page


def has_any(catalogue: Catalogue, geometry: dict[str, Any], collections: Sequence[str]) -> bool | None:
    """Whether the catalogue lists an item of the area at any time; None where it does not answer that.

    Args:
        catalogue: the settings of the STAC API.
        geometry: of the area, GeoJSON, lon/lat.
        collections: their ids.
    """
    query = {"collections": list(collections), "intersects": cover_of(geometry)}
    here = folder.folder_of(catalogue.url)
    if here is not None:
        return any(True for _ in folder.search(here, query))
    brief = catalogue.model_copy(update={"page_size": 1, "retries": min(catalogue.retries, 1)})
    try:
        return any(pages(brief, query))
    except CatalogueError as error:
        log.warning("whether there are scenes at other times is not known: %s", error)
        return None
