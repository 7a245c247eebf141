"""Outlines in lon/lat, also across 180 degrees, against projecting each corner."""

import pytest
from pyproj import Transformer
from shapely import MultiPolygon, Polygon, box, orient_polygons
from shapely.geometry import shape

from infra.world.writing.footprint import bbox_lonlat, geometry_lonlat, polygon_lonlat

FIJI = Transformer.from_crs(4326, 32601, always_xy=True).transform(-180.0, -16.5)
"""On the meridian of 180 degrees, in metres of zone 1."""


def around(west_m, east_m):
    x, y = FIJI
    return box(x + west_m, y - 5_000, x + east_m, y + 5_000)


def test_an_outline_across_180_degrees_is_cut_there():
    outline = Polygon(around(-20_000, 30_000).exterior, [around(-4_000, 4_000).buffer(-1_000).exterior])
    geometry = polygon_lonlat(outline, 32601)
    area = shape(geometry)
    assert geometry["type"] == "MultiPolygon"
    assert area.is_valid
    assert area.equals(orient_polygons(area))
    west, south, east, north = bbox_lonlat(geometry)
    assert 179.7 < west < 180 < 360 + east < 180.4
    assert (south, north) == (area.bounds[1], area.bounds[3])
    back = Transformer.from_crs(4326, 32601, always_xy=True)
    metres = sum(Polygon([back.transform(*corner) for corner in part.exterior.coords]).area for part in area.geoms)
    assert metres == pytest.approx(outline.area, rel=0.002)


@pytest.mark.parametrize("span", [(1_000, 9_000), (-9_000, -1_000)])
def test_an_outline_beside_180_degrees_is_whole(span):
    geometry = polygon_lonlat(around(*span), 32601)
    assert geometry["type"] == "Polygon"
    assert bbox_lonlat(geometry) == list(shape(geometry).bounds)


def test_several_outlines_are_one_multipolygon():
    geometry = geometry_lonlat(MultiPolygon([around(-20_000, -10_000), around(-5_000, 5_000)]), 32601)
    assert geometry["type"] == "MultiPolygon"
    assert len(geometry["coordinates"]) == 3
    assert all(-180 <= lon <= 180 for part in geometry["coordinates"] for ring in part for lon, _ in ring)
