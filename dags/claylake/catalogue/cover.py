"""A simpler shape that covers an area, since servers limit the size of a request; and what found items must meet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

MOST_VERTICES: Final = 500
VERTICES_IN_A_URL: Final = 60
"""About 4 kB, percent-encoded; servers take 8 kB and more."""
_COVER_DEGREES: Final = (0.001, 0.01, 0.05, 0.2, 1.0)


def cover_of(geometry: dict[str, Any], most: int = MOST_VERTICES) -> dict[str, Any]:
    """`geometry`, or where it has more than `most` vertices a simpler one that holds it.

    A shape simplified by t and buffered by t covers the original.
    """
    import shapely
    from shapely.geometry import mapping, shape

    area = shape(geometry)
    if shapely.get_num_coordinates(area) <= most:
        return geometry
    world = shapely.box(-180, -90, 180, 90)
    for degrees in _COVER_DEGREES:
        cover = shapely.intersection(area.simplify(degrees).buffer(degrees, quad_segs=1), world)
        if shapely.get_num_coordinates(cover) <= most:
            break
    else:
        cover = shapely.box(*area.bounds)
    document: dict[str, Any] = json.loads(json.dumps(mapping(cover)))
    return document


def area_to_meet(geometry: dict[str, Any]) -> BaseGeometry:
    """The area that found footprints must meet (prepared): what a search finds is the cover's, not the area's.

    It holds for every area, so that the scenes do not depend on its number of vertices, nor on how a server reads
    footprints across 180 degrees.
    """
    import shapely
    from shapely.geometry import shape

    area = shape(geometry)
    shapely.prepare(area)
    return area
