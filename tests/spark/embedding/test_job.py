"""The embed job on a few chips with the demo model."""

from __future__ import annotations

import json

import numpy as np
import pytest

from claylake import store
from claylake.run.reports import EmbedReport
from spark.embedding import run as job
from spark.embedding.errors import ModelChangedError
from spark.encoding import load_encoder
from spark.jobs.embed import main
from spark.lake import merge, names
from spark.lake.opening import open_branches
from spark.lake.refs import Refs
from spark.lake.scope import Scope
from spark.report import build
from spark.report.page import html
from spark.report.rows import Rows, Vectors
from tests.spark.conftest import LAKE
from tests.spark.lake import rows
from tests.spark.lake.rows import PlanMaker

CELLS = rows.CELLS_3X3
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model_version(stack, artefact):
    """Puts the demo model where plans look for it."""
    for path in artefact.iterdir():
        store.write(f"{LAKE}/artifacts/model/demo-random/{path.name}", path.read_bytes())
    return json.loads((artefact / "model.json").read_text())["model_version"]


@pytest.fixture
def make(stack, model_version, request):
    maker = PlanMaker(lake=LAKE, database=f"embed{abs(hash(request.node.name)) % 10**8}")

    def plan(name="demo", **changes):
        settings = {"encoder": {"model": "demo-random", "batch_size": 4, "precision": "fp32"}}
        return maker(name, **{"model_version": model_version, **settings, **changes})

    return plan


def write_chips(spark, plan, cells, pass_id=rows.PASS_A, **changes):
    made = [rows.chip(cell, pass_id, **changes) for cell in cells]
    open_branches(spark, plan)
    merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", made))
    return made


def vectors(spark, plan):
    found = spark.table(names.branch_table(plan, "embeddings")).collect()
    return {row["id"]: np.array(row["global_embedding"], np.float32) for row in found}


def page_of(plan):
    """The report's page, without rows."""
    none = Rows(passes=(), observed=(), scenes=(), clearest=(), tiles={}, vectors=Vectors(), vector_count=6)
    return html(build.of_run(plan, build.cells_of(Scope.of(plan)), none))


def test_vectors_are_the_encoders_and_a_rerun_makes_only_what_is_missing(spark, make, artefact):
    plan = make()
    chips = write_chips(spark, plan, CELLS[:6])
    write_chips(spark, plan, CELLS[:1], rows.PASS_AUGUST)
    report = job.embed(spark, plan)
    assert (report.vectors, report.present, report.failed) == (6, 0, {})
    assert EmbedReport.load(plan) == report
    assert (report.device, report.precision) == ("cpu", "fp32")
    assert report.path in {"pt2", "eager"}
    health = report.health
    assert (health.vectors, health.not_finite, health.duplicates, health.sampled) == (6, 0, 0, 6)
    assert 1 < health.effective_rank <= 5
    assert "Effective rank" in page_of(plan)

    encoder = load_encoder(artefact, convention="tutorial", precision="fp32", batch=4)
    places = {row["cell_id"]: (row["lon"], row["lat"]) for row in rows.cells_table(CELLS).to_pylist()}
    direct = encoder.encode(
        np.stack([rows.tensor(chip["cell_id"], chip["pass"]) for chip in chips]),
        np.array([places[chip["cell_id"]] for chip in chips]),
        [chip["datetime"] for chip in chips],
    )
    made = vectors(spark, plan)
    assert set(made) == {chip["id"] for chip in chips}
    for chip, vector in zip(chips, direct.vectors, strict=True):
        assert made[chip["id"]] == pytest.approx(vector, abs=1e-5)

    row = spark.table(names.branch_table(plan, "embeddings")).first()
    assert (row["model_version"], row["convention"], row["precision"]) == (plan.model_version, "tutorial", "fp32")
    assert row["run_id"] == plan.run.run_id
    head = Refs.read(spark, names.main_table(plan, "embeddings")).heads[plan.branch]
    again = job.embed(spark, plan)
    assert (again.vectors, again.present) == (0, 6)
    assert again.message == "nothing to do: all 6 chips have their vector"
    assert Refs.read(spark, names.main_table(plan, "embeddings")).heads[plan.branch] == head

    gone = [chips[1]["id"], chips[4]["id"]]
    spark.sql(f"DELETE FROM {names.branch_table(plan, 'embeddings')} WHERE id IN ('{gone[0]}', '{gone[1]}')")
    repaired = job.embed(spark, plan)
    assert (repaired.vectors, repaired.present) == (2, 4)
    assert vectors(spark, plan)[gone[0]] == pytest.approx(made[gone[0]], abs=1e-6)


def test_commits_are_bounded_and_poison_is_counted(spark, make, monkeypatch):
    plan = make()
    write_chips(spark, plan, CELLS[:4])
    write_chips(spark, plan, CELLS[4:6], clay_tensor=b"broken")
    monkeypatch.setattr(job, "CHIPS_PER_COMMIT", 2)
    report = job.embed(spark, plan)
    assert (report.vectors, report.failed) == (4, {"chip_undecodable": 2})
    assert "not embedded: 2 chip_undecodable" in report.message
    made = vectors(spark, plan)
    assert len(made) == 4
    assert all(np.isfinite(vector).all() and vector.any() for vector in made.values())
    snapshots = Refs.read(spark, names.main_table(plan, "embeddings")).snapshots.values()
    assert sorted(snapshot.added for snapshot in snapshots if snapshot.added) == [2, 2]


def test_the_step_reads_the_plan_ends_its_session_and_says_when_there_are_no_chips(spark, make, monkeypatch):
    plan, stopped = make(work="vectors"), []
    monkeypatch.setattr(type(spark), "stop", lambda ended: stopped.append(ended is spark))
    assert main(["--plan", plan.uri("plan.json")]) == 0
    assert stopped == [True]
    report = EmbedReport.load(plan)
    assert report.message == "nothing to do: no chips in these cells and months"
    assert report.device == "none"


def test_a_replaced_model_is_refused(spark, make):
    plan = make(model_version="demo-random+000000000000")
    write_chips(spark, plan, CELLS[:1])
    with pytest.raises(Exception, match="run plan again") as caught:
        job.embed(spark, plan)
    assert ModelChangedError.__name__ in str(caught.value)
    assert vectors(spark, plan) == {}
