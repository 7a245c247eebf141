"""An AOI's polygons made one valid outline: repaired where that changes hardly anything, else refused."""

from __future__ import annotations

import json
import logging
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claylake.area.geojson import POLYGONAL
from claylake.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

log = logging.getLogger(__name__)

LARGEST_CHANGE: Final = 0.001
"""Of the area, by a repair."""
_METRES_PER_DEGREE: Final = 111_320.0
_THIN_M: Final = 1.0
"""A part with less mean width is what is left where polygons were cut."""
_NO_WIDTH_M: Final = 0.001
_WIDEST: Final = 180.0
_MOST_CHANGES: Final = 5
"""That are said one by one."""
_PLACED: Final = re.compile(r"(.+?)\[(\S+) (\S+)\]")


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A valid Polygon or MultiPolygon (GeoJSON, lon/lat), and what was changed to make it so, in sentences."""

    geometry: dict[str, Any]
    changes: tuple[str, ...]


def outline(geometries: Sequence[dict[str, Any]], *, as_given: bool = False) -> Outline:
    """Join polygons to one outline.

    Args:
        geometries: GeoJSON Polygons and MultiPolygons, in degrees.
        as_given: whether they are exact boxes: as wide and as thin as they are.

    Raises:
        BadInputError: if a polygon is not valid and its repair would change its area, or there is no area.
    """
    import shapely
    from shapely.geometry import mapping

    changes: list[str] = []
    area = shapely.union_all([_repaired(part, changes) for part in _parts(geometries)])
    if not as_given:
        area = _without_slivers(area, changes)
        _refuse_wide(area)
    if area.is_empty or area.area == 0 or max(map(_width_m, shapely.get_parts(area))) < _NO_WIDTH_M:
        msg = "the polygon has no area: give a ring of at least three corners that do not lie on one line"
        raise BadInputError(msg)
    document: dict[str, Any] = json.loads(json.dumps(mapping(shapely.normalize(area))))
    if document["type"] not in POLYGONAL:
        msg = f"the parts join to a {document['type']}: an AOI is a Polygon or MultiPolygon"
        raise BadInputError(msg)
    for change in changes:
        log.warning("%s", change)
    more = [f"there were {len(changes) - _MOST_CHANGES} more repairs; the log has all"]
    return Outline(
        geometry=document, changes=tuple(changes[:_MOST_CHANGES] + (more if len(changes) > _MOST_CHANGES else []))
    )


def _parts(geometries: Sequence[dict[str, Any]]) -> list[BaseGeometry]:
    import shapely
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    try:
        return [part for each in geometries for part in shapely.get_parts(shapely.force_2d(shape(each)))]
    except (ShapelyError, TypeError, ValueError, LookupError, OverflowError, AttributeError) as error:
        msg = f"the coordinates do not make a polygon ({error}): check rings, [lon, lat] order, and self-crossings"
        raise BadInputError(msg) from error


def _repaired(polygon: BaseGeometry, changes: list[str]) -> BaseGeometry:
    """The polygon, if it is valid; else what both ways of repair make of it, where they agree with its area."""
    import shapely

    if polygon.is_valid:
        return polygon
    what, place = _reason(polygon)
    made = [_polygonal(shapely.make_valid(polygon, method="linework"))]
    made.append(_polygonal(shapely.make_valid(polygon, method="structure", keep_collapsed=False)))
    change = max(abs(each.area - polygon.area) / max(each.area, polygon.area, math.ulp(0.0)) for each in made)
    if change >= LARGEST_CHANGE:
        msg = (
            f"the polygon is not valid: {what}{place}; a repair would change its area by {change:.1%}, and less than "
            f"{LARGEST_CHANGE:.1%} is allowed: correct it there, e.g. with Fix geometries in QGIS"
        )
        raise BadInputError(msg)
    changes.append(f"the AOI's polygon was repaired{place} ({what}), which changed its area by {change:.2g} of it")
    return made[0]


def _reason(polygon: BaseGeometry) -> tuple[str, str]:
    """What is wrong with it, and where."""
    import shapely

    text = str(shapely.is_valid_reason(polygon))
    found = _PLACED.fullmatch(text)
    return (found[1], f" at lon {float(found[2]):.6g}, lat {float(found[3]):.6g}") if found else (text, "")


def _polygonal(area: BaseGeometry) -> BaseGeometry:
    """Without the lines and points that a repair may leave."""
    import shapely

    parts = shapely.get_parts(area)
    flat = [part for each in parts for part in shapely.get_parts(each)]
    return shapely.union_all([part for part in flat if part.geom_type == "Polygon"])


def _without_slivers(area: BaseGeometry, changes: list[str]) -> BaseGeometry:
    """Without parts thinner than a metre, where they are less than a thousandth of the area: each would have cells."""
    import shapely

    parts = shapely.get_parts(area)
    thin = [part for part in parts if _width_m(part) < _THIN_M]
    if not thin or sum(part.area for part in thin) >= LARGEST_CHANGE * area.area:
        return area
    changes.append(f"parts of the AOI that are less than {_THIN_M:g} m wide were left out: {len(thin)}")
    return shapely.union_all([part for part in parts if _width_m(part) >= _THIN_M])


def _width_m(polygon: BaseGeometry) -> float:
    """Mean width: twice the area by the outline's length, in metres."""
    from shapely.affinity import scale

    shrunk = scale(polygon, xfact=math.cos(math.radians(polygon.centroid.y)), origin=(0.0, 0.0))
    return 2 * shrunk.area / shrunk.length * _METRES_PER_DEGREE if shrunk.length else 0.0


def _refuse_wide(area: BaseGeometry) -> None:
    """Refuse what was written across 180 degrees without a cut: it would be the rest of the globe."""
    import shapely

    for part in shapely.get_parts(area):
        west, _, east, _ = part.bounds
        if east - west > _WIDEST:
            msg = (
                f"a polygon reaches from longitude {west:g} to {east:g}, around more than half the globe: if it is to "
                "cross 180 degrees, split it there (RFC 7946, 3.1.9); else cut it into parts of less than 180 degrees"
            )
            raise BadInputError(msg)
