"""Outlines in lon/lat: of scenes, of the AOI, of events."""

from collections.abc import Iterable
from typing import Any

from pyproj import Transformer
from shapely import LinearRing, Polygon, box, get_parts
from shapely.geometry.base import BaseGeometry

from infra.world.imaging.painting import SWATH_EDGE
from infra.world.imaging.passes import Pass
from infra.world.place import Place, Tile


def lonlat_ring(points: Iterable[tuple[float, float]], epsg: int) -> list[list[float]]:
    """Return projected points (easting, northing) as lon/lat degrees, nine decimals."""
    to_degrees = Transformer.from_crs(epsg, 4326, always_xy=True)
    return [[round(value, 9) for value in to_degrees.transform(east, north)] for east, north in points]


def polygon_lonlat(polygon: Polygon, epsg: int) -> dict[str, Any]:
    """Return a projected polygon as a GeoJSON geometry, lon/lat, counter-clockwise, its holes clockwise."""
    rings = [_ring(polygon.exterior, is_ccw=True), *(_ring(hole, is_ccw=False) for hole in polygon.interiors)]
    return {"type": "Polygon", "coordinates": [lonlat_ring(ring, epsg) for ring in rings]}


def geometry_lonlat(geometry: BaseGeometry, epsg: int) -> dict[str, Any]:
    """Return a projected polygon or polygons as a GeoJSON geometry, lon/lat."""
    if isinstance(geometry, Polygon):
        return polygon_lonlat(geometry, epsg)
    parts = [polygon_lonlat(part, epsg)["coordinates"] for part in get_parts(geometry)]
    return {"type": "MultiPolygon", "coordinates": parts}


def _ring(line: LinearRing, *, is_ccw: bool) -> list[tuple[float, float]]:
    corners = [(east, north) for east, north, *_ in line.coords]
    return corners if line.is_ccw == is_ccw else corners[::-1]


def scene_footprint(place: Place, tile: Tile, overflight: Pass) -> Polygon:
    """Return where a scene has data, in projected metres: its raster up to the swath's edge.

    Args:
        place: gives the extent that the swath's edge crosses.
        tile: gives the scene's raster.
        overflight: the pass; its role says whether the swath ends here.
    """
    crop = tile.crop
    raster = box(crop.west, crop.south, crop.east, crop.north)
    if not overflight.role.edge:
        return raster
    extent = place.extent
    top, bottom = (extent.west + part * (extent.east - extent.west) for part in SWATH_EDGE)
    swath = Polygon(
        [(extent.west, extent.south), (bottom, extent.south), (top, extent.north), (extent.west, extent.north)]
    )
    part = raster.intersection(swath)
    return part if isinstance(part, Polygon) else raster


def centre_lonlat(place: Place) -> tuple[float, float]:
    """Return the middle of a place's extent, degrees."""
    extent = place.extent
    middle = ((extent.west + extent.east) / 2, (extent.south + extent.north) / 2)
    ((lon, lat),) = lonlat_ring([middle], place.epsg)
    return lon, lat
