import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import shape

from claylake.area.aoi import Aoi
from claylake.errors import BadInputError


def polygon(*ring):
    return {"type": "Polygon", "coordinates": [[list(corner) for corner in ring]]}


SQUARE = polygon((15, 45), (16, 45), (16, 46), (15, 46), (15, 45))


@pytest.mark.parametrize(
    "document",
    [
        SQUARE,
        {"type": "Feature", "geometry": SQUARE, "properties": None},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": SQUARE, "properties": {}}]},
        {"type": "FeatureCollection", "features": [SQUARE, SQUARE]},
        {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"]]},
        polygon((15, 45, 7), (16, 45, 7), (16, 46, 7), (15, 46, 7), (15, 45, 7)),
        polygon((16, 46), (15, 46), (15, 45), (16, 45), (16, 46)),
    ],
)
def test_one_area_in_many_dresses_is_one_aoi(document):
    assert Aoi.from_geojson(None, document) == Aoi.from_geojson(None, SQUARE)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([1], "expected a GeoJSON object, got list"),
        ({}, "geometry type None"),
        ({"type": "Point", "coordinates": [0, 0]}, "geometry type 'Point': an AOI is a Polygon or MultiPolygon"),
        ({"type": "Feature", "geometry": None}, "geometry type None"),
        ({"type": "Feature", "geometry": SQUARE, "properties": ["a"]}, "properties are a list"),
        ({"type": "FeatureCollection", "features": []}, "holds no features"),
        ({"type": "FeatureCollection"}, "holds no features"),
        ({"type": "FeatureCollection", "features": ["x"]}, "expected a GeoJSON Feature"),
        ({"type": "Polygon"}, "check rings"),
        ({"type": "Polygon", "coordinates": []}, "no area"),
        ({"type": "Polygon", "coordinates": [[0, 0], [1, 0]]}, "check rings"),
        (polygon((0, 0), (1, 0)), "check rings"),
        (polygon(("a", "b"), (1, 0), (1, 1), ("a", "b")), "check rings"),
        (polygon((0, 0), (1, math.nan), (1, 1), (0, 0)), "not finite"),
        (polygon((0, 0), (1, math.inf), (1, 1), (0, 0)), "not finite"),
        (polygon((0, 0), (1, 1), (1, 0), (0, 1), (0, 0)), "Self-intersection"),
        (polygon((35.6, 139.6), (35.7, 139.6), (35.7, 139.7), (35.6, 139.6)), r"is it \[lon, lat\] order"),
        (polygon((0, 80), (1, 80), (1, 89), (0, 80)), "UTM covers -80..84"),
        (polygon((179, 0), (190, 0), (190, 1), (179, 0)), "split the polygon at the antimeridian"),
    ],
)
def test_what_is_wrong_is_said(document, says):
    with pytest.raises(BadInputError, match=says):
        Aoi.from_geojson(None, document)


@given(st.floats(-180, 180), st.floats(-180, 180), st.floats(-80, 84), st.floats(-80, 84))
def test_a_bbox_keeps_its_place(west, east, south, north):
    width = (east - west) % 360
    if not 1e-6 < width < 360 - 1e-6 or not 1e-6 < north - south:
        return
    area = shape(Aoi.from_bbox([west, south, east, north]).geometry)
    assert area.area == pytest.approx(width * (north - south))
    assert area.bounds[1::2] == pytest.approx((south, north))
    if west > east:
        assert not area.intersects(
            shape(polygon((east, south), (west, south), (west, north), (east, south))).buffer(-1e-7)
        )


@pytest.mark.parametrize(
    "bbox",
    [
        [0, 0, 1],
        ["0", 0, 1, 1],
        [True, 0, 2, 1],
        [10, 0, 10, 1],
        [0, 1, 1, 0],
        [180, 0, -180, 1],
        [-10, 0, 350, 1],
        [0, math.nan, 1, 1],
        [math.nan, 0, 1, 1],
    ],
)
def test_a_bad_bbox_is_shown_with_what_to_give(bbox):
    with pytest.raises(BadInputError, match=r"bbox .*(give|must)"):
        Aoi.from_bbox(bbox)


def test_an_infinite_bbox_is_refused():
    with pytest.raises(BadInputError, match="not finite"):
        Aoi.from_bbox([0, -math.inf, 1, 1])


def test_across_the_antimeridian_is_two_polygons():
    aoi = Aoi.from_bbox([179, -18, -179, -17])
    assert aoi.geometry["type"] == "MultiPolygon"
    assert shape(aoi.geometry).bounds == (-180.0, -18.0, 180.0, -17.0)


def test_a_file_gives_name_and_overrides(tmp_path):
    path = tmp_path / "my-town.geojson"
    feature = {
        "type": "Feature",
        "geometry": SQUARE,
        "properties": {"name": "My town", "description": "fields", "selection": {"max_scene_cloud": 40}},
    }
    path.write_text(json.dumps(feature))
    aoi = Aoi.from_file(path)
    assert aoi.name == "my-town"
    assert aoi.overrides == {"selection": {"max_scene_cloud": 40}}


@pytest.mark.parametrize(
    ("name", "text"), [("a.geojson", "{"), ("b.geojson", "[]"), ("Big Town.geojson", json.dumps(SQUARE))]
)
def test_a_bad_file_is_named(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(BadInputError, match=f"AOI file {name}"):
        Aoi.from_file(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"AOI file gone\.geojson"):
        Aoi.from_file(tmp_path / "gone.geojson")
