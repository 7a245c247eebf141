"""What pixels say of radiometry has memory: over rounds, over runs that share a branch, and over what is published."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pyproj import Transformer

from spark.extraction import quarantine
from spark.extraction.quarantine import published_verdicts
from spark.extraction.reading_log import ReadingLog
from spark.extraction.run import extract
from spark.lake import branches, names
from tests.spark.extract.conftest import PlanMaker
from tests.spark.extract.imagery import coordinates
from tests.spark.extract.test_job import PASS_A, bbox, cut, dark, pixels, rows, scene

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claylake.catalogue.scene import Scene
    from claylake.plan import Plan

pytestmark = [pytest.mark.slow, pytest.mark.beside]
VARIES = ("run_id", "created_at", "seconds", "bytes_read", "requests")


def columns(first: int, last: int) -> list[float]:
    """The bbox of some of the three columns of cells."""
    back = Transformer.from_crs(32629, 4326, always_xy=True)
    west, south = back.transform((156 + first) * 2560 + 200, 1342 * 2560 + 200)
    east, north = back.transform((157 + last) * 2560 - 200, 1345 * 2560 - 200)
    return [west, south, east, north]


def dark_from(first: int, last: int) -> Any:
    """Paints scenes that are too dark for their metadata in some columns of cells, and bright in the others."""

    def paint(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if key == "scl":
            return coordinates(key, x, y)
        column = x // pixels(key) - 156
        return np.where((first <= column) & (column <= last), dark(key, x, y), coordinates(key, x, y))

    return paint


def state(spark: SparkSession, plan: Plan) -> dict[str, list[dict[str, Any]]]:
    return {
        table: [{k: v for k, v in row.items() if k not in VARIES} for row in rows(spark, plan, table)]
        for table in ("chips", "observations")
    }


def check(spark: SparkSession, plan: Plan, lying: Scene, candidates: int) -> None:
    """The scene's chips beyond main's are as its pixels say; each (cell, pass) has one outcome; chips are observed."""
    chips, observed = rows(spark, plan, "chips"), rows(spark, plan, "observations")
    main = {row["id"] for row in spark.table(names.main_table(plan, "chips")).select("id").collect()}
    new = [chip for chip in chips if chip["scene_id"] == lying.id and chip["id"] not in main]
    assert {chip["radiometry"] for chip in new} <= {"as_published"}
    assert max(Counter(chip["id"] for chip in chips).values()) == 1
    assert len(observed) == candidates
    keys = {(row["cell_id"], row["pass"]) for row in observed}
    assert len(keys) == candidates
    of_chips = {(chip["cell_id"], chip["pass"], chip["scene_id"]) for chip in chips}
    assert {(row["cell_id"], row["pass"], row["scene_id"]) for row in observed if row["outcome"] == "chip"} == of_chips


def test_chips_of_a_round_before_pixels_decided_are_taken_back_and_read_again(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In the first round the lying scene gives the column that the first one lacks, in the second what that one failed.
    first = scene(tmp_path, PASS_A, "_0", paint_with=cut, baseline="05.11")
    Path(first.assets["swir22"].href).write_bytes(b"not a file")
    lying = scene(tmp_path, PASS_A, "_1", paint_with=dark_from(1, 2), baseline="05.10")
    plan = make_plan(bbox(), [first, lying], run_id="undisturbed")
    report = extract(spark, plan)
    assert (report.candidates, report.chips, report.present) == (9, 9, 0)
    assert report.scene_status == {"done": 2}
    assert "3 chips of another radiometry were taken back" in report.message
    assert [warning.split(":")[0] for warning in report.warnings] == [f"scene {lying.id}"]
    check(spark, plan, lying, 9)
    calm = state(spark, plan)
    assert {(chip["scene_id"], chip["radiometry"]) for chip in calm["chips"]} == {(lying.id, "as_published")}
    assert {tuple(row["scenes_considered"]) for row in calm["observations"]} == {(first.id, lying.id)}
    verdict = next(row for row in rows(spark, plan, "scenes") if row["scene_id"] == lying.id)
    assert verdict["radiometry"] == "as_published"
    evidence = json.loads(verdict["evidence"])
    assert (evidence["rule"], evidence["contradiction"]) == ("pixels", True)
    branches.drop(spark, plan)

    # A run is killed when it has read what decides, and has chips of the wrong radiometry on the branch.
    killed = make_plan(bbox(), [first, lying], run_id="killed")
    adding, calls = ReadingLog.add, []

    def die_at_second(log: ReadingLog, *given: Any) -> None:
        adding(log, *given)
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(ReadingLog, "add", die_at_second)
    with pytest.raises(KeyboardInterrupt):
        extract(spark, killed)
    monkeypatch.setattr(ReadingLog, "add", adding)
    left = [(chip["scene_id"], chip["radiometry"]) for chip in rows(spark, killed, "chips")]
    assert left == [(lying.id, "minus_1000")] * 3

    # The next run adopts the branch, takes back, is killed before anything else, and runs again.
    adopting = make_plan(bbox(), [first, lying], run_id="adopting")
    assert adopting.branch == killed.branch
    taking = quarantine.take_back

    def die_after(*given: Any) -> Any:
        taking(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(quarantine, "take_back", die_after)
    with pytest.raises(KeyboardInterrupt):
        extract(spark, adopting)
    monkeypatch.setattr(quarantine, "take_back", taking)
    assert rows(spark, adopting, "chips") == []
    report = extract(spark, adopting)
    assert (report.candidates, report.chips, report.present) == (9, 9, 0)
    assert report.scene_status == {"done": 2}
    check(spark, adopting, lying, 9)
    assert state(spark, adopting) == calm


def test_doubt_is_remembered_and_a_person_may_end_it(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubted = scene(tmp_path, PASS_A, "_1", baseline="05.10", boa_offset_applied=True)
    spare = scene(tmp_path, PASS_A, "_2", baseline="05.00")
    west = make_plan(columns(0, 0), [doubted, spare], run_id="west")
    report = extract(spark, west)
    assert (report.chips, report.scene_status) == (3, {"done": 1, "quarantined": 1})
    assert {chip["scene_id"] for chip in rows(spark, west, "chips")} == {spare.id}
    publish(spark, west)

    read = []
    adding = ReadingLog.add
    monkeypatch.setattr(
        ReadingLog, "add", lambda log, cells, given: read.append(set(cells)) or adding(log, cells, given)
    )
    both = make_plan(columns(0, 1), [doubted, spare], run_id="both")
    report = extract(spark, both)
    assert (report.chips, report.present, report.scene_status) == (3, 3, {"done": 1, "quarantined": 1})
    assert read == [{spare.id}], "what is in doubt is not read again"
    publish(spark, both)

    known = make_plan(columns(0, 2), [doubted, spare], run_id="known", radiometry={doubted.id: "minus_1000"})
    report = extract(spark, known)
    assert (report.chips, report.present, report.scene_status) == (3, 6, {"done": 2})
    assert report.warnings == (
        "6 chips of baseline 05.00 or later have scenes of baseline 05.10 by now; the chips stay as they are",
    )
    chips = [chip for chip in rows(spark, known, "chips") if chip["run_id"] == "known"]
    assert {(chip["scene_id"], chip["radiometry"]) for chip in chips} == {(doubted.id, "minus_1000")}
    row = next(row for row in rows(spark, known, "scenes") if (row["run_id"], row["scene_id"]) == ("known", doubted.id))
    assert json.loads(row["evidence"])["rule"] == f"set for {doubted.id}"

    # Set otherwise before anything is published: what the branch has is taken back and read again.
    otherwise = make_plan(
        columns(0, 2), [doubted, spare], run_id="other", radiometry={doubted.collection: "as_published"}
    )
    assert otherwise.branch == known.branch
    report = extract(spark, otherwise)
    assert "3 chips of another radiometry were taken back" in report.message
    chips = [chip for chip in rows(spark, otherwise, "chips") if chip["run_id"] == "other"]
    assert {(chip["scene_id"], chip["radiometry"]) for chip in chips} == {(doubted.id, "as_published")}
    assert len(chips) == 3


def test_a_published_verdict_holds_until_the_scene_is_reprocessed(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lying = scene(tmp_path, PASS_A, "_1", paint_with=dark_from(1, 1), baseline="05.10")
    spare = scene(tmp_path, PASS_A, "_2", baseline="05.00")
    west = make_plan(columns(0, 0), [lying, spare], run_id="west")
    assert extract(spark, west).chips == 3
    publish(spark, west)

    both = make_plan(columns(0, 1), [lying, spare], run_id="both")
    with caplog.at_level(logging.WARNING, logger="spark.extraction.quarantine"):
        report = extract(spark, both)
    assert (report.candidates, report.chips, report.present) == (6, 3, 3)
    assert "3 chips of these scenes are published, and stay: 32629_156_1342" in caplog.text
    assert Counter((chip["scene_id"], chip["radiometry"]) for chip in rows(spark, both, "chips")) == {
        (lying.id, "as_published"): 3,
        (lying.id, "minus_1000"): 3,
    }
    check(spark, both, lying, 6)
    publish(spark, both)

    # Its pixels are bright in this column: only the verdict speaks for them.
    east = make_plan(columns(2, 2), [lying, spare], run_id="east")
    report = extract(spark, east)
    assert report.scene_status == {"done": 2}
    chips = [chip for chip in rows(spark, east, "chips") if chip["run_id"] == "east"]
    assert [(chip["scene_id"], chip["radiometry"]) for chip in chips] == [(lying.id, "as_published")] * 3
    check(spark, east, lying, 9)
    row = next(row for row in rows(spark, east, "scenes") if row["run_id"] == "east" and row["scene_id"] == lying.id)
    assert json.loads(row["evidence"])["contradiction"] is True
    assert (row["failures"], row["chips"]) == ({}, 3)

    assert set(published_verdicts(spark, east, [lying, spare])) == {lying.id}
    other_rule = lying.model_copy(update={"collection": "sentinel-2-l2a", "boa_offset_applied": True})
    assert published_verdicts(spark, east, [other_rule, spare]) == {}
    reprocessed = lying.model_copy(update={"updated": "2025-01-01T00:00:00Z"})
    assert published_verdicts(spark, east, [reprocessed, spare]) == {}


def publish(spark: SparkSession, plan: Plan) -> None:
    for table, head in branches.heads(spark, plan).items():
        assert branches.fast_forward(spark, names.main_table(plan, table), head)
    branches.drop(spark, plan)
