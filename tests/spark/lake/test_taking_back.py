"""Taking back: the chips of a scene leave the branch with all that rests on them, main's chips stay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spark.lake import merge, names, taking_back
from spark.lake.scope import Scope
from spark.lake.taking_back import Reason, TakenBack, take_back
from tests.spark.lake import rows, runs

pytestmark = [pytest.mark.slow, pytest.mark.beside]

BAD, GOOD = "S2_bad", "S2_good"
NOW = rows.CREATED + timedelta(days=1)
REASONS = {BAD: Reason(detail="too dark")}
PUBLISHED, TAKEN, KEPT, BETTER = rows.CELLS_3X3[:4]


def id_of(cell):
    return f"{cell}_{rows.PASS_A}"


def made(plan, cells, scene_id, **changes):
    changes |= {"scene_id": scene_id, "run_id": plan.run.run_id}
    chips = [rows.chip(cell, rows.PASS_A, **changes) for cell in cells]
    return {
        "chips": chips,
        "embeddings": [rows.vector(chip, plan.model_version) for chip in chips],
        "observations": [
            rows.observation(cell, rows.PASS_A, scenes_considered=[scene_id], **changes) for cell in cells
        ],
        "scenes": [rows.scene(rows.PASS_A, scene_id=scene_id, run_id=plan.run.run_id)],
    }


@pytest.fixture
def plan(spark, make_plan):
    """Main has a chip of the bad scene and a rejection; the branch has more chips of it, and one of another scene."""
    first = make_plan("first", run_id="manual__0")
    published = made(first, [PUBLISHED], BAD)
    rejected = {"outcome": "rejected:cloud", "scene_id": "S2_other", "clear_frac": 0.25}
    published["observations"].append(
        rows.observation(BETTER, rows.PASS_A, **rejected, scenes_considered=["S2_other"], run_id="manual__0")
    )
    runs.write(spark, first, published)
    for table in published:
        spark.sql(f"CALL lake.system.fast_forward('{names.main_table(first, table)}', 'main', '{first.branch}')")
    plan = make_plan("second", run_id="manual__1")
    runs.write(spark, plan, made(plan, [TAKEN, BETTER], BAD))
    runs.write(spark, plan, made(plan, [KEPT], GOOD, created_at=NOW))
    return plan


def state(spark, plan):
    return {
        table: runs.values(spark.table(names.branch_table(plan, table)), ["scene_id", *shown])
        for table, shown in {
            "chips": ["id"],
            "embeddings": ["id"],
            "observations": ["cell_id", "outcome", "detail", "scenes_considered", "clear_frac", "run_id"],
            "scenes": ["status", "run_id"],
        }.items()
    }


def test_what_rests_on_the_chips_goes_with_them_and_another_scene_gives_them_again(spark, plan):
    heads = runs.heads(spark, plan)
    assert take_back(spark, Scope.of(plan), {"S2_unknown": Reason(detail="?")}, "failed:radiometry", NOW) == TakenBack(
        chips=(), own=0, published=()
    )
    assert runs.heads(spark, plan) == heads, "nothing is committed where there is nothing"
    taken = take_back(spark, Scope.of(plan), REASONS, "failed:radiometry", NOW)
    assert taken == TakenBack(chips=tuple(sorted([id_of(TAKEN), id_of(BETTER)])), own=0, published=(id_of(PUBLISHED),))
    found = state(spark, plan)
    for table in ("chips", "embeddings"):
        ids = spark.table(names.branch_table(plan, table)).select("id", "scene_id").collect()
        assert sorted(map(tuple, ids)) == sorted([(id_of(PUBLISHED), BAD), (id_of(KEPT), GOOD)])
    kept = {row["cell_id"]: row for row in spark.table(names.branch_table(plan, "observations")).collect()}
    assert {cell: (row["outcome"], row["scene_id"], row["detail"]) for cell, row in kept.items()} == {
        PUBLISHED: ("chip", BAD, None),
        KEPT: ("chip", GOOD, None),
        TAKEN: ("failed:radiometry", BAD, "too dark"),
        BETTER: ("rejected:cloud", "S2_other", None),
    }
    assert kept[BETTER]["scenes_considered"] == [BAD, "S2_other"], "it was considered all the same"
    assert kept[TAKEN]["run_id"] == "manual__1"
    assert kept[BETTER]["run_id"] == "manual__0"
    scenes = {
        tuple(row) for row in spark.table(names.branch_table(plan, "scenes")).select("scene_id", "run_id").collect()
    }
    assert scenes == {(BAD, "manual__0")}, "what was done by these chips is done no more"

    assert take_back(spark, Scope.of(plan), REASONS, "failed:radiometry", NOW).chips == ()
    assert state(spark, plan) == found
    again = made(plan, [TAKEN, BETTER], GOOD, created_at=NOW)
    merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", again["chips"]))
    merge.upsert(spark, plan, "observations", rows.frame(spark, "observations", again["observations"]))
    kept = {row["cell_id"]: row for row in spark.table(names.branch_table(plan, "observations")).collect()}
    assert {row["outcome"] for row in kept.values()} == {"chip"}
    assert kept[TAKEN]["scenes_considered"] == [BAD, GOOD]
    assert kept[BETTER]["scenes_considered"] == [BAD, GOOD, "S2_other"]
    own = take_back(spark, Scope.of(plan), {GOOD: Reason(detail="?")}, "failed:radiometry", NOW)
    assert (len(own.chips), own.own) == (3, 3)


def test_killed_after_each_of_its_steps_and_run_again(spark, plan, monkeypatch):
    removing, restoring = taking_back._remove, taking_back._restore_observations
    for last in range(1, 5):
        done = []

        def dying(step, last=last, done=done):
            def die(*given):
                step(*given)
                done.append(step)
                if len(done) == last:
                    raise KeyboardInterrupt

            return die

        with monkeypatch.context() as patch:
            patch.setattr(taking_back, "_remove", dying(removing))
            patch.setattr(taking_back, "_restore_observations", dying(restoring))
            with pytest.raises(KeyboardInterrupt):
                take_back(spark, Scope.of(plan), REASONS, "failed:radiometry", NOW)
        left = {row["id"] for row in spark.table(names.branch_table(plan, "chips")).select("id").collect()}
        assert (id_of(TAKEN) in left) == (last < 4), "chips go last: who comes next finds them"
    assert take_back(spark, Scope.of(plan), REASONS, "failed:radiometry", NOW).chips == ()
    outcomes = {
        row["cell_id"]: row["outcome"] for row in spark.table(names.branch_table(plan, "observations")).collect()
    }
    assert outcomes == {PUBLISHED: "chip", KEPT: "chip", TAKEN: "failed:radiometry", BETTER: "rejected:cloud"}
    for table in ("chips", "embeddings"):
        ids = {row["id"] for row in spark.table(names.branch_table(plan, table)).select("id").collect()}
        assert ids == {id_of(PUBLISHED), id_of(KEPT)}
    assert spark.table(names.branch_table(plan, "scenes")).count() == 1
