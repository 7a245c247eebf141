"""Footprints of scenes as valid lon/lat polygons within -180..180, also across the antimeridian.

Search, plan and extraction all read a footprint here, so that they agree on what a scene shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from claylake.errors import FootprintError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from shapely.geometry.base import BaseGeometry

    from claylake.catalogue.scene import Scene

_WORLD: Final = (-180.0, -90.0, 180.0, 90.0)
_POLYGONAL: Final = 2
"""Dimensions of a polygon, as shapely counts them: lines have one."""


def footprint(geometry: Mapping[str, Any]) -> BaseGeometry:
    """An item's geometry, made fit for joins: two-dimensional, valid, cut at the antimeridian.

    A scene is some degrees wide at most. A polygon that spans more than half the globe was written
    without a cut at the antimeridian: its western longitudes are meant a turn further east. What
    passes +-180 is cut there (RFC 7946, 3.1.9).

    Args:
        geometry: GeoJSON Polygon or MultiPolygon, lon/lat degrees.

    Raises:
        FootprintError: if it is not one, or holds no area.
    """
    import numpy as np
    import shapely
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    try:
        # Coordinates that are no numbers are refused below; numpy would warn of them besides.
        with np.errstate(invalid="ignore"):
            whole = _within_the_world(shapely.force_2d(shape(dict(geometry))))
    except (ShapelyError, AttributeError, LookupError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise FootprintError(f"its geometry cannot be read as a GeoJSON polygon ({error})") from error
    if whole.is_empty:
        raise FootprintError("its geometry is not a polygon with an area")
    return whole


def with_footprint(scenes: Iterable[Scene]) -> tuple[list[Scene], dict[str, str]]:
    """The scenes whose footprint can be read, and of the others what is wrong with it, by scene id."""
    readable, unreadable = [], {}
    for scene in scenes:
        try:
            footprint(scene.footprint)
        except FootprintError as error:
            unreadable[scene.id] = str(error)
        else:
            readable.append(scene)
    return readable, unreadable


def _within_the_world(area: BaseGeometry) -> BaseGeometry:
    import shapely
    from shapely.affinity import translate

    world = shapely.box(*_WORLD)
    turned = [
        shapely.intersection(translate(part, xoff=turn) if turn else part, world)
        for part in map(_unrolled, shapely.get_parts(area))
        for turn in _turns(part)
    ]
    parts = shapely.get_parts(shapely.union_all(turned))
    return shapely.union_all(parts[shapely.get_dimensions(parts) == _POLYGONAL])


def _turns(part: BaseGeometry) -> tuple[float, ...]:
    """By how many degrees a part is moved so that the world holds all of it; most parts stay where they are."""
    west, _, east, _ = part.bounds
    return (0.0,) if -180.0 <= west and east <= 180.0 else (-360.0, 0.0, 360.0)


def _unrolled(polygon: BaseGeometry) -> BaseGeometry:
    import shapely

    west, _, east, _ = polygon.bounds
    if east - west > 180.0:
        polygon = shapely.transform(polygon, _eastwards)
    return shapely.make_valid(polygon)


def _eastwards(lonlat: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    moved = lonlat.copy()
    moved[moved[:, 0] < 0, 0] += 360.0
    return moved
