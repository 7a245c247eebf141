"""The whole step on generated scenes, against the local stand-in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
import pytest
from pyproj import Transformer

from claylake import store
from claylake.area.cells import write_parquet
from claylake.area.grid import Cell
from claylake.area.new_cells import NEW
from claylake.catalogue.scene import Scene
from claylake.plan import CELLS as CELLS_FILE
from claylake.plan import Plan
from claylake.run.reports import ExtractReport
from claylake.vocabulary import BANDS_10M
from spark.chips.tensor import decode, digest
from spark.extraction import batches
from spark.extraction.run import extract
from spark.lake.append import Appender
from spark.lake.names import branch_table
from spark.lake.scope import read_cells_table
from spark.lake.tables import TABLES
from spark.reading.scene import read_cells
from spark.reading.strips import CellIndex
from spark.sentinel2.radiometry import decide_radiometry, harmonise
from tests.spark.extract.conftest import LAKE, PlanMaker
from tests.spark.extract.imagery import Sheet, coordinates, paint

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.slow

# 3 x 3 cells, and a scene that holds them.
SHEET = Sheet(west=156 * 2560 - 300, north=1345 * 2560 + 300, side=3 * 2560 + 600)
CELLS = [CellIndex(col=156 + x, row=1342 + y) for x in range(3) for y in range(3)]
PASS_A, PASS_B, PASS_C, PASS_D = (
    "S2A_20200204T112111",
    "S2B_20200209T112109",
    "S2A_20200219T112111",
    "S2B_20200224T112109",
)


def bbox() -> list[float]:
    back = Transformer.from_crs(32629, 4326, always_xy=True)
    west, south = back.transform(156 * 2560 + 200, 1342 * 2560 + 200)
    east, north = back.transform(159 * 2560 - 200, 1345 * 2560 - 200)
    return [west, south, east, north]


def scene(folder: Path, pass_id: str, name: str = "", paint_with: Any = coordinates, **fields: Any) -> Scene:
    moment = datetime.strptime(pass_id[4:], "%Y%m%dT%H%M%S").replace(tzinfo=UTC, minute=30)
    known = {"id": f"{pass_id}{name}", "pass_id": pass_id, "datetime": moment}
    return paint(folder, SHEET, paint_with, **(known | fields))


def cloudy(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Cloud over the western column of cells."""
    return (
        np.where(x < 157 * 128, 9, 4).astype(np.uint8) + np.uint8(0) * y.astype(np.uint8)
        if key == "scl"
        else coordinates(key, x, y)
    )


def cut(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The edge of a swath: no data in the western column of cells."""
    return np.where(x < 157 * (128 if key == "scl" else pixels(key)), 0, coordinates(key, x, y)).astype(
        np.uint8 if key == "scl" else np.uint16
    )


def pixels(key: str) -> int:
    """Of a cell's side in a band."""
    return 256 if key in BANDS_10M else 128


def dark(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Too dark to carry an offset."""
    return coordinates(key, x, y) if key == "scl" else np.minimum(coordinates(key, x, y), 500)


def rows(spark: SparkSession, plan: Plan, table: str) -> list[dict[str, Any]]:
    key = TABLES[table].key
    return [row.asDict() for row in spark.table(branch_table(plan, table)).orderBy(*key).collect()]


def snapshots(spark: SparkSession, plan: Plan) -> dict[str, int]:
    return {name: spark.table(f"lake.{plan.database}.{name}.snapshots").count() for name in TABLES}


def test_chips_observations_scenes_and_report(spark: SparkSession, make_plan: PlanMaker, tmp_path: Path) -> None:
    clear, cloud = scene(tmp_path, PASS_A), scene(tmp_path, PASS_B, paint_with=cloudy)
    plan = make_plan(bbox(), [clear, cloud])
    report = extract(spark, plan)
    assert (report.candidates, report.chips, report.present) == (18, 15, 0)
    assert report.rejected == {"cloud": 3}
    assert report.failed == {}
    assert report.scene_status == {"done": 2}
    chips = rows(spark, plan, "chips")
    assert len(chips) == 15
    expected = {part.index: part for part in read_cells(clear, CELLS)}
    for chip in chips:
        if chip["pass"] != PASS_A:
            continue
        place = CellIndex(col=chip["col"], row=chip["row"])
        pixels = decode(bytes(chip["clay_tensor"]))
        np.testing.assert_array_equal(pixels, harmonise(expected[place].raw, decide_radiometry(clear).radiometry))
        assert chip["content_digest"] == digest(pixels)
        assert chip["id"] == f"{Cell(epsg=32629, col=place.col, row=place.row).id}_{PASS_A}"
        assert chip["radiometry"] == "minus_1000"
        assert chip["clear_frac"] == 1.0
        assert chip["run_id"] == "manual__1"
        assert bytes(chip["geotiff"]).startswith(b"II*\0")
    stamps = (
        spark.table(branch_table(plan, "chips"))
        .selectExpr("unix_micros(datetime) AS t", "scene_id")
        .distinct()
        .collect()
    )
    assert {row["scene_id"]: row["t"] for row in stamps} == {
        s.id: int(s.datetime.timestamp() * 1_000_000) for s in (clear, cloud)
    }
    observed = rows(spark, plan, "observations")
    assert len(observed) == 18
    assert sorted({row["outcome"] for row in observed}) == ["chip", "rejected:cloud"]
    assert all(row["scenes_considered"] == [row["scene_id"]] for row in observed)
    rejected = [row for row in observed if row["outcome"] != "chip"]
    assert {(row["cloud_frac"], row["clear_frac"], row["scl_mean"]) for row in rejected} == {(1.0, 0.0, 9.0)}
    by_scene = {row["scene_id"]: row for row in rows(spark, plan, "scenes")}
    assert by_scene[clear.id]["candidates"] == 9
    assert by_scene[clear.id]["chips"] == 9
    assert by_scene[cloud.id]["rejections"] == {"cloud": 3}
    evidence = json.loads(by_scene[clear.id]["evidence"])
    assert evidence["clear_pixels"] == 9 * 256 * 256
    assert evidence["contradiction"] is False

    before = snapshots(spark, plan)
    again = extract(spark, plan)
    assert (again.candidates, again.chips, again.present, again.rejected) == (18, 0, 15, {"cloud": 3})
    assert snapshots(spark, plan) == before, "a run done again writes nothing"
    assert again.warnings == ()

    # Later the catalogue has the clear scene in a newer processing, and the cloudy one in the same.
    newer = clear.model_copy(update={"id": f"{PASS_A}_1", "baseline": "05.11"})
    same = cloud.model_copy(update={"id": f"{PASS_B}_1"})
    later = extract(spark, make_plan(bbox(), [newer, same], run_id="manual__2"))
    assert (later.chips, later.present) == (0, 15)
    assert later.warnings == (
        "9 chips of baseline 05.00 or later have scenes of baseline 05.11 by now; the chips stay as they are",
    )
    assert {chip["scene_id"] for chip in rows(spark, plan, "chips")} == {clear.id, cloud.id}


def test_a_scene_settled_by_another_ownership_rule_is_observed_in_new_cells_alone(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path
) -> None:
    """What an AOI's month costs that moved on: a plan marks cells and scenes, as `claylake.run.ownership` does."""
    settled = scene(tmp_path, PASS_A).model_copy(update={"only_new_cells": True})
    plan = make_plan(bbox(), [settled, scene(tmp_path, PASS_B)])
    cells = read_cells_table(plan)
    new = pc.equal(cells["col"], 158)
    with store.writing(plan.uri(CELLS_FILE)) as sink:
        write_parquet(cells.append_column(NEW, new), sink)
    report = extract(spark, plan)
    assert (report.candidates, report.chips) == (3 + 9, 3 + 9)
    assert {row["scene_id"]: (row["candidates"], row["status"]) for row in rows(spark, plan, "scenes")} == {
        PASS_A: (3, "done"),
        PASS_B: (9, "done"),
    }
    observed = {row["cell_id"] for row in rows(spark, plan, "observations") if row["pass"] == PASS_A}
    assert observed == set(cells["cell_id"].filter(new).to_pylist())


def test_failures_fall_back_pixels_correct_metadata_and_doubt_is_quarantined(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path
) -> None:
    broken = scene(tmp_path, PASS_A, "_0")
    Path(broken.assets["swir22"].href).write_bytes(b"not a file")
    spare = scene(tmp_path, PASS_A, "_1", collection="sentinel-2-l2a", baseline="02.14")
    lying = scene(tmp_path, PASS_B, paint_with=dark)
    alone = scene(tmp_path, PASS_C)
    alone = alone.model_copy(update={"assets": {k: v for k, v in alone.assets.items() if k != "red"}})
    sketch = scene(tmp_path, PASS_C, "_bad", footprint={"type": "Polygon", "coordinates": []})
    doubted = scene(tmp_path, PASS_D, boa_offset_applied=True)
    plan = make_plan(bbox(), [broken, spare, lying, alone, sketch, doubted])
    report = extract(spark, plan)
    assert report.candidates == 36
    assert report.chips == 18
    assert report.failed == {"radiometry": 9, "missing_asset": 9}
    assert report.scene_status == {"done": 3, "quarantined": 1, "failed": 2}
    assert [warning.split(":")[0] for warning in report.warnings] == [
        f"scene {lying.id}",
        f"scene {doubted.id} is quarantined",
    ]
    assert "100.00% of 589824 clear pixels are below 1000" in report.warnings[0]
    assert "Set catalogue.radiometry for the scene to use it" in report.warnings[1]
    chips = rows(spark, plan, "chips")
    assert {(chip["scene_id"], chip["radiometry"]) for chip in chips} == {
        (spare.id, "as_published"),
        (lying.id, "as_published"),
    }
    raw = {part.index: part.raw for part in read_cells(lying, CELLS)}
    for chip in chips:
        if chip["scene_id"] == lying.id:
            np.testing.assert_array_equal(
                decode(bytes(chip["clay_tensor"])), raw[CellIndex(col=chip["col"], row=chip["row"])]
            )
    observed = rows(spark, plan, "observations")
    assert {row["scene_id"] for row in observed if row["pass"] == PASS_A} == {spare.id}
    assert {tuple(row["scenes_considered"]) for row in observed if row["pass"] == PASS_A} == {(broken.id, spare.id)}
    assert {row["outcome"] for row in observed if row["pass"] == PASS_B} == {"chip"}
    assert {row["outcome"] for row in observed if row["pass"] == PASS_D} == {"failed:radiometry"}
    assert all("c1 keeps the offset, and the flag" in row["detail"] for row in observed if row["pass"] == PASS_D)
    by_scene = {row["scene_id"]: row for row in rows(spark, plan, "scenes")}
    assert by_scene[broken.id]["status"] == "done", "another scene gave its cells"
    assert by_scene[alone.id]["failures"] == {"missing_asset": 9}
    assert by_scene[sketch.id]["failures"] == {"footprint": 1}
    evidence = json.loads(by_scene[lying.id]["evidence"])
    assert (evidence["contradiction"], evidence["rule"], evidence["metadata_rule"]) == (
        True,
        "pixels",
        "c1 keeps the offset",
    )
    assert by_scene[lying.id]["radiometry"] == "as_published"
    assert by_scene[doubted.id]["status"] == "quarantined"


def test_a_scene_that_failed_where_another_shows_less_is_not_settled(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path
) -> None:
    edge, lost = scene(tmp_path, PASS_A, "_0", paint_with=cut), scene(tmp_path, PASS_A, "_1")
    whole = Path(lost.assets["scl"].href).read_bytes()
    Path(lost.assets["scl"].href).write_bytes(b"not a file")
    plan = make_plan(bbox(), [edge, lost])
    report = extract(spark, plan)
    assert (report.candidates, report.chips, report.rejected, report.failed) == (9, 6, {"nodata": 3}, {})
    assert report.scene_status == {"done": 1, "partial": 1}
    row = next(row for row in rows(spark, plan, "scenes") if row["scene_id"] == lost.id)
    assert (row["chips"], row["rejections"], row["failures"]) == (0, {}, {"unreadable": 3})
    before = {row["cell_id"]: row for row in rows(spark, plan, "observations")}
    assert all(row["scenes_considered"] == [edge.id, lost.id] for row in before.values())

    # What a later plan leaves to do: the scene that is not done, and by now it can be read.
    Path(lost.assets["scl"].href).write_bytes(whole)
    later = extract(spark, make_plan(bbox(), [lost], run_id="manual__2"))
    assert (later.candidates, later.chips, later.present) == (9, 3, 6)
    assert later.scene_status == {"done": 1}
    after = {row["cell_id"]: row for row in rows(spark, plan, "observations")}
    assert {row["outcome"] for row in after.values()} == {"chip"}
    assert all(row["scenes_considered"] == [edge.id, lost.id] for row in after.values())
    changed = {cell for cell, row in after.items() if row != before[cell]}
    assert changed == {cell for cell, row in before.items() if row["outcome"] != "chip"}


@pytest.mark.parametrize("committed", [True, False])
def test_killed_before_or_after_a_commit_and_run_again(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    scenes = [scene(tmp_path, PASS_A), scene(tmp_path, PASS_B), scene(tmp_path, PASS_C)]
    undisturbed = make_plan(bbox(), scenes, run_id="undisturbed", passes_per_month=2)
    extract(spark, undisturbed)
    calm = {name: rows(spark, undisturbed, name) for name in ("chips", "observations", "scenes")}
    for name in calm:
        spark.sql(f"ALTER TABLE lake.{undisturbed.database}.{name} DROP BRANCH {undisturbed.branch}")

    plan = make_plan(bbox(), scenes, run_id="undisturbed", passes_per_month=2)
    folder = f"{LAKE}/tables/{plan.database}.db/chips/data/{plan.branch}"
    before_it, original = set(store.sizes(folder)), Appender.append
    # A scene a batch: while one is committed, the next is read.
    monkeypatch.setattr(batches, "BYTES_PER_SLOT", 1)

    def die(self: Appender, files: Any, batch: str) -> Any:
        if not committed:
            raise KeyboardInterrupt
        original(self, files, batch)
        raise KeyboardInterrupt

    monkeypatch.setattr(Appender, "append", die)
    with pytest.raises(KeyboardInterrupt):
        extract(spark, plan)
    assert len(rows(spark, plan, "chips")) == (9 if committed else 0)
    monkeypatch.setattr(Appender, "append", original)
    report = extract(spark, plan)
    before = 9 if committed else 0
    assert (report.chips, report.present) == (18 - before, before)
    assert report.rejected == {"not_among_clearest": 9}
    for name, wanted in calm.items():
        varying = {"created_at", "seconds", "bytes_read", "requests"}
        got = [{k: v for k, v in row.items() if k not in varying} for row in rows(spark, plan, name)]
        assert got == [{k: v for k, v in row.items() if k not in varying} for row in wanted], name
    # Beyond that: files of a batch whose commit did not answer, or of a task that was ended and wrote on.
    head = spark.table(branch_table(plan, "chips"))
    known = {row["_file"] for row in head.select("_file").distinct().collect()}
    stored = set(store.sizes(folder)) - before_it
    assert known <= stored
    assert len(stored - known) <= 1 + (not committed)


def test_nothing_to_read(spark: SparkSession, make_plan: PlanMaker) -> None:
    plan = make_plan(bbox(), [], work="vectors")
    report = extract(spark, plan)
    assert report.candidates == 0
    assert "vectors" in report.message
    report.save(plan)
    assert ExtractReport.load(plan) == report
    empty = extract(spark, make_plan(bbox(), []))
    assert (empty.candidates, empty.scenes) == (0, 0)
