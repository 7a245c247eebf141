"""The number of cells by area is that of cells made one by one; and areas too large for a plan are refused by it."""

import json
import math
import time

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from shapely.geometry import mapping, shape

from claylake.area import cells as making
from claylake.area import size
from claylake.area.aoi import Aoi
from claylake.area.cells import cells_of
from claylake.area.size import expected_cells
from claylake.configuration.settings import Settings
from claylake.errors import BadInputError
from claylake.month import Month
from claylake.plan import RunRef
from claylake.request.aoi_files import list_aois
from claylake.request.params import Request
from claylake.request.size_limit import bbox_of, expected, parts, require_fitting
from claylake.run import planning

WORLD = [-180.0, -80.0, 180.0, 84.0]


def box(lon, lat, half):
    """Across 180 degrees if need be."""
    west, east = lon - half, lon + half
    south, north = max(-80.0, lat - half / 2), min(84.0, lat + half / 2)
    return Aoi.from_bbox([west + 360 * (west < -180), south, east - 360 * (east > 180), north])


def disc(lon, lat, half):
    """With a hole and a ragged edge."""
    rng = np.random.default_rng(round(1000 * half))
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    far = half * rng.uniform(0.95, 1.0, 120)
    whole = shapely.Polygon(np.column_stack([lon + far * np.cos(turn), lat + far * np.sin(turn) / 2]))
    return Aoi.from_geojson("disc", mapping(whole - shapely.Point(lon, lat).buffer(half / 6)))


def close(aoi):
    """Within three per cent, and where there are few cells within what the way that the grid lies makes of edges."""
    made = cells_of(aoi).num_rows
    return abs(expected_cells(aoi.geometry) - made) <= 4 + 1.5 * math.sqrt(made) + 0.02 * made


@settings(max_examples=40, deadline=None)
@given(st.floats(-180, 180), st.floats(-79, 83), st.sampled_from([0.01, 0.1, 0.5, 1.0, 1.5]))
@example(6.0, 57.0, 1.0)
@example(180.0, 68.0, 1.5)
@example(-179.95, -17.0, 0.5)
@example(33.0, 0.0, 1.0)
@example(9.0, 75.0, 1.5)
@example(20.0, 83.5, 1.5)
def test_boxes_have_about_the_cells_expected(lon, lat, half):
    assert close(box(lon, lat, half))


@settings(max_examples=15, deadline=None)
@given(st.floats(-178, 178), st.floats(-79, 83), st.sampled_from([0.05, 0.5, 1.5]))
def test_other_polygons_do_too(lon, lat, half):
    assert close(disc(lon, lat, half))


@pytest.mark.parametrize("lat", [0.0, 45.0, 70.0])
def test_large_areas_are_within_one_per_cent(lat):
    aoi = box(15.0, lat, 5.0)
    assert expected_cells(aoi.geometry) == pytest.approx(cells_of(aoi).num_rows, rel=0.01)


@settings(max_examples=50, deadline=None)
@given(st.floats(-179, 170), st.floats(-80, 80), st.floats(0.1, 9), st.floats(0.1, 4))
def test_areas_are_pyprojs(west, south, wide, high):
    area = shapely.segmentize(shapely.box(west, south, west + wide, south + high), 0.01)  # straight in lon/lat
    theirs, _ = Geod(ellps="WGS84").geometry_area_perimeter(area)
    assert abs(size._area(list(area.exterior.coords))) == pytest.approx(abs(theirs), rel=1e-6)


def test_small_turns_of_an_edge_count_for_nothing():
    line = np.linspace(15.0, 16.0, 20_000)
    coast = np.column_stack([line, 46.0 + 0.002 * (np.arange(20_000) % 2)])
    ragged = shapely.Polygon([*coast, (16.0, 45.0), (15.0, 45.0)])
    assert expected_cells(mapping(ragged)) == pytest.approx(
        expected_cells(mapping(shapely.box(15, 45, 16, 46))), rel=0.01
    )


def refusal(geometry, months=1, **limits):
    with pytest.raises(BadInputError, match="too large") as caught:
        require_fitting(geometry, Settings.model_validate({"limits": limits}), months)
    return str(caught.value)


def test_the_message_has_the_arithmetic_and_what_to_do():
    aoi = Aoi.from_bbox([0.0, 30.0, 50.0, 60.0])
    cells, says = expected_cells(aoi.geometry), refusal(aoi.geometry, 2)
    load = expected(cells, 2, Settings())
    assert f"about {cells:,} cells, and limits.max_cells allows 1,000,000" in says
    assert load.chips == cells * 8
    assert load.scenes == pytest.approx(2 * cells * 2.56**2 / 10_000 * 6, rel=0.01)
    assert f"2 months: {load.scenes:,} scenes" in says
    assert f"{load.read_gb:,.0f} GB to read, {load.store_gb:,.0f} GB to store, {load.usd:,.0f} USD" in says
    assert "into 2 parts, each a run of its own: [0.0, 30.0, 25.0, 60.0], [25.0, 30.0, 50.0, 60.0]" in says
    assert "one month at a time" in says
    assert "raise limits.max_cells" in says
    assert "one month at a time" not in refusal(aoi.geometry)


def test_fewer_passes_are_fewer_chips():
    settings = Settings.model_validate({"selection": {"passes_per_month": 1}})
    assert (expected(1000, 3, settings).chips, expected(1000, 3, Settings()).chips) == (3000, 12_000)


def test_a_polygon_is_to_be_cut_by_hand():
    aoi = disc(15.0, 45.0, 1.5)
    most = expected_cells(aoi.geometry) // 3 + 1
    assert "cut the polygon into 3 parts or more" in refusal(aoi.geometry, max_cells=most)


@pytest.mark.parametrize("bbox", [WORLD, [150.0, -20.0, -150.0, 20.0], [170.0, 60.0, -178.0, 80.0], [0, 0, 0.2, 40]])
def test_parts_are_boxes_that_fit_and_make_the_whole(bbox):
    geometry = Aoi.from_bbox(bbox).geometry
    assert bbox_of(geometry) == list(map(float, bbox))
    most = max(expected_cells(geometry) // 7, 1)
    made = [Aoi.from_bbox(json.loads(str(part))) for part in parts(bbox_of(geometry), most)]
    assert len(made) >= 7
    assert all(expected_cells(part.geometry) <= most for part in made)
    areas = [shape(part.geometry) for part in made]
    assert shapely.union_all(areas).equals(shape(geometry))
    assert sum(area.area for area in areas) == pytest.approx(shape(geometry).area)


@pytest.mark.parametrize(
    "geometry",
    [
        mapping(shapely.Polygon([(0, 0), (1, 0), (1, 1)])),
        mapping(shapely.box(0, 0, 1, 1) - shapely.box(0.4, 0.4, 0.6, 0.6)),
        mapping(shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)])),
        mapping(shapely.MultiPolygon([shapely.box(-180, 0, -179, 1), shapely.box(179, 0, 180, 2)])),
    ],
)
def test_what_is_no_box_has_no_bbox(geometry):
    assert bbox_of(geometry) is None


def test_the_world_is_refused_at_once_and_nothing_is_requested(stac, settings_of, monkeypatch):
    monkeypatch.setattr(planning.release, "model_version", lambda _settings: "demo-random+0123456789ab")
    monkeypatch.setattr(making, "cells_by_rule", lambda _aoi: pytest.fail("cells are made"))
    aoi, settings = Aoi.from_bbox(WORLD), settings_of(catalogue={"url": stac.url})
    request = Request(aoi=aoi, months=(Month(2024, 7),))
    started = time.process_time()
    with pytest.raises(BadInputError, match=r"about 77,\d{3},\d{3} cells"):
        planning.make_plan(run=RunRef(dag_id="claylake_adhoc", run_id="manual__1"), request=request, settings=settings)
    assert time.process_time() - started < 5  # making the cells takes minutes
    assert stac.requests == 0


def test_an_area_just_below_the_limit_passes():
    geometry = Aoi.from_bbox([14.0, 45.0, 16.0, 46.0]).geometry
    cells = expected_cells(geometry)
    require_fitting(geometry, Settings.model_validate({"limits": {"max_cells": cells}}))
    assert refusal(geometry, max_cells=cells - 1)
    assert cells == pytest.approx(cells_of(Aoi.from_bbox([14.0, 45.0, 16.0, 46.0])).num_rows, rel=0.03)


def feature(geometry, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


@pytest.mark.parametrize(
    ("document", "refused"),
    [
        (feature(mapping(shapely.box(0, 30, 50, 60))), True),
        (mapping(shapely.box(0, 30, 50, 60)), True),
        ({"type": "FeatureCollection", "features": [feature(mapping(shapely.box(0, 30, 50, 60)))]}, True),
        (feature(mapping(shapely.box(0, 30, 50, 60)), limits={"max_cells": 3_000_000}), False),
        (feature(mapping(shapely.box(0, 30, 1, 31))), False),
        (feature(mapping(shapely.box(0, 30, 1, 31)), limits={"max_cells": 100}), True),
        (feature(mapping(shapely.box(500_000, 5_000_000, 520_000, 5_020_000))), False),
        (feature(mapping(shapely.box(1e9, -800, 2e9, 800))), False),
        ({"type": "FeatureCollection", "features": [feature(mapping(shapely.box(0, 30, 50, 60)))] * 2}, False),
        (feature({"type": "Polygon", "coordinates": [[]]}), False),
        (feature({"type": "Polygon", "coordinates": [["x", "y"]]}), False),
        (feature({"type": "Polygon", "coordinates": [[[0, 1e400], [1, 1], [2, 0], [0, 0]]]}), False),
        (feature({"type": "Point", "coordinates": [0, 0]}), False),
        (feature(None), False),
    ],
)
def test_an_aoi_file_too_large_is_a_problem_when_files_are_listed(tmp_path, monkeypatch, document, refused):
    (tmp_path / "aois").mkdir()
    monkeypatch.delenv("CLAYLAKE_AOIS", raising=False)
    (tmp_path / "aois" / "here.geojson").write_text(json.dumps(document))
    listing = list_aois(tmp_path)
    assert ("too large" in listing.problems.get("here.geojson", "")) == refused
    assert len(listing.files) + len(listing.problems) == 1


def test_parts_end_at_the_size_of_a_cell():
    made = list(parts([0.0, 30.0, 0.2, 30.2], 1))
    assert 1 < len(made) < 1000
    assert made[0][:2] == [0.0, 30.0]
