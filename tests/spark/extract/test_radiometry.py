from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from claylake.catalogue.scene import Scene
from claylake.vocabulary import SCL_NOT_CLEAR
from spark.sentinel2.radiometry import (
    AS_PUBLISHED,
    MINUS_1000,
    Evidence,
    RadiometryDecision,
    decide_radiometry,
    evidence_document,
    evidence_of,
    harmonise,
)
from tests.spark.extract.imagery import bare

ITEMS = Path(__file__).resolve().parents[4] / "shared/data/stac"
L2A, C1 = "sentinel-2-l2a", "sentinel-2-c1-l2a"
BEFORE, SINCE = datetime(2022, 1, 24, tzinfo=UTC), datetime(2022, 1, 25, tzinfo=UTC)
PLAIN, OFFSET = (RadiometryDecision(radiometry=name, rule="") for name in (AS_PUBLISHED, MINUS_1000))


@pytest.mark.parametrize(
    ("collection", "flag", "baseline", "radiometry"),
    [
        (C1, None, "05.00", MINUS_1000),
        (C1, True, "05.10", MINUS_1000),
        (C1, None, None, MINUS_1000),
        (L2A, False, "02.14", AS_PUBLISHED),
        (L2A, None, "03.01", AS_PUBLISHED),
        (L2A, True, "03.01", AS_PUBLISHED),
        (L2A, False, "00.01", AS_PUBLISHED),
        (L2A, True, "04.00", AS_PUBLISHED),
        (L2A, True, "05.11", AS_PUBLISHED),
        (L2A, False, "04.00", MINUS_1000),
        (L2A, None, "04.00", MINUS_1000),
        (L2A, False, "05.09", MINUS_1000),
        (L2A, False, "10.00", MINUS_1000),
    ],
)
def test_decision(collection: str, flag: bool | None, baseline: str | None, radiometry: str) -> None:
    scene = bare(collection=collection, boa_offset_applied=flag, baseline=baseline)
    assert decide_radiometry(scene).radiometry == radiometry


@pytest.mark.parametrize("baseline", [None, "", "N0400", "4"])
@pytest.mark.parametrize(("moment", "radiometry"), [(BEFORE, AS_PUBLISHED), (SINCE, MINUS_1000)])
def test_without_a_baseline_the_date_tells(baseline: str | None, moment: datetime, radiometry: str) -> None:
    scene = bare(collection=L2A, baseline=baseline, pass_id=f"S2A_{moment:%Y%m%d}T112111", datetime=moment)
    assert decide_radiometry(scene).radiometry == radiometry


@pytest.mark.skipif(not ITEMS.is_dir(), reason="no shared/data/stac on this machine")
@pytest.mark.parametrize(
    ("name", "radiometry"),
    [
        ("earth-search-v1/baselines/S2A_33TWN_20161202_0_L2A", AS_PUBLISHED),
        ("earth-search-v1/baselines/S2B_33TWN_20180521_1_L2A", AS_PUBLISHED),
        ("earth-search-v1/baselines/S2A_33TWN_20190707_1_L2A", AS_PUBLISHED),
        ("earth-search-v1/baselines/S2A_33TWN_20200202_0_L2A", AS_PUBLISHED),
        ("earth-search-v1/baselines/S2A_33TWN_20210328_0_L2A", AS_PUBLISHED),
        ("earth-search-v1/baselines/S2B_33TWN_20220130_0_L2A", AS_PUBLISHED),
        ("earth-search-v1/baselines/S2B_33TWN_20220226_0_L2A", MINUS_1000),
        ("earth-search-v1-c1/S2A_T20HNJ_20240311T140636_L2A", MINUS_1000),
    ],
)
def test_decision_on_published_items(name: str, radiometry: str) -> None:
    assert decide_radiometry(Scene.from_item(json.loads((ITEMS / f"{name}.json").read_text()))).radiometry == radiometry


DN = arrays.arrays(np.uint16, (10, 4, 4), elements=st.sampled_from([0, 1, 2, 999, 1000, 1001, 1002, 30000, 65535]))


@given(DN, st.sampled_from([0, 1000]))
def test_harmonised_pixels_are_valid_or_nothing_in_all_bands(raw: np.ndarray, offset: int) -> None:
    before = raw.copy()
    got = harmonise(raw, OFFSET if offset else PLAIN)
    np.testing.assert_array_equal(raw, before)
    for row in range(4):
        for col in range(4):
            pixel = [int(value) for value in raw[:, row, col]]
            wanted = [max(value - offset, 1) for value in pixel] if any(pixel) else [0] * 10
            assert got[:, row, col].tolist() == wanted
    assert got.dtype == np.uint16
    assert got.flags["C_CONTIGUOUS"]


@given(DN, arrays.arrays(np.uint8, (2, 2), elements=st.integers(0, 11)))
def test_evidence_counts_clear_valid_pixels(raw: np.ndarray, scl: np.ndarray) -> None:
    clear = low = 0
    for row in range(4):
        for col in range(4):
            pixel = raw[:, row, col]
            if pixel.any() and scl[row // 2, col // 2] not in SCL_NOT_CLEAR:
                clear += 1
                low += any(0 < value < 1000 for value in pixel)
    assert evidence_of(raw, scl) == Evidence(clear_pixels=clear, below_1000=low)


def test_only_a_contradiction_refutes() -> None:
    many, few = (Evidence(clear_pixels=100_000, below_1000=number) for number in (101, 100))
    assert many.contradicts(OFFSET)
    assert not few.contradicts(OFFSET)
    assert not many.contradicts(PLAIN)
    assert not Evidence().contradicts(OFFSET)
    assert evidence_document(bare(), OFFSET, many)["contradiction"] is True
    assert (few + many).below_1000 == 201
