import numpy as np
import pygeohash
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claylake.area.geohash import geohashes

whole_turn = st.floats(-180.0, 180.0)
pole_to_pole = st.floats(-90.0, 90.0)
# Borders of geohash cells, and their neighbours in floating point.
borders = st.builds(
    lambda part, nudge: float(np.nextafter(part / 2**17, nudge * np.inf)) if nudge else part / 2**17,
    st.integers(-(2**17) + 1, 2**17 - 1),
    st.sampled_from([-1, 0, 1]),
)


@given(st.lists(st.tuples(whole_turn, pole_to_pole), max_size=20), st.integers(1, 12))
@example([(0.0, 0.0), (-0.0, -5e-324), (5e-324, -0.0), (180.0, 90.0), (-180.0, -90.0), (-1e-20, 45.0)], 7)
def test_geohashes_are_pygeohashs(points, length):
    lon, lat = (np.array(values, float) for values in (zip(*points, strict=True) if points else ([], [])))
    expected = [pygeohash.encode(y, x, precision=length) for x, y in points]
    assert geohashes(lon, lat, length).to_pylist() == expected


@given(borders, borders)
def test_borders_fall_as_pygeohash_has_them(across, up):
    lon, lat = across * 180.0, up * 90.0
    assert geohashes(np.array([lon]), np.array([lat]), 7).to_pylist() == [pygeohash.encode(lat, lon, precision=7)]


@pytest.mark.parametrize("length", [1, 7, 12])
def test_no_points_no_geohashes(length):
    assert geohashes(np.empty(0), np.empty(0), length).to_pylist() == []
