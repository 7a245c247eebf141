"""The embed job on a few chips with the demo model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from claylake import store
from claylake.reports import EmbedReport
from spark.embedding.artefact import local_copy
from spark.embedding.errors import ModelChangedError
from spark.embedding.work import Work
from spark.encoder import load_encoder
from spark.jobs import embed as job
from spark.lake import branches, merge
from spark.lake.refs import Refs
from tests.spark.conftest import LAKE
from tests.spark.lake import rows
from tests.spark.lake.rows import PlanMaker

ROOT = Path(__file__).resolve().parents[3]
CELLS = rows.CELLS_3X3
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model_version(stack, tmp_path_factory):
    """Builds the demo model and puts it where plans look for it."""
    out = tmp_path_factory.mktemp("model")
    subprocess.run(
        [sys.executable, "-m", "model", "build", "--name", "demo-random", "--out", str(out)], cwd=ROOT, check=True
    )
    for path in (out / "demo-random").iterdir():
        store.write(f"{LAKE}/artifacts/model/demo-random/{path.name}", path.read_bytes())
    return json.loads((out / "demo-random" / "model.json").read_text())["model_version"]


@pytest.fixture
def make(stack, model_version, request):
    maker = PlanMaker(lake=LAKE, database=f"embed{abs(hash(request.node.name)) % 10**8}")

    def plan(name="demo", **changes):
        settings = {"encoder": {"model": "demo-random", "batch_size": 4}}
        return maker(name, **{"model_version": model_version, **settings, **changes})

    return plan


def write_chips(spark, plan, cells, pass_id=rows.PASS_A, **changes):
    made = [rows.chip(cell, pass_id, **changes) for cell in cells]
    branches.open_branches(spark, plan)
    merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", made))
    return made


def vectors(spark, plan):
    found = spark.table(branches.on_branch(plan, "embeddings")).collect()
    return {row["id"]: np.array(row["global_embedding"], np.float32) for row in found}


def test_vectors_are_the_encoders_and_a_rerun_makes_only_what_is_missing(spark, make):
    plan = make()
    chips = write_chips(spark, plan, CELLS[:6])
    write_chips(spark, plan, CELLS[:1], rows.PASS_AUGUST)
    report = job.embed(spark, plan)
    assert (report.vectors, report.present, report.failed) == (6, 0, {})
    assert EmbedReport.load(plan) == report
    assert report.device == "cpu"

    encoder = load_encoder(local_copy(Work.of(plan, 1).model), convention="tutorial", precision="fp32")
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

    row = spark.table(branches.on_branch(plan, "embeddings")).first()
    assert (row["model_version"], row["convention"], row["precision"]) == (plan.model_version, "tutorial", "fp32")
    assert row["run_id"] == plan.run.run_id
    head = Refs.read(spark, branches.main(plan, "embeddings")).heads[plan.branch]
    again = job.embed(spark, plan)
    assert (again.vectors, again.present) == (0, 6)
    assert again.message == "nothing to do: all 6 chips have their vector"
    assert Refs.read(spark, branches.main(plan, "embeddings")).heads[plan.branch] == head

    gone = [chips[1]["id"], chips[4]["id"]]
    spark.sql(f"DELETE FROM {branches.on_branch(plan, 'embeddings')} WHERE id IN ('{gone[0]}', '{gone[1]}')")
    repaired = job.embed(spark, plan)
    assert (repaired.vectors, repaired.present) == (2, 4)
    assert vectors(spark, plan)[gone[0]] == pytest.approx(made[gone[0]], abs=1e-6)


def test_commits_are_bounded_and_poison_is_counted(spark, make, monkeypatch):
    plan = make()
    write_chips(spark, plan, CELLS[:4])
    write_chips(spark, plan, CELLS[4:6], clay_tensor=b"broken")
    real = job.commits
    monkeypatch.setattr(job, "commits", lambda pending: real(pending, 2))
    report = job.embed(spark, plan)
    assert (report.vectors, report.failed) == (4, {"chip_undecodable": 2})
    assert "not embedded: 2 chip_undecodable" in report.message
    made = vectors(spark, plan)
    assert len(made) == 4
    assert all(np.isfinite(vector).all() and vector.any() for vector in made.values())
    snapshots = Refs.read(spark, branches.main(plan, "embeddings")).snapshots.values()
    assert sorted(snapshot.added for snapshot in snapshots if snapshot.added) == [2, 2]


def test_main_of_the_job_reads_the_plan_and_says_when_there_are_no_chips(spark, make):
    plan = make(work="vectors")
    assert job.main(["--plan", plan.uri("plan.json")]) == 0
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
