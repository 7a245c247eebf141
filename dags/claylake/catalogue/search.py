"""Scenes of an area and months, from a STAC API.

The query holds collections, dates and the area, and no cloud cover: not every server knows the query
extension, and what is dropped must be counted.
"""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from claylake.catalogue.api import pages
from claylake.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shapely.geometry.base import BaseGeometry

    from claylake.configuration.settings import Catalogue
    from claylake.month import Month

log = logging.getLogger(__name__)

MARGIN: Final = timedelta(hours=1)
"""Items are dated by their tile; their pass, which decides the month, starts up to minutes earlier."""
MOST_VERTICES: Final = 500
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"
_COVER_DEGREES: Final = (0.001, 0.01, 0.05, 0.2, 1.0)


def search_items(
    catalogue: Catalogue, geometry: dict[str, Any], months: Sequence[Month], collections: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Raw items that intersect the cover of `geometry` (GeoJSON, lon/lat), as the catalogue lists them.

    It may list several versions of an item, and where the cover is not the geometry itself also items that do
    not meet it. A page is fetched when the one before is used up, and none is kept.

    Args:
        catalogue: the settings of the STAC API.
        geometry: of the area.
        months: in order, at least one; the window is theirs, with one hour more at both ends.
        collections: their ids.

    Raises:
        CatalogueError: if the catalogue does not answer, or answers nonsense.
    """
    window = f"{months[0].start - MARGIN:{_MOMENT}}/{months[-1].end + MARGIN:{_MOMENT}}"
    query = {"collections": list(collections), "intersects": cover_of(geometry), "datetime": window}
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
    try:
        return any(pages(catalogue.model_copy(update={"page_size": 1}), query))
    except CatalogueError as error:
        log.warning("whether there are scenes at other times is not known: %s", error)
        return None


def area_to_meet(geometry: dict[str, Any]) -> BaseGeometry | None:
    """The area that found footprints must meet (prepared), where the search is for a larger cover of it; else None."""
    import shapely
    from shapely.geometry import shape

    area = shape(geometry)
    if shapely.get_num_coordinates(area) <= MOST_VERTICES:
        return None
    shapely.prepare(area)
    return area


def cover_of(geometry: dict[str, Any]) -> dict[str, Any]:
    """`geometry`, or where it has very many vertices a simpler one that holds it.

    Servers limit the size of a request; a shape simplified by t and buffered by t covers the original.
    """
    import shapely
    from shapely.geometry import mapping, shape

    area = shape(geometry)
    if shapely.get_num_coordinates(area) <= MOST_VERTICES:
        return geometry
    world = shapely.box(-180, -90, 180, 90)
    for degrees in _COVER_DEGREES:
        cover = shapely.intersection(area.simplify(degrees).buffer(degrees, quad_segs=1), world)
        if shapely.get_num_coordinates(cover) <= MOST_VERTICES:
            break
    else:
        cover = shapely.box(*area.bounds)
    document: dict[str, Any] = json.loads(json.dumps(mapping(cover)))
    return document
