import numpy as np
import pytest

from infra.world.ground.parcels import area_of, divide, strips
from infra.world.noise import blurred, fractal, generator, halved, smoothstep


@pytest.mark.parametrize("shape", [(64, 64), (131, 57)])
def test_fractal_is_standard_and_seeded(shape):
    a = fractal(generator(1, "a"), shape, longest=32, shortest=2)
    assert a.shape == shape
    assert a.dtype == np.float32
    assert abs(a.mean()) < 1e-5
    assert a.std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(a, fractal(generator(1, "a"), shape, longest=32, shortest=2))
    assert not np.array_equal(a, fractal(generator(1, "b"), shape, longest=32, shortest=2))


def test_fractal_has_no_detail_below_the_shortest():
    smooth = fractal(generator(1), (256, 256), longest=64, shortest=16)
    rough = fractal(generator(1), (256, 256), longest=64, shortest=1)
    assert np.abs(np.diff(smooth, n=2)).mean() < 0.1 * np.abs(np.diff(rough, n=2)).mean()


def test_halved_is_the_mean_of_two_by_two():
    field = np.arange(24, dtype=np.float32).reshape(4, 6)
    np.testing.assert_allclose(halved(field), field.reshape(2, 2, 3, 2).mean((1, 3)))


def test_blurred_keeps_constants_and_the_sum():
    spot = np.zeros((7, 7), dtype=np.float32)
    spot[3, 3] = 16
    assert blurred(spot)[2:5, 2:5].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    np.testing.assert_allclose(blurred(np.full((5, 5), 3, dtype=np.float32)), 3)


def test_smoothstep_ends():
    assert smoothstep(np.array([-1, 0, 0.5, 1, 2], dtype=np.float32), 0, 1).tolist() == [0, 0, 0.5, 1, 1]


def test_division_loses_no_land():
    ring = [(0.0, 0.0), (4000.0, 300.0), (3800.0, 2500.0), (-100.0, 2200.0)]
    pieces, cuts = divide(ring, lambda _: 1e5, generator(3))
    assert sum(map(area_of, pieces)) == pytest.approx(area_of(ring))
    assert len(cuts) == len(pieces) - 1
    parts = strips(ring, 120.0, generator(4))
    assert sum(map(area_of, parts)) == pytest.approx(area_of(ring))
    assert len(parts) > 10
