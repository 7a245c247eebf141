"""Scenes of an area and months, from a STAC API.

The query holds collections, dates and the area, and no cloud cover: not every server knows the query
extension, and what is dropped must be counted.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from claylake.catalogue.api import pages
from claylake.catalogue.footprint import footprint
from claylake.errors import FootprintError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claylake.configuration.settings import Catalogue
    from claylake.month import Month

log = logging.getLogger(__name__)

MARGIN: Final = timedelta(hours=1)
"""Items are dated by their tile; their pass, which decides the month, starts up to minutes earlier."""
MOST_VERTICES: Final = 500
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"
_COVER_DEGREES: Final = (0.001, 0.01, 0.05, 0.2, 1.0)


def search_scenes(
    catalogue: Catalogue, geometry: dict[str, Any], months: Sequence[Month], collections: Sequence[str]
) -> list[dict[str, Any]]:
    """Raw items that intersect `geometry` (GeoJSON, lon/lat), one per (collection, id), ordered by them.

    Where the catalogue holds several versions of an item, the one updated last is taken.

    Args:
        catalogue: the settings of the STAC API.
        geometry: of the area.
        months: in order, at least one; the window is theirs, with one hour more at both ends.
        collections: their ids.

    Raises:
        CatalogueError: if the catalogue does not answer, or answers nonsense.
    """
    cover = cover_of(geometry)
    query = {
        "collections": list(collections),
        "intersects": cover,
        "datetime": f"{months[0].start - MARGIN:{_MOMENT}}/{months[-1].end + MARGIN:{_MOMENT}}",
    }
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    total = 0
    for number, page in enumerate(pages(catalogue, query), start=1):
        for item in page:
            total += 1
            key = (str(item.get("collection", "")), str(item.get("id", "")))
            if key not in newest or _updated(item) > _updated(newest[key]):
                newest[key] = item
        log.info("catalogue page %s: %s items so far", number, total)
    if total > len(newest):
        log.info("catalogue listed %s items twice; the ones updated last are taken", total - len(newest))
    items = [newest[key] for key in sorted(newest)]
    return items if cover is geometry else _touching(items, geometry)


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


def _updated(item: dict[str, Any]) -> datetime:
    try:
        moment = datetime.fromisoformat(str((item.get("properties") or {}).get("updated")))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _touching(items: list[dict[str, Any]], geometry: dict[str, Any]) -> list[dict[str, Any]]:
    """The items whose footprint meets `geometry`; those without a readable footprint stay, to be counted later."""
    import shapely
    from shapely.geometry import shape

    area = shape(geometry)
    shapely.prepare(area)

    def touches(item: dict[str, Any]) -> bool:
        try:
            return bool(shapely.intersects(area, footprint(item.get("geometry") or {})))
        except FootprintError:
            return True

    return [item for item in items if touches(item)]
