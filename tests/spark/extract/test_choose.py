from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark.sentinel2.choose import CLOUD, NODATA, NOT_AMONG_CLEAREST, PRESENT, READ, Rules, choose

ALL = Rules(min_clear_frac=0.7, max_nodata_frac=0.05, passes_per_month=None)
PASSES = [
    "S2A_20240705T112111",
    "S2B_20240710T112109",
    "S2A_20240715T112111",
    "S2B_20240731T235959",
    "S2A_20240801T000001",
]


def candidate(**fields: Any) -> dict[str, Any]:
    row = {
        "cell_id": "32629_156_1342",
        "pass": PASSES[0],
        "scene_id": "a",
        "preference": 0,
        "problem": None,
        "detail": None,
        "clear_frac": 1.0,
        "nodata_frac": 0.0,
    }
    return row | fields


def observed(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows)).astype({"problem": object, "detail": object})


def chips(*keys: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(keys), columns=["cell_id", "pass"], dtype=object)


def outcomes(table: pd.DataFrame) -> dict[tuple[str, str], tuple[str, str]]:
    return {(row["cell_id"], row["pass"]): (row["outcome"], row["scene_id"]) for _, row in table.iterrows()}


def only(table: pd.DataFrame) -> tuple[str, str]:
    (found,) = outcomes(table).values()
    return found


@pytest.mark.parametrize(
    ("one", "other", "best"),
    [
        ({"problem": "unreadable", "nodata_frac": None}, {"nodata_frac": 0.04}, "b"),
        ({"nodata_frac": 0.02}, {"nodata_frac": 0.01, "preference": 9}, "b"),
        ({"preference": 2}, {"preference": 1}, "b"),
        ({"clear_frac": 0.8}, {"preference": 1, "clear_frac": 1.0}, "a"),
    ],
)
def test_the_best_scene_of_a_pass(one: dict[str, Any], other: dict[str, Any], best: str) -> None:
    table = choose(observed(candidate(scene_id="a", **one), candidate(scene_id="b", **other)), chips(), ALL)
    assert only(table) == (READ, best)
    assert table["considered"].iloc[0] == ["a", "b"]


@pytest.mark.parametrize(
    ("one", "other", "outcome", "best"),
    [
        ({"clear_frac": 0.1}, {"nodata_frac": 0.05, "preference": 9}, READ, "b"),
        ({"nodata_frac": 0.06}, {"clear_frac": 0.1, "problem": "unreadable"}, NODATA, "a"),
        ({"nodata_frac": 0.3, "clear_frac": 0.7}, {"nodata_frac": 0.2, "clear_frac": 0.1}, NODATA, "b"),
        ({"clear_frac": 0.1}, {"clear_frac": 0.2, "preference": 9}, CLOUD, "b"),
        ({"clear_frac": 0.1, "preference": 9}, {"clear_frac": 0.1}, CLOUD, "a"),
        ({"problem": "x", "nodata_frac": None}, {"problem": "y", "nodata_frac": 0.9}, "failed:y", "b"),
        ({"problem": "x", "clear_frac": None}, {"problem": "y", "clear_frac": 0.0}, "failed:y", "b"),
        ({"problem": "x", "preference": 9}, {"problem": "y"}, "failed:x", "a"),
    ],
)
def test_the_best_scene_of_a_pass_that_gives_no_chip(
    one: dict[str, Any], other: dict[str, Any], outcome: str, best: str
) -> None:
    looks = [candidate(scene_id="a", **one), candidate(scene_id="b", **other)]
    for order in (looks, looks[::-1]):
        assert only(choose(observed(*order), chips(), ALL)) == (outcome, best)


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"nodata_frac": 0.05}, READ),
        ({"nodata_frac": 0.051}, NODATA),
        ({"clear_frac": 0.7}, READ),
        ({"clear_frac": 0.699}, CLOUD),
        ({"clear_frac": 0.0, "nodata_frac": 1.0}, NODATA),
        ({"problem": "misaligned", "clear_frac": None, "nodata_frac": None}, "failed:misaligned"),
        ({"problem": "missing_asset", "clear_frac": 0.1}, "failed:missing_asset"),
        ({"problem": ""}, "failed:"),
    ],
)
def test_thresholds_and_failures(fields: dict[str, Any], outcome: str) -> None:
    assert only(choose(observed(candidate(**fields)), chips(), ALL)) == (outcome, "a")


def test_an_existing_chip_stays_whatever_is_observed_now() -> None:
    key = ("32629_156_1342", PASSES[0])
    for fields in ({}, {"clear_frac": 0.0}, {"problem": "unreadable"}):
        assert only(choose(observed(candidate(**fields)), chips(key), ALL))[0] == PRESENT


def month(*clear: float) -> pd.DataFrame:
    return observed(
        *(
            candidate(**{"pass": name, "scene_id": name, "clear_frac": c})
            for name, c in zip(PASSES, clear, strict=False)
        )
    )


def test_the_clearest_of_a_month_are_kept() -> None:
    two = Rules(min_clear_frac=0.7, max_nodata_frac=0.05, passes_per_month=2)
    table = choose(month(0.8, 0.9, 0.9, 0.75, 0.71), chips(), two)

    got = {name: outcome for (_, name), (outcome, _) in outcomes(table).items()}
    assert got == {
        PASSES[0]: NOT_AMONG_CLEAREST,
        PASSES[1]: READ,
        PASSES[2]: READ,
        PASSES[3]: NOT_AMONG_CLEAREST,
        PASSES[4]: READ,  # of August
    }


def test_late_scenes_only_fill_what_lacks() -> None:
    two = Rules(min_clear_frac=0.7, max_nodata_frac=0.05, passes_per_month=2)
    cell = "32629_156_1342"
    one = choose(month(0.8, 1.0, 0.9), chips((cell, PASSES[0])), two)
    assert [row[0] for row in outcomes(one).values()].count(READ) == 1
    assert outcomes(one)[cell, PASSES[1]][0] == READ
    full = choose(month(0.8, 1.0, 0.9), chips((cell, PASSES[0]), (cell, PASSES[2])), two)
    assert outcomes(full)[cell, PASSES[1]][0] == NOT_AMONG_CLEAREST
    elsewhere = choose(month(0.8, 1.0, 0.9), chips(("other", PASSES[0]), (cell, PASSES[4])), two)
    assert [row[0] for row in outcomes(elsewhere).values()].count(READ) == 2
    unobserved = choose(month(0.8), chips((cell, PASSES[1]), (cell, PASSES[2])), two)
    assert only(unobserved)[0] == NOT_AMONG_CLEAREST


@pytest.mark.parametrize("place", range(3))
def test_a_pass_of_unknown_clearness_comes_after_all_others(place: int) -> None:
    clear = [0.8, 0.75]
    clear.insert(place, float("nan"))
    two = Rules(min_clear_frac=0.7, max_nodata_frac=0.05, passes_per_month=2)
    got = {name: outcome for (_, name), (outcome, _) in outcomes(choose(month(*clear), chips(), two)).items()}
    assert got == {PASSES[number]: NOT_AMONG_CLEAREST if number == place else READ for number in range(3)}


def test_a_pass_without_its_datatakes_start_is_an_error() -> None:
    one = Rules(min_clear_frac=0.7, max_nodata_frac=0.05, passes_per_month=1)
    with pytest.raises(ValueError, match="does not end in a datatake's start"):
        choose(observed(candidate(**{"pass": "S2A"})), chips(), one)


SCENES = st.builds(
    candidate,
    cell_id=st.sampled_from(["c1", "c2"]),
    problem=st.sampled_from([None, None, "unreadable"]),
    clear_frac=st.sampled_from([0.6, 0.7, 0.8, 1.0]),
    nodata_frac=st.sampled_from([0.0, 0.05, 0.2]),
)


@st.composite
def catalogues(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    rows = []
    for number in range(draw(st.integers(1, 12))):
        rows.append(
            draw(SCENES) | {"scene_id": f"s{number}", "preference": number, "pass": draw(st.sampled_from(PASSES))}
        )
    existing = draw(st.sets(st.tuples(st.sampled_from(["c1", "c2"]), st.sampled_from(PASSES)), max_size=3))
    return rows, sorted(existing)


@settings(deadline=None)
@given(catalogues(), st.sampled_from([None, 1, 2]), st.randoms(use_true_random=False))
def test_the_choice_is_a_function_of_the_set(
    given_: tuple[list[dict[str, Any]], list[tuple[str, str]]], most: int | None, random: Any
) -> None:
    rows, existing = given_
    rules = Rules(min_clear_frac=0.7, max_nodata_frac=0.05, passes_per_month=most)
    one = choose(observed(*rows), chips(*existing), rules)
    shuffled = random.sample(rows, len(rows))
    other = choose(observed(*shuffled), chips(*existing), rules)
    pd.testing.assert_frame_equal(one, other)
    assert len(one) == len({(row["cell_id"], row["pass"]) for row in rows})
    assert set(one.loc[one["outcome"] == PRESENT, ["cell_id", "pass"]].itertuples(index=False, name=None)) <= set(
        existing
    )
    reads = one.loc[one["outcome"] == READ]
    assert (reads["nodata_frac"] <= 0.05).all()
    assert (reads["clear_frac"] >= 0.7).all()
    assert reads["problem"].isna().all()
    if most is not None:
        for cell in ("c1", "c2"):
            for yyyymm in ("202407", "202408"):
                new = sum(c == cell and p[4:10] == yyyymm for c, p in zip(reads["cell_id"], reads["pass"], strict=True))
                held = sum(c == cell and p[4:10] == yyyymm for c, p in existing)
                assert new == 0 or new + held <= most
    # Half of the work done, then all of it again: the same chips in the end.
    done = [*existing, *reads[["cell_id", "pass"]].itertuples(index=False, name=None)]
    half = [*existing, *done[len(existing) :: 2]]
    again = choose(observed(*rows), chips(*half), rules)
    left = again.loc[again["outcome"] == READ, ["cell_id", "pass"]].itertuples(index=False, name=None)
    assert sorted({*half, *left}) == sorted(set(done))
    assert READ not in set(choose(observed(*rows), chips(*done), rules)["outcome"])
