"""How many Spark jobs each step takes on a small month, and where there is nothing to do: they stay few."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from claylake import store
from spark.embedding.run import embed
from spark.extraction.run import extract
from spark.publishing.run import publish_run
from tests.spark.conftest import LAKE
from tests.spark.extract.test_job import PASS_A, PASS_B, bbox, cloudy, scene
from tests.spark.jobs import jobs_of

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.spark.extract.conftest import PlanMaker

pytestmark = pytest.mark.slow
MOST = {
    # Footprints, scenes, and observing; the batch of chips, and the chips that exist then, of the run's cells.
    "extract": 6,
    "extract again": 9,
    "embed": 10,
    "embed again": 6,
    # The report reads rows of all five tables.
    "publish": 33,
    "extract nothing": 0,
}
"""Jobs of each step, in this order, of a month that is new to the lake. Each job costs a fraction of a second anywhere."""


def test_the_steps_of_a_small_month(
    spark: SparkSession,
    make_plan: PlanMaker,
    tmp_path: Path,
    artefact: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for path in artefact.iterdir():
        store.write(f"{LAKE}/artifacts/model/clay-v1.5/{path.name}", path.read_bytes())
    version = json.loads((artefact / "model.json").read_text())["model_version"]
    scenes = [scene(tmp_path, PASS_A), scene(tmp_path, PASS_B, paint_with=cloudy)]
    plan = make_plan(bbox(), scenes).model_copy(update={"model_version": version})
    work = {
        "extract": lambda: extract(spark, plan),
        "extract again": lambda: extract(spark, plan),
        "embed": lambda: embed(spark, plan),
        "embed again": lambda: embed(spark, plan),
        "publish": lambda: publish_run(spark, plan),
        "extract nothing": lambda: extract(spark, plan.model_copy(update={"work": "vectors"})),
    }
    counted = {name: jobs_of(spark, each) for name, each in work.items()}
    assert {name: number for name, number in counted.items() if number > MOST[name]} == {}, counted
    assert counted["extract"], "no job was counted"
