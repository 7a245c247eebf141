from __future__ import annotations

from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from claylake.catalogue.footprint import footprint, with_footprint
from claylake.errors import FootprintError
from tests.shared import all_zones


def ring(*lonlat: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[*lonlat, lonlat[0]]]}


CUT = shapely.union(shapely.box(179, -17, 180, -16), shapely.box(-180, -17, -179, -16))


@pytest.mark.parametrize(
    "geometry",
    [
        ring((179, -17), (-179, -17), (-179, -16), (179, -16)),
        ring((179, -17), (181, -17), (181, -16), (179, -16)),
        ring((-181, -17), (-179, -17), (-179, -16), (-181, -16)),
        shapely.geometry.mapping(CUT),
    ],
)
def test_across_the_antimeridian(geometry: dict[str, Any]) -> None:
    assert footprint(geometry).symmetric_difference(CUT).area < 1e-9


def test_others_stay() -> None:
    area = ring((-12, 25), (-11, 25), (-11, 26), (-12, 26))
    assert footprint(area).equals(shapely.box(-12, 25, -11, 26))
    bow = ring((0, 0), (1, 1), (1, 0), (0, 1))
    assert footprint(bow).is_valid


def test_only_areas_are_kept() -> None:
    spike = ring((0, 0), (1, 0), (1, 1), (3, 1), (1, 1), (0, 1))
    assert footprint(spike).equals(shapely.box(0, 0, 1, 1))
    line = {"type": "LineString", "coordinates": [[5, 5], [6, 6]]}
    mixed = {"type": "GeometryCollection", "geometries": [ring((0, 0), (1, 0), (1, 1), (0, 1)), line]}
    assert footprint(mixed).equals(shapely.box(0, 0, 1, 1))


T01WCR = [(300_000, 7_490_220), (409_800, 7_490_220), (409_800, 7_600_020), (300_000, 7_600_020)]
"""Corners of a real tile across 180 degrees, metres of EPSG:32601."""


@pytest.mark.parametrize("writing", all_zones.writings(32601, T01WCR))
def test_all_writings_of_a_real_tile_are_one(writing: str) -> None:
    found = footprint(all_zones.writings(32601, T01WCR)[writing])
    cut = footprint(all_zones.writings(32601, T01WCR)["cut"])
    assert found.symmetric_difference(cut).area < 1e-9
    assert found.bounds == (-180, pytest.approx(67.46, abs=0.01), 180, pytest.approx(68.5, abs=0.01))
    assert 1 < found.area < 5
    assert not found.has_z
    assert found.is_valid


@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": []},
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon", "coordinates": "x"},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [float("nan"), 1], [1, 0], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [float("inf"), 1], [1, 0], [0, 0]]]},
        {"type": "LineString", "coordinates": [[0, 0], [1, 1]]},
        {"type": "Blob", "coordinates": []},
    ],
)
def test_what_is_no_polygon_is_refused(geometry: dict[str, Any]) -> None:
    with pytest.raises(FootprintError, match=r"its geometry .* polygon"):
        footprint(geometry)
    scenes = [
        all_zones.scene("readable", 32631, ring((0, 0), (1, 0), (1, 1))),
        all_zones.scene("unreadable", 32631, geometry),
    ]
    readable, unreadable = with_footprint(scenes)
    assert [scene.id for scene in readable] == ["readable"]
    assert list(unreadable) == ["unreadable"]


json_values = st.recursive(
    st.none() | st.floats() | st.integers(-400, 400) | st.text(max_size=3), lambda inner: st.lists(inner, max_size=5)
)
rings = st.lists(st.lists(st.floats(-400, 400) | st.floats(), min_size=1, max_size=4) | json_values, max_size=6)


@given(
    st.sampled_from(["Polygon", "MultiPolygon", "GeometryCollection", "Point"]),
    st.one_of(json_values, st.lists(rings, max_size=3), st.lists(st.lists(rings, max_size=2), max_size=2)),
)
def test_whatever_a_catalogue_writes_is_an_area_in_the_world_or_refused(kind: str, coordinates: Any) -> None:
    try:
        found = footprint({"type": kind, "coordinates": coordinates, "geometries": coordinates})
    except FootprintError:
        return
    assert found.is_valid
    assert found.area > 0
    assert all_zones.WORLD.buffer(1e-9).covers(found)
