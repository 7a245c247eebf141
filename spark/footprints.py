"""Footprints of scenes as valid lon/lat polygons within -180..180, also across the antimeridian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from shapely.geometry.base import BaseGeometry

    from claylake.scene import Scene

_WORLD = (-90.0, 90.0)


def footprint(geometry: Mapping[str, Any]) -> BaseGeometry:
    """An item's geometry, made fit for joins.

    A scene is some degrees wide at most. One that spans more than half the globe was written
    without a cut at the antimeridian: its western longitudes are meant a turn further east. What
    passes +-180 is cut there (RFC 7946, 3.1.9).

    Args:
        geometry: GeoJSON Polygon or MultiPolygon, lon/lat degrees.

    Raises:
        ValueError: if it is not one, or holds no area.
    """
    import shapely
    from shapely.affinity import translate
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    try:
        area = shapely.force_2d(shape(dict(geometry)))
    except (ShapelyError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a GeoJSON polygon: {error}") from error
    parts = [_unrolled(part) for part in shapely.get_parts(area)]
    turns = [
        shapely.intersection(translate(part, xoff=turn), shapely.box(-180.0, _WORLD[0], 180.0, _WORLD[1]))
        for part in parts
        for turn in (-360.0, 0.0, 360.0)
    ]
    whole = shapely.union_all([turn for turn in turns if turn.area > 0])
    if whole.is_empty:
        raise ValueError("the footprint has no area")
    return whole


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


def sound(scenes: Iterable[Scene]) -> tuple[list[Scene], dict[str, str]]:
    """The scenes whose footprint is a polygon, and of the others what is wrong, by scene id."""
    good, bad = [], {}
    for scene in scenes:
        try:
            footprint(scene.footprint)
        except ValueError as error:
            bad[scene.id] = str(error)
        else:
            good.append(scene)
    return good, bad
