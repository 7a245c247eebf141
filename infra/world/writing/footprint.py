"""Outlines in lon/lat: of scenes, of the AOI, of events."""

from collections.abc import Iterable
from typing import Any

from pyproj import Transformer
from shapely import LinearRing, Polygon, box, get_parts, orient_polygons
from shapely.geometry.base import BaseGeometry

from claylake.catalogue.footprint import footprint
from infra.world.imaging.painting import SWATH_EDGE
from infra.world.imaging.passes import Pass
from infra.world.place import Place, Tile

_HALF_TURN = 180.0
"""Nothing that is drawn here is that wide: what seems to be lies across 180 degrees."""


def lonlat_ring(points: Iterable[tuple[float, float]], epsg: int) -> list[list[float]]:
    """Return projected points (easting, northing) as lon/lat degrees, nine decimals."""
    to_degrees = Transformer.from_crs(epsg, 4326, always_xy=True)
    return [[round(value, 9) for value in to_degrees.transform(east, north)] for east, north in points]


def polygon_lonlat(polygon: Polygon, epsg: int) -> dict[str, Any]:
    """Return a projected polygon as a GeoJSON geometry, lon/lat, counter-clockwise, its holes clockwise.

    Across 180 degrees it is a MultiPolygon, cut there (RFC 7946, 3.1.9).
    """
    rings = [_ring(polygon.exterior, is_ccw=True), *(_ring(hole, is_ccw=False) for hole in polygon.interiors)]
    found: dict[str, Any] = {"type": "Polygon", "coordinates": [lonlat_ring(ring, epsg) for ring in rings]}
    lons = [lon for lon, _ in found["coordinates"][0]]
    if max(lons) - min(lons) <= _HALF_TURN:
        return found
    parts = [
        [[[round(value, 9) for value in corner] for corner in ring.coords] for ring in (part.exterior, *part.interiors)]
        for part in get_parts(orient_polygons(footprint(found)))
    ]
    return {"type": "MultiPolygon", "coordinates": parts}


def bbox_lonlat(geometry: dict[str, Any]) -> list[float]:
    """Return [west, south, east, north] of a polygon or of polygons; west > east across 180 degrees (RFC 7946, 5.2)."""
    several = geometry["type"] == "MultiPolygon"
    outlines = [part[0] for part in (geometry["coordinates"] if several else [geometry["coordinates"]])]
    lats = [lat for outline in outlines for _, lat in outline]
    spans = [(min(lon for lon, _ in outline), max(lon for lon, _ in outline)) for outline in outlines]
    west, east = min(span[0] for span in spans), max(span[1] for span in spans)
    if east - west > _HALF_TURN:
        west, east = min(span[0] for span in spans if span[0] > 0), max(span[1] for span in spans if span[1] <= 0)
    return [west, min(lats), east, max(lats)]


def geometry_lonlat(geometry: BaseGeometry, epsg: int) -> dict[str, Any]:
    """Return a projected polygon or polygons as a GeoJSON geometry, lon/lat."""
    if isinstance(geometry, Polygon):
        return polygon_lonlat(geometry, epsg)
    found = [polygon_lonlat(part, epsg) for part in get_parts(geometry)]
    parts = [
        part
        for each in found
        for part in (each["coordinates"] if each["type"] == "MultiPolygon" else [each["coordinates"]])
    ]
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
