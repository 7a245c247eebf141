"""The verifier's own rules, against numbers counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from infra.verify.rules import Low, by_metadata, empty, fractions, low_pixels, tensor

BEFORE, AFTER = datetime(2022, 1, 24, tzinfo=UTC), datetime(2022, 1, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("collection", "baseline", "flag", "acquired", "expected"),
    [
        ("sentinel-2-c1-l2a", "05.00", None, BEFORE, "minus_1000"),
        ("sentinel-2-c1-l2a", None, False, BEFORE, "minus_1000"),
        ("sentinel-2-c1-l2a", "02.14", None, BEFORE, None),
        ("sentinel-2-c1-l2a", "05.00", True, AFTER, None),
        ("sentinel-2-l2a", "05.10", True, AFTER, "as_published"),
        ("sentinel-2-l2a", "05.10", False, AFTER, "minus_1000"),
        ("sentinel-2-l2a", "04.00", None, AFTER, "minus_1000"),
        ("sentinel-2-l2a", "03.01", False, BEFORE, "as_published"),
        ("sentinel-2-l2a", "03.01", False, AFTER, None),
        ("sentinel-2-l2a", "03.01", True, AFTER, "as_published"),
        ("sentinel-2-l2a", None, None, BEFORE, "as_published"),
        ("sentinel-2-l2a", "unknown", None, AFTER, "minus_1000"),
    ],
)
def test_radiometry_by_metadata(collection, baseline, flag, acquired, expected):
    assert by_metadata(collection, baseline, flag, acquired)[0] == expected


def test_digital_numbers():
    raw = np.zeros((10, 2, 2), np.uint16)
    raw[:, 0, 0] = 5000
    raw[:, 0, 1] = 900
    raw[:, 1, 0] = [0, *[65535] * 9]
    assert tensor(raw, "as_published")[:2].tolist() == [[[5000, 900], [1, 0]], [[5000, 900], [65535, 0]]]
    assert tensor(raw, "minus_1000")[:2].tolist() == [[[4000, 1], [1, 0]], [[4000, 1], [64535, 0]]]


def test_fractions():
    scl = np.repeat(np.arange(16, dtype=np.uint8) % 12, 4).reshape(8, 8)  # 0 to 11, then 0 to 3 again, four pixels each
    found = fractions(scl)
    assert found["nodata_frac"] == found["shadow_frac"] == 2 / 16
    assert found["cloud_frac"] == 3 / 16
    assert found["snow_frac"] == found["water_frac"] == 1 / 16
    assert found["clear_frac"] == 1 - 9 / 16
    assert found["scl_mean"] == pytest.approx((66 + 6) / 14)
    assert fractions(np.zeros((2, 2), np.uint8))["scl_mean"] is None


def test_dark_pixels_count_where_they_are_clear():
    raw, scl = np.full((10, 4, 4), 1500, np.uint16), np.array([[4, 9], [4, 4]], np.uint8)
    raw[2, 0, 0] = 999
    raw[2, 0, 3] = 999  # in cloud
    raw[2, 3, 3] = 0  # a band without data is not dark
    raw[:, 3, 0] = 0
    low = low_pixels(raw, scl)
    assert low == Low(clear=11, below=1)
    assert low.refutes_offset
    assert not Low(clear=10_000, below=10).refutes_offset
    assert not Low().refutes_offset


def test_bands_that_lost_their_pixels():
    raw, scl = np.full((10, 20, 20), 1500), np.full((10, 10), 4, np.uint8)
    scl[:5] = 0
    raw[:, :10] = 0
    raw[4, 10, :2] = 0  # 1 % of 200 pixels with data
    assert empty(raw, scl) == {}
    raw[4, 10, 2] = 0
    assert empty(raw, scl) == {"rededge2": 3 / 200}
    assert empty(np.zeros((10, 20, 20)), np.zeros((10, 10))) == {}
