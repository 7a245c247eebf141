"""Late scenes: how scenes are ordered, and split into runs, changes no chip; a late one opens its own cells alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claylake.pass_month import pass_month
from spark.sentinel2.choose import PRESENT, READ, Rules, choose

PASSES = ("S2A_20240705T112111", "S2B_20240710T112109", "S2A_20240801T000001")
CELLS = ("c1", "c2")
Key = tuple[str, str]
Looks = list[dict[str, Any]]
Chips = dict[Key, dict[str, Any]]

LOOK = st.fixed_dictionaries(
    {
        "problem": st.sampled_from([None] * 7 + ["unreadable"]),
        "clear_frac": st.sampled_from([0.7, 0.8, 0.9, 1.0, 0.6]),
        "nodata_frac": st.sampled_from([0.0, 0.03, 0.04, 0.05, 0.2]),
        "bands_unreadable": st.sampled_from([False] * 5 + [True]),
    }
)


@st.composite
def scenes(draw: st.DrawFn, baselines: tuple[str | None, ...] = ("04.00", "05.00", "05.11")) -> list[Looks]:
    """Scenes, each as its looks at some cells; all of a scene are of one pass and one baseline."""
    made = []
    for number in range(draw(st.integers(1, 8))):
        of_scene = {
            "scene_id": f"s{number}",
            "preference": number,
            "pass": draw(st.sampled_from(PASSES)),
            "baseline": draw(st.sampled_from(baselines)),
        }
        cells = draw(st.sets(st.sampled_from(CELLS), min_size=1))
        made.append([{"cell_id": cell, **of_scene, **draw(LOOK)} for cell in sorted(cells)])
    return made


def rules(*, most: int | None = None, replaces: bool = False) -> Rules:
    return Rules(min_clear_frac=0.7, max_nodata_frac=0.05, passes_per_month=most, replaces=replaces)


def key_of(row: dict[str, Any]) -> Key:
    return row["cell_id"], row["pass"]


def look_of(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["cell_id"], row["scene_id"], row.get("second_scene_id") or ""


def run(given_: list[Looks], chips: Chips, how: Rules) -> tuple[Chips, set[Key]]:
    """A run on top of the chips that exist: all chips after it, and what it read; by rounds, as the step has them."""
    after, read = dict(chips), set[Key]()
    looks = {look_of(row): dict(row) for scene in given_ for row in scene}
    while looks:
        existing = pd.DataFrame(
            [(*key, chip["baseline"]) for key, chip in after.items()],
            columns=["cell_id", "pass", "baseline"],
            dtype=object,
        )
        observed = pd.DataFrame(list(looks.values())).astype({"problem": object, "baseline": object})
        wanted = [row for row in choose(observed, existing, how).to_dict("records") if row["outcome"] == READ]
        if not wanted:
            break
        for row in wanted:
            look = looks[look_of(row)]
            read.add(key_of(look))
            if look["bands_unreadable"]:
                look["problem"] = "unreadable"
            else:
                after[key_of(look)] = look
    return after, read


def split(given_: list[Looks], data: st.DataObject) -> list[list[Looks]]:
    """The same scenes in any order, dealt into runs; a run may see again what earlier ones saw."""
    order = data.draw(st.permutations(given_))
    ends = sorted(data.draw(st.sets(st.integers(1, len(order)), max_size=3)) | {len(order)})
    starts = [0, *ends[:-1]]
    return [
        [*order[start:end], *data.draw(st.lists(st.sampled_from(order[:end]), max_size=2))]
        for start, end in zip(starts, ends, strict=True)
    ]


@pytest.mark.parametrize("replaces", [False, True])
@settings(deadline=None, max_examples=25)
@given(scenes(), st.data())
def test_any_order_and_any_split_into_runs_gives_the_same_chips(
    replaces: bool, given_: list[Looks], data: st.DataObject
) -> None:
    how = rules(replaces=replaces)
    at_once, _ = run(given_, {}, how)
    shuffled, _ = run(data.draw(st.permutations(given_)), {}, how)
    assert shuffled == at_once, "the scene of each chip, too"
    chips: Chips = {}
    for part in split(given_, data):
        before = chips
        chips, _ = run(part, before, how)
        for key, chip in before.items():
            if chips[key] != chip:
                assert replaces
                assert chips[key]["baseline"] > chip["baseline"]
    assert chips.keys() == at_once.keys()
    if replaces:
        assert {key: chip["baseline"] for key, chip in chips.items()} == {
            key: chip["baseline"] for key, chip in at_once.items()
        }
        best = Counter[Key]()
        for row in (row for scene in given_ for row in scene):
            good = row["problem"] is None and row["nodata_frac"] <= 0.05 and row["clear_frac"] >= 0.7
            if good and not row["bands_unreadable"]:
                best[key_of(row)] = max(best[key_of(row)], int(row["baseline"].replace(".", "")))
        assert {key: int(chip["baseline"].replace(".", "")) for key, chip in chips.items()} == best


@pytest.mark.parametrize("replaces", [False, True])
@settings(deadline=None, max_examples=25)
@given(scenes(), st.data(), st.sampled_from([None, 1, 2]))
def test_a_late_scene_opens_its_own_cells_alone(
    replaces: bool, given_: list[Looks], data: st.DataObject, most: int | None
) -> None:
    how = rules(most=most, replaces=replaces)
    number = data.draw(st.integers(0, len(given_) - 1))
    late, others = given_[number], given_[:number] + given_[number + 1 :]
    before, _ = run(others, {}, how)
    alone, read = run([late], before, how)
    own = {key_of(row) for row in late}
    assert read <= own
    assert {key: chip for key, chip in alone.items() if key not in own} == {
        key: chip for key, chip in before.items() if key not in own
    }
    assert run([late], alone, how) == (alone, set()) or any(row["bands_unreadable"] for row in late)
    # A run that sees all scenes again reads of the others only what could not be read before.
    again, read = run([*others, late], before, how)
    unread = {key_of(row) for scene in others for row in scene if row["bands_unreadable"]}
    assert {cell for cell, _ in read} <= {cell for cell, _ in own | unread}
    assert again.keys() >= before.keys()


@pytest.mark.parametrize("replaces", [False, True])
@settings(deadline=None, max_examples=25)
@given(scenes(), st.data(), st.integers(1, 2))
def test_of_the_clearest_late_scenes_only_fill_cells_that_have_fewer(
    replaces: bool, given_: list[Looks], data: st.DataObject, most: int
) -> None:
    how = rules(most=most, replaces=replaces)
    chips: Chips = {}
    for part in split(given_, data):
        before = chips
        chips, _ = run(part, before, how)
        assert chips.keys() >= before.keys(), "no pass is given up, however clear a late one is"
        held = Counter((cell, pass_month(name)) for cell, name in before)
        now = Counter((cell, pass_month(name)) for cell, name in chips)
        assert all(number <= most for number in now.values())
        assert all(now[place] == number for place, number in held.items() if number == most)
    at_once, _ = run(given_, {}, how)
    numbers = [Counter((cell, pass_month(name)) for cell, name in each) for each in (chips, at_once)]
    assert numbers[0] == numbers[1], "which passes they are depends on the order, how many does not"


@st.composite
def halves(draw: st.DrawFn) -> tuple[list[Looks], dict[tuple[str, str, str], dict[str, Any]]]:
    """Scenes of a pass, some of them halves of the same tile-date; and what every two show together of a cell."""
    made, together = [], {}
    of_pass = {"pass": PASSES[0]}
    for number in range(draw(st.integers(2, 6))):
        tile = draw(st.sampled_from(["t1", "t1", "t2"]))
        baseline = draw(st.sampled_from(["04.00", "05.11"]))
        of_scene = {"scene_id": f"s{number}", "preference": number, "half": f"{tile} {baseline}", "baseline": baseline}
        cells = draw(st.sets(st.sampled_from(CELLS), min_size=1))
        nodata = {cell: {"nodata_frac": draw(st.sampled_from([0.0, 0.3, 0.5, 0.7]))} for cell in cells}
        made.append([{"cell_id": cell, **of_pass, **of_scene, **draw(LOOK), **nodata[cell]} for cell in sorted(cells)])
    for cell in CELLS:
        for one in range(len(made)):
            for other in range(one + 1, len(made)):
                together[cell, f"s{one}", f"s{other}"] = draw(LOOK)
    return made, together


def with_seams(given_: list[Looks], together: dict[tuple[str, str, str], dict[str, Any]]) -> list[Looks]:
    """The looks, and those at two halves of cells that neither makes whole."""
    rows = sorted((row for scene in given_ for row in scene), key=lambda row: row["scene_id"])
    found: Looks = []
    for one in rows:
        for other in rows:
            same = one["cell_id"] == other["cell_id"] and one["half"] == other["half"]
            whole = any(row["problem"] is None and row["nodata_frac"] <= 0.05 for row in (one, other))
            problems = [row["problem"] for row in (one, other) if row["problem"]]
            if not same or whole or len(problems) > 1 or one["scene_id"] >= other["scene_id"]:
                continue
            shown = together[one["cell_id"], one["scene_id"], other["scene_id"]]
            lost = {"problem": problems[0], "nodata_frac": None, "clear_frac": None} if problems else {}
            found.append(one | {"second_scene_id": other["scene_id"]} | shown | lost)
    return [*([row | {"second_scene_id": None} for row in scene] for scene in given_), found]


@pytest.mark.parametrize("replaces", [False, True])
@settings(deadline=None, max_examples=40)
@given(halves(), st.data())
def test_two_halves_in_any_order_and_any_split_into_runs_give_the_same_chips(
    replaces: bool, given_: tuple[list[Looks], dict[tuple[str, str, str], dict[str, Any]]], data: st.DataObject
) -> None:
    """A run has the halves of before beside those that are late, and of these the cells of the late ones."""
    scenes_, together = given_
    how = rules(replaces=replaces)
    at_once, _ = run(with_seams(scenes_, together), {}, how)
    shuffled, _ = run(with_seams(data.draw(st.permutations(scenes_)), together)[::-1], {}, how)
    assert shuffled == at_once
    chips: Chips = {}
    seen: list[Looks] = []
    for part in split(scenes_, data):
        late = {(row["cell_id"], row["half"]) for scene in part for row in scene}
        names = {row["scene_id"] for scene in part for row in scene}
        settled = [
            [row for row in scene if (row["cell_id"], row["half"]) in late]
            for scene in seen
            if scene[0]["scene_id"] not in names
        ]
        of_run = list({scene[0]["scene_id"]: scene for scene in [*part, *filter(None, settled)]}.values())
        chips, _ = run(with_seams(of_run, together), chips, how)
        seen += part
    assert chips.keys() == at_once.keys()
    if replaces:
        assert {key: chip["baseline"] for key, chip in chips.items()} == {
            key: chip["baseline"] for key, chip in at_once.items()
        }


def test_one_scene_comes_before_two_halves_whatever_they_show() -> None:
    look = {
        "cell_id": "c1",
        "pass": PASSES[0],
        "problem": None,
        "preference": 1,
        "baseline": "05.11",
        "clear_frac": 0.9,
    }
    halves = [look | {"scene_id": name, "nodata_frac": 0.5, "second_scene_id": None} for name in "ab"]
    both = look | {"scene_id": "a", "second_scene_id": "b", "nodata_frac": 0.0, "preference": 0}
    whole = look | {"scene_id": "z", "nodata_frac": 0.05, "second_scene_id": None, "preference": 9}
    nothing = pd.DataFrame(columns=["cell_id", "pass", "baseline"], dtype=object)

    def chosen(*looks: dict[str, Any], replaces: bool = False) -> tuple[Any, ...]:
        observed = pd.DataFrame(list(looks)).astype({"problem": object, "second_scene_id": object})
        (row,) = choose(observed, nothing, rules(replaces=replaces)).to_dict("records")
        return row["outcome"], row["scene_id"], row["second_scene_id"], row["considered"]

    for order in (1, -1):
        assert chosen(*[*halves, both, whole][::order]) == (READ, "z", None, ["a", "b", "z"])
        assert chosen(*[*halves, both][::order]) == (READ, "a", "b", ["a", "b"])
        cloudy = both | {"clear_frac": 0.1}
        assert chosen(*[*halves, cloudy][::order]) == ("rejected:cloud", "a", "b", ["a", "b"])
        older = whole | {"baseline": "05.10"}
        assert chosen(*[*halves, both, older][::order], replaces=True) == (READ, "a", "b", ["a", "b", "z"])
        # As wanting as the first half is: then it is the first half's look.
        no_more = both | {"nodata_frac": 0.5}
        assert chosen(*[*halves, no_more][::order])[:3] == ("rejected:nodata", "a", None)
        lost = both | {"problem": "unreadable", "nodata_frac": None, "clear_frac": None}
        assert chosen(*[*halves, lost][::order])[:3] == ("rejected:nodata", "a", None)


def test_a_baseline_that_is_not_known_neither_replaces_nor_is_replaced() -> None:
    look = {
        "cell_id": "c1",
        "pass": PASSES[0],
        "preference": 0,
        "problem": None,
        "clear_frac": 1.0,
        "nodata_frac": 0.0,
        "bands_unreadable": False,
    }
    known, unknown = (
        look | {"scene_id": "known", "baseline": "04.00"},
        look | {"scene_id": "unknown", "baseline": None},
    )
    how = rules(replaces=True)
    for first, second in ((known, unknown), (unknown, known)):
        chips, _ = run([[first]], {}, how)
        assert run([[second]], chips, how) == (chips, set())
    both, _ = run([[unknown], [known]], {}, how)
    assert [chip["scene_id"] for chip in both.values()] == ["known"]


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, READ),
        ({"nodata_frac": 0.05, "preference": 9}, READ),
        ({"baseline": "05.00"}, PRESENT),
        ({"baseline": "04.00"}, PRESENT),
        ({"clear_frac": 0.6}, PRESENT),
        ({"nodata_frac": 0.06}, PRESENT),
        ({"problem": "unreadable"}, PRESENT),
    ],
)
def test_only_a_newer_baseline_that_meets_the_thresholds_replaces(fields: dict[str, Any], outcome: str) -> None:
    look = {"cell_id": "c1", "pass": PASSES[0], "problem": None, "clear_frac": 0.8, "nodata_frac": 0.0}
    of_chip = look | {"scene_id": "old", "preference": 0, "baseline": "05.00"}
    newer = look | {"scene_id": "new", "preference": 1, "baseline": "05.11"} | fields
    observed = pd.DataFrame([of_chip, newer]).astype({"problem": object})
    existing = pd.DataFrame([{"cell_id": "c1", "pass": PASSES[0], "baseline": "05.00"}])
    (row,) = choose(observed, existing, rules(replaces=True)).to_dict("records")
    assert row["outcome"] == outcome
    (row,) = choose(observed, existing, rules(most=1, replaces=True)).to_dict("records")
    assert row["outcome"] == outcome, "a chip that is replaced has its place in the month"
    (row,) = choose(observed, existing, rules()).to_dict("records")
    assert row["outcome"] == PRESENT
