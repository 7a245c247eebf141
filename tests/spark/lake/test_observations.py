"""Observations merge by quality and with memory: how a manifest is split into runs does not matter, nor their order."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spark.lake import merge, names
from spark.lake.opening import open_branches
from spark.lake.rebuild import rebuild
from spark.lake.refs import Refs
from spark.lake.scope import Scope
from spark.lake.tables import LINEAGE, TABLES
from spark.sentinel2.choose import PRESENT, READ, Rules, choose
from tests.spark.lake import rows, runs

pytestmark = pytest.mark.slow

SHAPE = TABLES["observations"]
RULES = Rules(min_clear_frac=0.7, max_nodata_frac=0.05, passes_per_month=None)
ORDERS = tuple(itertools.permutations(range(3)))
WHOLE_CLOUD = {"outcome": "rejected:cloud", "scene_id": "b", "nodata_frac": 0.0, "clear_frac": 0.25}
LESSER = {"outcome": "rejected:nodata", "scene_id": "a", "nodata_frac": 0.5, "clear_frac": 0.5}
UNREADABLE = {"outcome": "failed:unreadable", "scene_id": "a", "nodata_frac": None, "clear_frac": None}
MORE_CLEAR = {"outcome": "rejected:cloud", "scene_id": "c", "nodata_frac": 0.0, "clear_frac": 0.5}
OTHER_SCENE = WHOLE_CLOUD | {"scene_id": "a"}
CHIP = {"outcome": "chip", "scene_id": "c", "nodata_frac": 0.03125, "clear_frac": 0.75}
MISALIGNED = UNREADABLE | {"outcome": "failed:misaligned"}
PAIRS = {
    "a whole cloudy look, then an unreadable scene": (WHOLE_CLOUD, UNREADABLE),
    "a whole cloudy look, then a lesser one": (WHOLE_CLOUD, LESSER),
    "more clear, then less": (MORE_CLEAR, WHOLE_CLOUD),
    "the lower scene id, then the higher": (OTHER_SCENE, WHOLE_CLOUD),
    "a chip, then a look with less nodata": (CHIP, WHOLE_CLOUD),
}


@pytest.fixture(scope="module")
def cells():
    """Another cell at each call."""
    return (f"{rows.EPSG}_{rows.COL + number}_{rows.ROW}" for number in itertools.count(1000))


@pytest.fixture
def plan(spark, make_plan):
    plan = make_plan()
    open_branches(spark, plan)
    return plan


def look(cell, hour, considered=None, **fields):
    fields = {"run_id": f"run_{hour}", "created_at": rows.CREATED + timedelta(hours=hour)} | fields
    row = rows.observation(cell, rows.PASS_A, **fields)
    return row | {"scenes_considered": considered or [row["scene_id"]]}


def upsert(spark, plan, made):
    return merge.upsert(spark, plan, "observations", rows.frame(spark, "observations", made))


def found(spark, plan):
    return {row["cell_id"]: row.asDict() for row in spark.table(names.branch_table(plan, "observations")).collect()}


def without(row, *columns):
    return {name: value for name, value in row.items() if name not in columns}


def test_the_better_look_stays_whichever_comes_first(spark, plan, cells):
    first, second, expected = [], [], {}
    for better, worse in PAIRS.values():
        for one, other in ((better, worse), (worse, better)):
            cell = next(cells)
            first.append(look(cell, 1, **one))
            second.append(look(cell, 2, **other))
            expected[cell] = (better["outcome"], better["scene_id"], "run_1" if one is better else "run_2")
    upsert(spark, plan, first)
    assert upsert(spark, plan, second) == len(second), "each has at least considered one more scene"
    kept = found(spark, plan)
    assert {cell: (row["outcome"], row["scene_id"], row["run_id"]) for cell, row in kept.items()} == expected
    both = {cell: sorted({one["scene_id"], other["scene_id"]}) for cell, one, other in
            ((row["cell_id"], row, other) for row, other in zip(first, second, strict=True))}  # fmt: skip
    assert {cell: row["scenes_considered"] for cell, row in kept.items()} == both
    before = runs.heads(spark, plan)
    assert upsert(spark, plan, first) == 0
    assert upsert(spark, plan, second) == 0
    assert runs.heads(spark, plan) == before, "nothing is committed when nothing changes"


def test_of_one_scene_tried_again_the_later_look_stays(spark, plan, cells):
    after, before = next(cells), next(cells)
    upsert(spark, plan, [look(after, 1, **UNREADABLE), look(before, 2, **MISALIGNED)])
    assert upsert(spark, plan, [look(after, 2, **MISALIGNED), look(before, 1, **UNREADABLE)]) == 1
    assert {row["outcome"] for row in found(spark, plan).values()} == {MISALIGNED["outcome"]}


def test_where_two_halves_show_no_more_the_first_alone_stays(spark, plan, cells):
    after, before = next(cells), next(cells)
    both = LESSER | {"second_scene_id": "b"}
    upsert(spark, plan, [look(after, 1, **LESSER), look(before, 1, **both)])
    assert upsert(spark, plan, [look(after, 2, **both), look(before, 2, **LESSER)]) == 1
    assert {cell: row["second_scene_id"] for cell, row in found(spark, plan).items()} == {after: None, before: None}
    more = both | {"nodata_frac": 0.25}
    assert upsert(spark, plan, [look(after, 3, **more)]) == 1
    assert upsert(spark, plan, [look(after, 4, **LESSER)]) == 0
    assert found(spark, plan)[after]["second_scene_id"] == "b"


def test_a_row_of_which_only_the_scenes_grew_keeps_its_look(spark, plan, cells):
    # As version 1 wrote them: in order of preference.
    as_before, grown = look(next(cells), 1, ["z", "c", "a"], **CHIP), look(next(cells), 1, ["z", "c"], **CHIP)
    spark_rows = rows.frame(spark, "observations", [as_before, grown])
    spark_rows.writeTo(names.branch_table(plan, "observations")).append()
    later = [look(row["cell_id"], 2, ["a"], **LESSER) for row in (as_before, grown)]
    assert upsert(spark, plan, later) == 1
    kept = found(spark, plan)
    assert kept[as_before["cell_id"]]["scenes_considered"] == ["z", "c", "a"], "counts as it is"
    assert kept[grown["cell_id"]]["scenes_considered"] == ["a", "c", "z"]
    for row in (as_before, grown):
        assert kept[row["cell_id"]]["outcome"] == "chip"
        assert (kept[row["cell_id"]]["run_id"], kept[row["cell_id"]]["scene_id"]) == ("run_1", "c")


def test_rows_of_one_key_become_one_by_the_same_rule(spark, plan, cells):
    cell = next(cells)
    made = [look(cell, 3, ["d", "a"], **LESSER), look(cell, 2, **UNREADABLE), look(cell, 1, **WHOLE_CLOUD)]
    assert upsert(spark, plan, made) == 1
    (kept,) = found(spark, plan).values()
    assert (kept["outcome"], kept["run_id"]) == ("rejected:cloud", "run_1")
    assert kept["scenes_considered"] == ["a", "b", "d"]


def test_a_rebuilt_branch_merges_alike(spark, make_plan):
    one, other = make_plan("one", run_id="manual__1"), make_plan("other", run_id="manual__2")
    better, worse = rows.CELLS_3X3[:2]
    for plan, looks in ((one, (WHOLE_CLOUD, LESSER)), (other, (LESSER, WHOLE_CLOUD))):
        open_branches(spark, plan)
        upsert(spark, plan, [look(cell, 1, **fields) for cell, fields in zip((better, worse), looks, strict=True)])
    table = names.main_table(one, "observations")
    spark.sql(f"CALL lake.system.fast_forward('{table}', 'main', '{one.branch}')").collect()
    rebuild(spark, other, Scope.of(other), "observations")
    refs = Refs.read(spark, table)
    assert refs.contains(refs.heads[other.branch], refs.main)
    kept = found(spark, other)
    assert {(row["outcome"], tuple(row["scenes_considered"])) for row in kept.values()} == {
        ("rejected:cloud", ("a", "b"))
    }


# A (cell, pass): its scenes, each with what it shows, and the runs in which it is in the manifest.
SCENE = st.fixed_dictionaries(
    {
        "problem": st.sampled_from([None, None, None, "unreadable", "misaligned"]),
        "nodata_frac": st.sampled_from([0.0, 0.03125, 0.25, 0.5]),
        "clear_frac": st.sampled_from([0.0, 0.5, 0.75, 1.0]),
        "known": st.booleans(),
        "bands_unreadable": st.booleans(),
        "runs": st.sets(st.integers(0, 2), min_size=1),
    }
)
CASES = st.lists(st.lists(SCENE, min_size=1, max_size=4), min_size=30, max_size=30)


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(CASES)
def test_how_a_manifest_is_split_into_runs_does_not_matter(spark, plan, cells, cases):
    expected, steps = {}, [[], [], []]
    for order in ORDERS:
        scenes = [
            candidate(cell, number, fields)
            for cell, case in zip(itertools.islice(cells, len(cases)), cases, strict=False)
            for number, fields in enumerate(case)
        ]
        expected |= {row["cell_id"]: row for row in run(scenes, {}, 0)}
        chips = {}
        for hour, part in enumerate(order):
            steps[hour] += run([scene for scene in scenes if part in scene["runs"]], chips, hour)
    for made in steps:
        upsert(spark, plan, made)
    kept = {cell: row for cell, row in found(spark, plan).items() if cell in expected}
    assert set(kept) == set(expected)
    lineage = (*LINEAGE, "cells_digest", "selection_digest", "datetime")
    for cell, row in kept.items():
        compared = ("outcome", "scenes_considered") if row["outcome"] == "chip" else without(row, *lineage)
        assert {name: row[name] for name in compared} == {name: expected[cell][name] for name in compared}


def candidate(cell, number, fields):
    """A scene's look at a cell, as observing gives it; which of its bands are unreadable is not known yet."""
    broken = fields["problem"] is not None
    unknown = dict.fromkeys(("nodata_frac", "clear_frac")) if broken and not fields["known"] else {}
    return {
        "cell_id": cell,
        "pass": rows.PASS_A,
        "scene_id": f"s{number}",
        "preference": -number,
        **fields,
        **unknown,
    }


def run(scenes, chips, hour):
    """Observations of a run with these scenes, by rounds as the step has them. `chips` are those that exist, by cell."""
    if not scenes:
        return []
    scenes = {(scene["cell_id"], scene["scene_id"]): dict(scene) for scene in scenes}
    while True:
        existing = pd.DataFrame([(cell, rows.PASS_A) for cell in chips], columns=["cell_id", "pass"], dtype=object)
        observed = pd.DataFrame(list(scenes.values())).astype({"problem": object})
        choice = choose(observed, existing, RULES).to_dict("records")
        wanted = [scenes[row["cell_id"], row["scene_id"]] for row in choice if row["outcome"] == READ]
        if not wanted:
            return [observation(row, scenes, chips, hour) for row in choice]
        for scene in wanted:
            if scene["bands_unreadable"]:
                scene["problem"] = "unreadable"
            else:
                chips[scene["cell_id"]] = scene


def observation(choice, scenes, chips, hour):
    chip = choice["outcome"] == PRESENT
    scene = chips[choice["cell_id"]] if chip else scenes[choice["cell_id"], choice["scene_id"]]
    return look(
        choice["cell_id"],
        hour,
        choice["considered"],
        outcome="chip" if chip else choice["outcome"],
        detail=None if chip else scene["problem"],
        **{name: scene[name] for name in ("scene_id", "nodata_frac", "clear_frac")},
        cloud_frac=None,
        shadow_frac=None,
        snow_frac=None,
        water_frac=None,
        scl_mean=None,
    )
