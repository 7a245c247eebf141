from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from claylake.catalogue.scene import Scene
from claylake.vocabulary import AS_PUBLISHED, MINUS_1000, SCL_NOT_CLEAR
from spark.sentinel2.radiometry import (
    PIXELS,
    Evidence,
    RadiometryDecision,
    decide_radiometry,
    evidence_document,
    evidence_of,
    harmonise,
    settle,
)
from tests.spark.extract.imagery import bare

ITEMS = Path(__file__).resolve().parents[4] / "shared/data/stac"
L2A, C1 = "sentinel-2-l2a", "sentinel-2-c1-l2a"
BEFORE, SINCE = datetime(2022, 1, 24, tzinfo=UTC), datetime(2022, 1, 25, tzinfo=UTC)


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
    got = harmonise(raw, MINUS_1000 if offset else AS_PUBLISHED)
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


MANY, FEW = (Evidence(clear_pixels=100_000, below_1000=number) for number in (101, 100))


def test_more_than_one_in_a_thousand_pixels_refute_the_offset() -> None:
    assert MANY.refutes_offset
    assert not FEW.refutes_offset
    assert not Evidence(clear_pixels=100_000, below_1000=42).refutes_offset, "real scenes have as many with it"
    assert not Evidence().refutes_offset
    assert (FEW + MANY).below_1000 == 201


def rows_of_page() -> list[tuple[str, ...]]:
    page = (Path(__file__).resolve().parents[3] / "docs/radiometry.md").read_text()
    return [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in page.splitlines()
        if line.startswith("| sentinel")
    ]


BASELINES = {"from 04.00": ("04.00", "05.11"), "before 04.00": ("02.14", "03.01"), "none": (None, "", "N0400", "4")}
DAYS = {"since 2022-01-25": (SINCE, datetime(2024, 7, 1, tzinfo=UTC)), "before 2022-01-25": (BEFORE,)}
CASES = [
    (collection, flag, baseline, day, evidence, result)
    for collection, removed, baselines, days, refuted, kept in rows_of_page()
    for flag in ((True,) if removed == "yes" else (False, None))
    for baseline in (BASELINES[baselines] if baselines != "any" else sum(BASELINES.values(), ()))
    for day in (DAYS[days] if days != "any" else sum(DAYS.values(), ()))
    for evidence, result in ((MANY, refuted), (FEW, kept), (Evidence(), kept))
]


def test_the_page_has_each_case_once() -> None:
    keys = [case[:5] for case in CASES]
    assert len(keys) == len(set(keys)) == 2 * 3 * 8 * 3 * 3


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_the_page_says_of_a_case_is_done(case: tuple[Any, ...]) -> None:
    collection, flag, baseline, day, evidence, result = case
    scene = bare(
        collection=collection,
        boa_offset_applied=flag,
        baseline=baseline,
        pass_id=f"S2A_{day:%Y%m%d}T112111",
        datetime=day,
    )
    decision = settle(scene, evidence, {})
    if result == "quarantined":
        assert decision.doubt
    else:
        assert not decision.doubt
        assert decision.radiometry == result.removesuffix(" (pixels)")
        assert (decision.rule == PIXELS) == result.endswith("(pixels)")
    for key in (scene.id, collection):
        for known in (AS_PUBLISHED, MINUS_1000):
            assert settle(scene, evidence, {key: known}) == RadiometryDecision(radiometry=known, rule=f"set for {key}")
    document = json.loads(json.dumps(evidence_document(scene, decision, evidence)))
    assert document["rule"] == decision.rule
    assert document["metadata_rule"] == decide_radiometry(scene).rule
    assert document["contradiction"] == (evidence is MANY and decide_radiometry(scene).radiometry == MINUS_1000)


def test_what_is_set_for_a_scene_comes_before_its_collection() -> None:
    scene = bare()
    overrides = {scene.collection: AS_PUBLISHED, scene.id: MINUS_1000, "another": AS_PUBLISHED}
    assert settle(scene, MANY, overrides).radiometry == MINUS_1000
