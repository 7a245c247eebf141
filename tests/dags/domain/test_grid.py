import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from claylake.area.grid import Cell, zone_window
from claylake.area.ownership import zones_of
from claylake.errors import BadInputError
from claylake.vocabulary import CELL_M
from tests.dags.domain.zones import epsg_of, zone_of

lons = st.floats(-180, 179.999)
lats = st.floats(-80, 84)
epsgs = st.one_of(st.integers(32601, 32660), st.integers(32701, 32760))


@given(epsgs, st.integers(-200, 500), st.integers(-5, 4000))
def test_ids_round_trip(epsg, col, row):
    cell = Cell(epsg=epsg, col=col, row=row)
    assert Cell.parse(cell.id) == cell


@given(epsgs, st.floats(-5e5, 1.5e6), st.floats(-1e4, 1e7))
def test_a_point_lies_in_its_cell(epsg, easting, northing):
    west, south, east, north = Cell.at(epsg, easting, northing).bounds
    assert west <= easting < east
    assert south <= northing < north
    assert east - west == north - south == CELL_M


@given(epsgs, st.integers(0, 400), st.integers(0, 3900))
def test_bounds_are_whole_pixels_of_10_and_20_m(epsg, col, row):
    assert all(bound % 20 == 0 for bound in Cell(epsg=epsg, col=col, row=row).bounds)


def test_west_and_south_edges_belong_to_a_cell():
    assert Cell.at(32629, 156 * 2560.0, 1342 * 2560.0) == Cell(epsg=32629, col=156, row=1342)
    assert Cell.at(32629, 157 * 2560.0, 1342 * 2560.0) == Cell(epsg=32629, col=157, row=1342)


@pytest.mark.parametrize("text", ["32629_156", "32861_1_1", "4326_1_1", "32629_1.5_2", "", "32629_1_2 "])
def test_bad_ids_show_the_form(text):
    with pytest.raises(BadInputError, match="32629_156_1342"):
        Cell.parse(text)


@pytest.mark.parametrize(
    ("lon", "lat", "zone"),
    [
        (4.0, 60.0, 32),  # 32V is widened to 3 E
        (4.0, 55.9, 31),
        (4.0, 64.0, 31),
        (2.9, 60.0, 31),
        (8.9, 72.0, 31),  # 31X..37X
        (9.0, 72.0, 33),
        (20.9, 84.0, 33),
        (21.0, 78.0, 35),
        (33.0, 80.0, 37),
        (42.0, 80.0, 38),
        (8.9, 71.9, 32),
        (-180.0, 0.0, 1),
        (180.0, 0.0, 1),
        (179.99, 0.0, 60),
        (-185.0, 10.0, 60),
        (0.0, -80.0, 31),
    ],
)
def test_zones_of_the_mgrs(lon, lat, zone):
    assert zone_of(lon, lat) == zone


@given(lons, lats.filter(lambda lat: not 55.9 < lat < 64.1 and lat < 71.9))
def test_outside_the_exceptions_zones_are_those_of_the_epsg_registry(lon, lat):
    middle = -180 + 6 * ((lon + 180) // 6) + 3
    crs = CRS.from_epsg(epsg_of(lon, lat))
    assert crs.utm_zone == f"{zone_of(lon, lat)}{'N' if lat >= 0 else 'S'}"
    easting, _ = Transformer.from_crs(4326, crs, always_xy=True).transform(middle, lat)
    assert easting == pytest.approx(500_000, abs=1e-3)


def test_a_plain_point_agrees_with_pyprojs_own_search():
    found = query_utm_crs_info("WGS 84", AreaOfInterest(15.05, 45.05, 15.06, 45.06))
    assert epsg_of(15.05, 45.05) == int(found[0].code)


@given(st.lists(st.tuples(st.floats(-540, 540), lats), min_size=1, max_size=50))
def test_zones_of_many_points_agree_with_zone_of(points):
    lon, lat = np.array(points).T
    assert zones_of(lon, lat).tolist() == [zone_of(x, y) for x, y in points]


@given(lons, lats)
def test_a_zones_window_holds_what_it_owns(lon, lat):
    west, east = zone_window(zone_of(lon, lat))
    assert any(west <= lon + turn <= east for turn in (-360, 0, 360))
