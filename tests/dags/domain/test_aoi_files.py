"""Files and params that give areas: what is plain is taken, all else is named with what to do, and nothing is lost."""

import json
import math
from contextlib import suppress

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.geometry import mapping, shape

from claylake.area.aoi import Aoi
from claylake.area.outline import LARGEST_CHANGE
from claylake.configuration.layers import read_aois
from claylake.errors import BadInputError
from claylake.request.aoi_files import list_aois
from claylake.request.params import resolve


def ring(*corners):
    return {"type": "Polygon", "coordinates": [[list(corner) for corner in corners]]}


SQUARE = ring((15, 45), (16, 45), (16, 46), (15, 46), (15, 45))
OTHER = ring((20, 45), (21, 45), (21, 46), (20, 46), (20, 45))


def feature(geometry=SQUARE, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def collection(*features, **members):
    return {"type": "FeatureCollection", "features": list(features), **members}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Of AOI files: write some (text or bytes by file name), and read them both as DAG files do and as runs do."""
    monkeypatch.delenv("CLAYLAKE_AOIS", raising=False)
    monkeypatch.delenv("CLAYLAKE_DEPLOYED", raising=False)
    aois = tmp_path / "aois"
    aois.mkdir()

    def write(**files):
        for name, content in files.items():
            path = aois / name.replace("__", ".")
            text = content if isinstance(content, str | bytes) else json.dumps(content)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return list_aois(tmp_path), read_aois(aois)

    write.root = tmp_path
    return write


def problem(folder, document, name="farm__geojson"):
    """What listing and reading say of a file, which must both refuse it."""
    listed, read = folder(**{name: document})
    assert listed.files == ()
    assert read.aois == {}
    (said,), (also,) = listed.problems.values(), read.problems.values()
    assert said in also
    return said


@pytest.mark.parametrize("name", ["farm__json", "Farm__GeoJSON", "farm__GEOJSON", "FARM__JSON"])
def test_suffixes_that_are_plain_are_taken(folder, name):
    listed, read = folder(**{name: feature(schedule={"start_month": "2023-01"})})
    assert [(file.name, file.settings.schedule.start_month) for file in listed.files] == [("farm", "2023-01")]
    assert read.named("farm").overrides == {"schedule": {"start_month": "2023-01"}}
    assert (listed.problems, read.problems) == ({}, {})


@pytest.mark.parametrize(
    "name", ["farm__kml", "farm__geojson__txt", "farm__shp", "farm__geojson__gz", "farm", "farm__geojsonl", "farm__txt"]
)
def test_other_files_are_problems(folder, name):
    said = problem(folder, feature(), name)
    assert "an AOI file is GeoJSON, called <name>.geojson or <name>.json; convert or rename it" in said


def test_a_folder_in_the_folder_is_a_problem(folder):
    (folder.root / "aois" / "more").mkdir()
    listed, read = folder(farm__geojson=feature())
    assert [file.name for file in listed.files] == ["farm"]
    assert listed.problems == read.problems
    assert "AOI files lie beside it" in listed.problems["more"]


def test_two_files_of_one_name_are_a_problem(folder):
    listed, read = folder(farm__geojson=feature(), farm__json=feature(OTHER))
    assert [file.path.name for file in listed.files] == ["farm.geojson"]
    assert shape(read.aois["farm"].geometry).equals(shape(SQUARE))
    assert listed.problems == {"farm.json": "farm.geojson is the AOI farm already: rename one of them"}


def test_notes_and_hidden_files_are_left_alone_and_logged(folder, caplog):
    caplog.set_level("INFO")
    listed, read = folder(README__md="# Farms", notes__txt="see mail", __gitkeep="", __geojson="{}")
    assert (listed.problems, read.problems) == ({}, {})
    for name in ("README.md", "notes.txt", ".gitkeep", ".geojson"):
        assert f"{name} is no AOI file, and is left alone" in caplog.text


def test_a_run_of_a_name_hears_what_is_wrong_with_its_file(folder):
    _, read = folder(farm__kml="<kml/>", town__geojson=feature())
    assert read.wrong_with("farm").startswith("farm.kml: not taken")
    assert (read.wrong_with("town"), read.wrong_with("village"), read.wrong_with(None)) == ("", "", "")
    with pytest.raises(BadInputError, match=r"farm\.kml: not taken"):
        read.named("farm")
    with pytest.raises(BadInputError, match=r"village\.geojson: it is not there"):
        read.named("village")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_read(folder, encoding):
    listed, read = folder(farm__geojson=json.dumps(feature(name="Mühle"), ensure_ascii=False).encode(encoding))
    assert len(listed.files) == len(read.aois) == 1


def test_another_encoding_is_a_problem(folder):
    said = problem(folder, json.dumps(feature(name="Mühle"), ensure_ascii=False).encode("latin-1"))
    assert "not readable as JSON" in said
    assert "write GeoJSON, in UTF-8" in said


@pytest.mark.parametrize(
    ("document", "overrides"),
    [
        (
            collection(
                feature(schedule={"start_month": "2023-01"}), feature(OTHER, schedule={"start_month": "2023-01"})
            ),
            1,
        ),
        (collection(feature(schedule={"start_month": "2023-01"}), feature(OTHER, name="east")), 1),
        (collection(feature(name="west"), feature(OTHER, name="east")), 0),
        (collection(SQUARE, feature(OTHER, schedule={"start_month": "2023-01"})), 1),
    ],
)
def test_settings_of_features_are_taken_where_they_agree(folder, document, overrides):
    listed, read = folder(farm__geojson=document)
    assert read.aois["farm"].overrides == ({"schedule": {"start_month": "2023-01"}} if overrides else {})
    assert listed.files[0].settings.schedule.start_month == ("2023-01" if overrides else "2024-01")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (
            collection(
                feature(schedule={"start_month": "2023-01"}), feature(OTHER, schedule={"start_month": "2024-01"})
            ),
            r'different settings \(feature 1: {"schedule": {"start_month": "2023-01"}}; feature 2: .*same ones',
        ),
        (
            collection(feature(), feature(OTHER, shedule={"start_month": "2023-01"})),
            "property 'shedule' of feature 2: remove it, properties are settings here; did you mean schedule by 'shedule'",
        ),
        (
            feature(fid=3),
            r"property 'fid' of the Feature: remove it, properties are settings here \(allowed: name, des",
        ),
        (
            feature(stroke="#555", fill="#555"),
            "properties 'stroke', 'fill' of the Feature: remove them, properties are",
        ),
        ({**feature(), "schedule": {"start_month": "2023-01"}}, "'schedule' lies beside the properties"),
        (collection(feature(), schedule={"start_month": "2023-01"}), "'schedule' lies beside the properties"),
        (collection(feature(), properties={"schedule": {}}), "the FeatureCollection has properties"),
        ({**SQUARE, "properties": {"schedule": {}}}, "the Polygon has properties"),
        (
            collection(feature(), feature({"type": "Point", "coordinates": [15, 45]})),
            "type 'Point' of feature 2: an AOI",
        ),
        (feature({"type": "LineString", "coordinates": [[15, 45], [16, 46]]}), "put one around points and lines"),
        (feature(None), "geometry type None: an AOI is a Polygon or MultiPolygon"),
        (collection(), "holds no features: give at least one polygon"),
    ],
)
def test_what_would_be_lost_is_refused(folder, document, says):
    with pytest.raises(BadInputError, match=says):
        raise BadInputError(problem(folder, document))


def test_a_bad_setting_names_the_file(folder):
    listed, _ = folder(Farm__JSON=feature(limits={"budget_usd": -1}))
    assert listed.problems["Farm.JSON"].startswith("aois/Farm.JSON: limits.budget_usd")


@pytest.mark.parametrize(
    "crs",
    [
        None,
        "EPSG:4326",
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4326"}},
        {"type": "name", "properties": {"name": "EPSG:4326"}},
        {"type": "name", "properties": {"name": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
        {"type": "EPSG", "properties": {"code": 4326}},
    ],
)
def test_names_of_degrees_are_taken(folder, crs):
    listed, read = folder(farm__geojson={**collection(feature()), "crs": crs})
    assert (listed.problems, read.problems) == ({}, {})


@pytest.mark.parametrize(
    ("crs", "shown"),
    [
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}, "urn:ogc:def:crs:EPSG::3857"),
        ({"type": "name", "properties": {"name": "EPSG:25832"}}, "EPSG:25832"),
        ({"type": "EPSG", "properties": {"code": 32633}}, "EPSG:32633"),
        ({"type": "link", "properties": {"href": "x.prj"}}, '{"type": "link"'),
        ("EPSG:14326", "EPSG:14326"),
        (5, "EPSG:5"),
        ([], "[]"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda crs: {**feature(), "crs": crs}, lambda crs: feature({**SQUARE, "crs": crs})])
def test_another_crs_is_refused_although_its_numbers_would_fit(folder, wrap, crs, shown):
    said = problem(folder, wrap(crs))
    assert f"its crs is {shown}" in said
    assert "reproject it to EPSG:4326" in said


@pytest.mark.parametrize("epsg", [3857, 32633, 25833])
def test_metres_are_named(folder, epsg):
    move = Transformer.from_crs(4326, epsg, always_xy=True).transform
    corners = [move(lon, lat) for lon, lat in SQUARE["coordinates"][0]]
    said = problem(folder, feature(ring(*corners)))
    assert "are no degrees; they may be metres, of UTM or EPSG:3857: reproject it to EPSG:4326" in said
    with pytest.raises(BadInputError, match=r"param bbox: .* no degrees, perhaps metres"):
        params(bbox=[*corners[0], *corners[2]])


def params(**given):
    return resolve({"months": "2024-07", **given}, aois={}, aoi=None, run_type="manual", interval_start=None)


def test_swapped_axes_are_named_with_what_they_would_be(folder):
    tokyo = ring((35.6, 139.6), (35.7, 139.6), (35.7, 139.7), (35.6, 139.7), (35.6, 139.6))
    said = problem(folder, feature(tokyo))
    assert "latitudes 139.6..139.7: UTM covers -80..84" in said
    assert "Swapped, it would be longitudes 139.6..139.7 and latitudes 35.6..35.7" in said
    assert "write each corner as [lon, lat]" in said
    with pytest.raises(BadInputError, match=r"param bbox: .*Swapped, it would be longitudes 139\.6\.\.139\.7"):
        params(bbox=[35.6, 139.6, 35.7, 139.7])
    with pytest.raises(BadInputError, match=r"param aoi_geojson: .*Swapped, it would be"):
        params(aoi_geojson=feature(tokyo))


def test_what_does_not_fit_either_way_gets_no_swap_suggested(folder):
    assert "Swapped" not in problem(folder, feature(ring((100, 85), (101, 85), (101, 88), (100, 85))))


def test_params_go_by_the_same_rules():
    for document, says in (
        ({**feature(), "crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}, "its crs is EPSG:3857"),
        (feature({"type": "Point", "coordinates": [15, 45]}), "put one around points"),
        (ring((15, 45), (16, 46), (16, 45), (15, 46), (15, 45)), "at lon 15.5, lat 45.5"),
    ):
        with pytest.raises(BadInputError, match=f"param aoi_geojson: .*{says}"):
            params(aoi_geojson=document)


def test_geometry_collections_of_polygons_are_taken():
    document = {"type": "GeometryCollection", "geometries": [SQUARE, OTHER]}
    assert Aoi.from_geojson(None, document) == Aoi.from_geojson(None, collection(SQUARE, OTHER))


HOLE = [[15.4, 45.4], [15.4, 45.6], [15.6, 45.6], [15.6, 45.4], [15.4, 45.4]]


def holed(*holes):
    return {"type": "Polygon", "coordinates": [SQUARE["coordinates"][0], *holes]}


def test_holes_stay_holes():
    aoi = Aoi.from_geojson(None, holed(HOLE))
    assert shape(aoi.geometry).area == pytest.approx(0.96)
    assert aoi.remarks == ()


@pytest.mark.parametrize(
    "document",
    [
        # Two squares written as one ring, which touches itself at a corner.
        ring((15, 45), (16, 45), (16, 46), (17, 46), (17, 47), (16, 47), (16, 46), (15, 46), (15, 45)),
        # A hole written as a loop of the outline.
        ring((15, 45), (16, 45), (16, 46), (15.5, 45.5), (15.6, 45.2), (15.4, 45.2), (15.5, 45.5), (15, 46), (15, 45)),
        # A spike without width.
        ring((15, 45), (16, 45), (16, 45.5), (17, 45.5), (16, 45.5), (16, 46), (15, 46), (15, 45)),
        # A crossing of two corners that are nearly the same.
        ring((15, 45), (16, 45), (16.0001, 46), (15.9999, 46.0001), (16.0001, 46.0001), (15, 46), (15, 45)),
    ],
)
def test_small_faults_are_repaired_and_said(document, caplog):
    assert not shape(document).is_valid
    aoi = Aoi.from_geojson(None, document)
    area = shape(aoi.geometry)
    assert area.is_valid
    assert area.area == pytest.approx(shape(document).area, rel=LARGEST_CHANGE)
    assert aoi.remarks[0].startswith("the AOI's polygon was repaired at lon 1")
    assert all(remark in caplog.text for remark in aoi.remarks)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (
            ring((15, 45), (16, 46), (16, 45), (15, 46), (15, 45)),
            r"Self-intersection at lon 15\.5, lat 45\.5; a repair",
        ),
        (
            ring((15, 45), (17, 45), (15, 46), (15.2, 44.9), (15, 45)),
            r"Self-intersection at lon 15.*allowed: correct it",
        ),
        (holed([[15.9, 45.4], [16.5, 45.4], [16.5, 45.6], [15.9, 45.6], [15.9, 45.4]]), "at lon 16, lat 45.[46]"),
        (holed([[25, 45], [26, 45], [26, 46], [25, 45]]), r"Hole lies outside shell at lon 25, lat 45"),
        (
            ring((15, 45), (16, 46), (17, 47), (15, 45)),
            "the polygon has no area: give a ring of at least three corners",
        ),
        (ring((15, 45), (16, 45), (16, 45 + 1e-12), (15, 45)), "the polygon has no area"),
        (ring((179, 10), (-179, 10), (-179, 11), (179, 11), (179, 10)), "from longitude -179 to 179.*split it there"),
    ],
)
def test_larger_faults_are_refused_with_their_place(document, says):
    with pytest.raises(BadInputError, match=says):
        Aoi.from_geojson(None, document)


def test_slivers_beside_an_area_are_left_out_and_said():
    sliver = ring((17, 45), (17.000001, 45), (17.000001, 46), (17, 46), (17, 45))
    aoi = Aoi.from_geojson(None, collection(SQUARE, sliver))
    assert shape(aoi.geometry).equals(shape(SQUARE))
    assert aoi.remarks == ("parts of the AOI that are less than 1 m wide were left out: 1",)
    alone = Aoi.from_geojson(None, sliver)
    assert shape(alone.geometry).equals(shape(sliver))
    assert alone.remarks == ()


def test_overlapping_parts_of_one_multipolygon_are_joined():
    shifted = shapely.affinity.translate(shape(SQUARE), 0.5)
    document = {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"], mapping(shifted)["coordinates"]]}
    aoi = Aoi.from_geojson(None, json.loads(json.dumps(document)))
    assert shape(aoi.geometry).area == pytest.approx(1.5)
    assert aoi.remarks == ()


corners = st.tuples(st.integers(-20, 20), st.integers(-20, 20))


@settings(max_examples=200, deadline=None)
@given(st.lists(corners, min_size=3, max_size=9))
def test_any_ring_is_one_valid_area_of_its_own_size_or_is_refused(given_corners):
    document = ring(*given_corners, given_corners[0])
    try:
        aoi = Aoi.from_geojson(None, document)
    except BadInputError:
        return
    area = shape(aoi.geometry)
    assert area.is_valid
    assert math.isclose(area.area, shape(document).area, rel_tol=2 * LARGEST_CHANGE)


odd = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.just(10**400) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "features", "geometry", "geometries", "coordinates", "properties", "crs", "name", "id"]
            ),
            inner | st.sampled_from(["Feature", "FeatureCollection", "Polygon", "MultiPolygon", "GeometryCollection"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(odd)
def test_whatever_a_file_holds_nothing_is_uncaught(document):
    with suppress(BadInputError):
        Aoi.from_geojson("town", document)


def test_a_document_that_is_nested_without_end_is_a_problem(folder):
    deep = "[" * 900 + "1" + "]" * 900
    said = problem(folder, f'{{"type": "Polygon", "coordinates": {deep}}}')
    assert "nested too deeply" in said
    collections = '{"type": "GeometryCollection", "geometries": [' * 450 + "]}" * 450
    assert "the GeometryCollection holds no geometries" in problem(folder, collections)


def test_many_repairs_are_said_in_short():
    def crossed(west):
        corners = ((0, 0), (1, 0), (1, 0.5), (2, 0.5), (1, 0.5), (1, 1), (0, 1), (0, 0))
        return ring(*((west + 4 * x, y) for x, y in corners))

    aoi = Aoi.from_geojson(None, collection(*(crossed(10 * number) for number in range(9))))
    assert len(aoi.remarks) == 6
    assert aoi.remarks[-1] == "there were 4 more repairs; the log has all"


def test_a_number_without_end_is_refused():
    huge = ring((15, 45), (10**400, 45), (16, 46), (15, 45))
    with pytest.raises(BadInputError, match="not finite numbers"):
        Aoi.from_geojson(None, huge)
    with pytest.raises(BadInputError, match="give four numbers"):
        Aoi.from_bbox([15, 45, 10**400, 46])
