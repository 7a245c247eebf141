"""The report's array code: principal axes against a naive oracle, cells at their places."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from claylake.area.grid import Cell
from spark.chips import preview
from spark.report.layout import Layout
from spark.report.pca import Basis, colours
from spark.report.picture import hatched, mosaic, png, shrink


@pytest.mark.parametrize("shape", [(40, 8), (5, 64), (200, 3)])
def test_axes_are_those_of_the_covariance_matrix(shape):
    vectors = np.random.default_rng(1).normal(size=shape) * np.linspace(5, 1, shape[1])
    basis = Basis.fit(vectors)
    values, columns = np.linalg.eigh(np.cov(vectors.T))
    for number in range(3):
        naive = columns[:, -1 - number]
        naive = naive * np.sign(naive[np.abs(naive).argmax()])
        assert basis.axes[number] == pytest.approx(naive, abs=1e-8)
        assert basis.explained[number] == pytest.approx(values[-1 - number] / values.sum())
        spread = [(vector - vectors.mean(axis=0)) @ naive for vector in vectors]
        assert basis.scores(vectors)[:, number] == pytest.approx(np.array(spread))


def test_axes_of_too_few_vectors_are_zero():
    assert not Basis.fit(np.ones((1, 16))).axes.any()
    two = Basis.fit(np.array([[0.0, 1.0, 0, 0], [0, 3.0, 0, 0]]))
    assert two.axes.tolist() == [[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_colours_stretch_between_percentiles():
    scores = np.column_stack([np.arange(101.0), np.arange(101.0)[::-1], np.full(101, 7.0)])
    shown = colours(scores)
    assert shown[:3, 0].tolist() == [0, 0, 0]
    assert shown[98:, 0].tolist() == [255, 255, 255]
    assert shown[50].tolist() == [128, 128, 128]
    assert shown[0, 1] == 255
    assert set(shown[:, 2].tolist()) == {128}


def test_layout_keeps_cells_as_on_the_ground():
    col, row = np.array([156, 157, 156]), np.array([1342, 1342, 1343])
    layout = Layout.of(np.full(3, 32629), col, row)
    assert (layout.width, layout.height, layout.tile_px) == (2, 2, 256)
    assert list(zip(layout.x, layout.y, strict=True)) == [(0, 1), (1, 1), (0, 0)]


def test_zones_stand_side_by_side_and_hemispheres_meet():
    layout = Layout.of(np.array([32629, 32630, 32729]), np.array([240, 60, 240]), np.array([0, 0, 3905]))
    assert layout.zones == (32629, 32630, 32729)
    assert layout.x.tolist() == [0, 2, 4]
    assert layout.y.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("zones", "order"),
    [
        ((32601, 32660), (32660, 32601)),
        ((32701, 32759, 32760), (32759, 32760, 32701)),
        ((32601, 32660, 32701, 32760), (32660, 32601, 32760, 32701)),
        ((32601, 32602, 32658), (32658, 32601, 32602)),
        ((32601, 32602), (32601, 32602)),
        ((32659, 32660), (32659, 32660)),
        ((32629,), (32629,)),
        (tuple(range(32601, 32661)), tuple(range(32601, 32661))),
    ],
)
def test_zones_stand_from_west_to_east_also_across_180_degrees(zones, order):
    layout = Layout.of(np.array(zones), np.full(len(zones), 7), np.zeros(len(zones), int))
    assert layout.zones == order
    assert [zones[place] for place in np.argsort(layout.x)] == list(order)


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_pictures_stay_small(width, height):
    layout = Layout.of(np.full(2, 32629), np.array([0, width - 1]), np.array([0, height - 1]))
    assert layout.tile_px == 1 or layout.tile_px * max(layout.width, layout.height) <= 2000


def test_mosaic_puts_tiles_hatches_and_nothing():
    layout = Layout.of(np.full(3, 32629), np.array([0, 1, 0]), np.array([0, 0, 1]), most_px=16)
    tile = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    canvas = mosaic(layout, {0: tile, 2: np.array([9, 8, 7], np.uint8)})
    assert np.array_equal(canvas[8:, :8, :3], tile)
    assert (canvas[:8, :8] == (9, 8, 7, 255)).all()
    assert np.array_equal(canvas[8:, 8:], hatched(8))
    assert not canvas[:8, 8:].any()
    back = np.asarray(Image.open(io.BytesIO(png(canvas))))
    assert np.array_equal(back, canvas)


def test_shrink_averages_a_real_preview():
    pixels = np.full((10, 256, 256), 1500, np.uint16)
    pixels[:, :128] = 3000
    tile = shrink(preview.geotiff(pixels, Cell(epsg=32629, col=156, row=1342)), 4)
    assert tile.shape == (4, 4, 3)
    assert np.abs(tile[:2].astype(int) - 255).max() <= 2
    assert np.abs(tile[2:].astype(int) - 127).max() <= 2
