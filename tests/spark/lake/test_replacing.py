"""A branch that replaces chips: beside runs that publish the same ones, taken back, and killed on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spark.lake import branches, merge, names, publish, replacing, taking_back
from spark.lake.bounds import extent_of
from spark.lake.opening import open_branches
from spark.lake.scope import Scope
from spark.lake.tables import TABLES
from spark.lake.taking_back import Reason, take_back
from tests.spark.lake import rows, runs

pytestmark = pytest.mark.slow

CELLS = rows.CELLS_3X3
OLD, NEW = "S2_old", "S2_new"
LATER = rows.CREATED + timedelta(days=1)
REPLACE = {"catalogue": {"on_reprocessed": "replace"}}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(publish, "PAUSE_S", 0.0)
    monkeypatch.setattr(branches, "SWAP_PAUSE_S", 0.0)


def made(plan, baselines, scene_id, created_at):
    """Rows for cells with these baselines; pixels are those of the scene."""
    known = {"scene_id": scene_id, "run_id": plan.run.run_id, "created_at": created_at}
    pixels = {cell: rows.tensor(cell, rows.PASS_A) + len(scene_id) + (scene_id == NEW) for cell in baselines}
    chips = [
        rows.chip(
            cell,
            rows.PASS_A,
            baseline=baseline,
            clay_tensor=rows.pack(pixels[cell]),
            content_digest=rows.digest(pixels[cell]),
            **known,
        )
        for cell, baseline in baselines.items()
    ]
    return {
        "chips": chips,
        "embeddings": [rows.vector(chip, plan.model_version) for chip in chips],
        "observations": [
            rows.observation(cell, rows.PASS_A, scenes_considered=[scene_id], **known) for cell in baselines
        ],
        "scenes": [rows.scene(rows.PASS_A, scene_id=scene_id, run_id=plan.run.run_id)],
    }


def found(spark, plan, *, main=False):
    """By cell: the scenes of chip and observation, what the latter says, and the scenes of the chip's vectors."""
    table = names.main_table if main else names.branch_table
    chips, vectors, observed = (
        spark.table(table(plan, name)).collect() for name in ("chips", "embeddings", "observations")
    )
    of_vectors = {cell: sorted(row["scene_id"] for row in vectors if row["cell_id"] == cell) for cell in CELLS}
    of_chips = {row["cell_id"]: row["scene_id"] for row in chips}
    assert len(of_chips) == len(chips)
    assert {row["content_digest"] for row in vectors} == {row["content_digest"] for row in chips}
    return {
        row["cell_id"]: (of_chips.get(row["cell_id"]), row["scene_id"], row["detail"], of_vectors[row["cell_id"]])
        for row in observed
    }


@pytest.mark.beside
def test_of_a_chip_that_another_run_publishes_the_newer_baseline_stays(spark, make_plan):
    first, second = make_plan("first"), make_plan("second", run_id="manual__2", **REPLACE)
    newer, equal, older, own = CELLS[:4]
    runs.write(spark, first, made(first, dict.fromkeys((newer, equal, older), "05.00"), OLD, rows.CREATED))
    ours = {newer: "05.11", equal: "05.00", older: "04.00", own: "05.11"}
    runs.write(spark, second, made(second, ours, NEW, LATER))
    publish.publish(spark, Scope.of(first))
    assert publish.publish(spark, Scope.of(second)).embed_again == 0
    of_first, of_second = (OLD, OLD, None, [OLD]), (NEW, NEW, None, [NEW])
    assert found(spark, second, main=True) == {
        newer: (NEW, NEW, f"replaces a chip of {OLD}, baseline 05.00", [NEW]),
        equal: of_first,
        older: of_first,
        own: of_second,
    }


@pytest.fixture
def plan(spark, make_plan):
    """Main has chips of the old scene; on the branch one is replaced by the new one."""
    first = make_plan("first", run_id="manual__0")
    runs.write(spark, first, made(first, dict.fromkeys(CELLS[:2], "05.00"), OLD, rows.CREATED))
    publish.publish(spark, Scope.of(first))
    plan = make_plan("second", run_id="manual__1", **REPLACE)
    open_branches(spark, plan)
    given = made(plan, {CELLS[0]: "05.11"}, NEW, LATER)
    chips = rows.frame(spark, "chips", given["chips"])
    bounds = extent_of(chips, TABLES["chips"]).bounds
    assert replacing.make_room(spark, plan, chips.select("id", "baseline"), bounds) == 1
    assert replacing.make_room(spark, plan, chips.select("id", "baseline"), bounds) == 0
    merge.insert_only(spark, plan, "chips", chips)
    merge.upsert(spark, plan, "observations", rows.frame(spark, "observations", given["observations"]))
    assert replacing.follow(spark, plan) == 1
    merge.insert_only(spark, plan, "embeddings", rows.frame(spark, "embeddings", given["embeddings"]))
    return plan


@pytest.mark.beside
def test_a_replacement_that_is_taken_back_gives_the_old_chip_again(spark, plan, monkeypatch):
    kept, unchanged = (OLD, OLD, None, [OLD]), runs.heads(spark, plan)
    replaced = (NEW, NEW, f"replaces a chip of {OLD}, baseline 05.00", [NEW])
    assert found(spark, plan) == {CELLS[0]: replaced, CELLS[1]: kept}
    assert (replacing.restore(spark, plan), replacing.follow(spark, plan)) == (0, 0)
    assert runs.heads(spark, plan) == unchanged, "there is nothing to restore, and all has followed"

    def die(*_):
        raise KeyboardInterrupt

    reasons = {NEW: Reason(detail="too dark")}
    with monkeypatch.context() as patch:
        patch.setattr(taking_back.replacing, "restore", die)
        with pytest.raises(KeyboardInterrupt):
            take_back(spark, Scope.of(plan), reasons, "failed:radiometry", LATER)
    assert replacing.restore(spark, plan) == 1
    assert found(spark, plan) == {CELLS[0]: kept, CELLS[1]: kept}
    assert replacing.follow(spark, plan) == 0
    assert found(spark, plan, main=True) == {CELLS[0]: kept, CELLS[1]: kept}


@pytest.mark.beside
def test_a_run_that_keeps_takes_over_a_branch_that_replaced(spark, plan, make_plan):
    keeping = make_plan("second", run_id="manual__2")
    assert keeping.branch == plan.branch
    other = make_plan("other", run_id="manual__3")
    runs.write(spark, other, made(other, {CELLS[5]: "05.00"}, OLD, rows.CREATED))
    publish.publish(spark, Scope.of(other))
    runs.save_reports(keeping, ["chip", "chip"])
    assert publish.publish(spark, Scope.of(keeping)).embed_again == 0
    kept = (OLD, OLD, None, [OLD])
    shown = found(spark, keeping, main=True)
    assert shown == dict.fromkeys((*CELLS[:2], CELLS[5]), kept), "rebuilt, main's rows stay"
