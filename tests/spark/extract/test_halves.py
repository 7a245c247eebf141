"""Two halves of one tile-date complete a cell on their seam; whatever differs in their processing keeps them apart."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from claylake.vocabulary import BANDS_10M
from spark.chips.tensor import decode, digest
from spark.extraction import batches
from spark.extraction.observing import OBSERVED
from spark.extraction.run import extract
from spark.extraction.seams import of_halves
from spark.lake import branches
from spark.reading.scene import read_cells
from spark.sentinel2.radiometry import harmonise
from spark.sentinel2.scl import measures_of
from tests.spark.extract.imagery import coordinates
from tests.spark.extract.test_job import CELLS, PASS_A, PASS_B, PASS_C, PASS_D, bbox, dark, rows, scene
from tests.spark.extract.test_verify import named, publish, replace, spoilt_pixel, verify

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claylake.catalogue.scene import Scene
    from claylake.plan import Plan
    from tests.spark.extract.conftest import PlanMaker

pytestmark = pytest.mark.slow
SEAM_COL = 157
"""Column of the cells that the seam runs through."""
VARIES = ("run_id", "created_at")


def seam(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pixels at 20 m from an oblique line in the middle column of cells, eastwards."""
    fine = 2 if key in BANDS_10M else 1
    return x // fine - (SEAM_COL * 128 + 40) - (y // fine - 1342 * 128) // 16


def western(key: str, x: np.ndarray, y: np.ndarray, paint: Any = coordinates) -> np.ndarray:
    """Data west of the seam."""
    pixels = paint(key, x, y)
    return np.where(seam(key, x, y) < 0, pixels, 0).astype(pixels.dtype)


def eastern(key: str, x: np.ndarray, y: np.ndarray, paint: Any = coordinates) -> np.ndarray:
    """Other data, east of the seam and some pixels west of it, where both have data."""
    pixels = paint(key, x, y) + (0 if key == "scl" else 7)
    return np.where(seam(key, x, y) >= -4, pixels, 0).astype(pixels.dtype)


def of_cloud(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.full_like(coordinates(key, x, y), 9) if key == "scl" else coordinates(key, x, y)


def halves(folder: Path, pass_id: str, first: dict[str, Any] | None = None, **second: Any) -> tuple[Scene, Scene]:
    """The western half, which has the lower id, and the eastern one."""
    return (
        scene(folder, pass_id, "_0", **({"paint_with": western} | (first or {}))),
        scene(folder, pass_id, "_1", **({"paint_with": eastern} | second)),
    )


def expected(first: Scene, second: Scene, radiometry: str) -> dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]:
    """Pixels and SCL of the cells by both halves, each harmonised on its own, pixel by pixel."""
    found = {}
    whole = [list(read_cells(one, CELLS, may_be_empty=True)) for one in (first, second)]
    for one, other in zip(*whole, strict=True):
        pixels, scl = harmonise(other.raw, radiometry), other.scl.copy()
        scl[one.scl != 0] = one.scl[one.scl != 0]
        mask = np.kron(one.scl != 0, np.ones((2, 2), bool))
        pixels[:, mask] = harmonise(one.raw, radiometry)[:, mask]
        found[one.index.col, one.index.row] = pixels, scl
    return found


def state(spark: SparkSession, plan: Plan) -> dict[str, list[dict[str, Any]]]:
    return {
        table: [{k: v for k, v in row.items() if k not in VARIES} for row in rows(spark, plan, table)]
        for table in ("chips", "observations")
    }


def scenes_of(made: list[dict[str, Any]]) -> set[tuple[int, str, str | None]]:
    return {(int(row["cell_id"].split("_")[1]), row["scene_id"], row["second_scene_id"]) for row in made}


@pytest.mark.beside
def test_halves_complete_the_cells_of_their_seam_and_verify_says_so(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path
) -> None:
    first, second = halves(tmp_path, PASS_A)
    other_baseline = halves(tmp_path, PASS_B, baseline="05.10")
    flagged = {"collection": "sentinel-2-l2a", "baseline": "05.11"}
    other_offset = halves(tmp_path, PASS_C, flagged, **flagged, boa_offset_applied=True)
    clouded = halves(tmp_path, PASS_D, paint_with=lambda *given: eastern(*given, of_cloud))
    plan = make_plan(bbox(), [*other_offset, second, *clouded, first, *other_baseline], run_id="halves")
    report = extract(spark, plan)
    assert (report.candidates, report.chips, report.failed) == (36, 9 + 6 + 6 + 3, {})
    assert report.rejected == {"nodata": 6, "cloud": 6}
    assert report.scene_status == {"done": 8}

    chips, observed = (rows(spark, plan, table) for table in ("chips", "observations"))
    of_a = [chip for chip in chips if chip["pass"] == PASS_A]
    assert scenes_of(of_a) == {(156, first.id, None), (157, first.id, second.id), (158, second.id, None)}
    pixels_of = expected(first, second, "minus_1000")
    for chip in of_a:
        pixels, scl = pixels_of[chip["col"], chip["row"]]
        np.testing.assert_array_equal(decode(bytes(chip["clay_tensor"])), pixels)
        assert chip["content_digest"] == digest(pixels)
        assert chip["datetime"].astimezone() == first.datetime
        shown = measures_of(scl[None])[0].columns()
        assert {name: chip[name] for name in shown} == pytest.approx(shown)
        assert chip["nodata_frac"] == 0
    assert {chip["second_scene_id"] for chip in chips if chip["pass"] != PASS_A} == {None}
    looks = [row for row in observed if row["pass"] == PASS_A]
    assert scenes_of(looks) == scenes_of(of_a)
    assert {tuple(row["scenes_considered"]) for row in looks} == {(first.id, second.id)}
    cloudy = {
        row["second_scene_id"] for row in observed if row["outcome"] == "rejected:cloud" and "_157_" in row["cell_id"]
    }
    assert cloudy == {clouded[1].id}, "of both together, which are whole"
    assert {row["second_scene_id"] for row in observed if row["outcome"] == "rejected:nodata"} == {None}
    of_scenes = {row["scene_id"]: row for row in rows(spark, plan, "scenes")}
    assert [of_scenes[one.id]["chips"] for one in (first, second)] == [6, 3]
    # Pixels of the seam count for the half that they are of: 6 columns are whole, of the others each has its part.
    clear = [json.loads(of_scenes[one.id]["evidence"])["clear_pixels"] for one in (first, second)]
    parts = [
        sum(int(np.count_nonzero(part.raw.any(axis=0))) for part in read_cells(one, CELLS, may_be_empty=True))
        for one in (first, second)
    ]
    assert clear == parts

    publish(spark, plan)
    check, said = verify(plan)
    assert check.tally.good, said
    (joined,) = (chip for chip in of_a if (chip["col"], chip["row"]) == (157, 1343))
    (other,) = (chip for chip in of_a if (chip["col"], chip["row"]) == (157, 1344))
    replace(spark, plan, [joined | spoilt_pixel(joined), other | {"second_scene_id": None}])
    _, said = verify(plan)
    assert named(said) == {(joined["id"], "pixels"), (other["id"], "pixels"), (other["id"], "fractions")}


@pytest.mark.beside
def test_order_batches_and_runs_do_not_matter(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = halves(tmp_path, PASS_A)
    at_once = make_plan(bbox(), [second, first], run_id="at_once")
    extract(spark, at_once)
    wanted = state(spark, at_once)
    assert len(wanted["chips"]) == 9
    branches.drop(spark, at_once)

    # A batch of each scene, and the half that is read for the other's batch comes in a run of its own before.
    monkeypatch.setattr(batches, "BYTES_PER_SLOT", batches.CHIP_BYTES)
    before = make_plan(bbox(), [second], run_id="before")
    assert extract(spark, before).chips == 3
    publish(spark, before)
    after = make_plan(bbox(), [second.model_copy(update={"settled": True}), first], run_id="after")
    report = extract(spark, after)
    assert (report.candidates, report.chips, report.present, report.scene_status) == (9, 6, 3, {"done": 2})
    assert state(spark, after) == wanted


@pytest.mark.beside
def test_what_pixels_say_of_a_half_takes_back_what_both_gave(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dark_in_the_east(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        of_cell = 256 if key in BANDS_10M else 128
        lighter, darker = eastern(key, x, y), eastern(key, x, y, dark)
        return np.where(x >= 158 * of_cell, darker, lighter).astype(lighter.dtype)

    of_l2a = {"collection": "sentinel-2-l2a", "baseline": "05.11"}
    first, lying = halves(tmp_path, PASS_A, of_l2a, **of_l2a, paint_with=dark_in_the_east)
    # Chips of the seam are committed with the first half's, before the other's pixels decide.
    monkeypatch.setattr(batches, "BYTES_PER_SLOT", batches.CHIP_BYTES)
    plan = make_plan(bbox(), [first, lying], run_id="lying")
    report = extract(spark, plan)
    assert "3 chips of another radiometry were taken back" in report.message
    assert report.rejected == {"nodata": 3}
    chips = rows(spark, plan, "chips")
    assert scenes_of(chips) == {(156, first.id, None), (158, lying.id, None)}
    assert {chip["radiometry"] for chip in chips if chip["scene_id"] == lying.id} == {"as_published"}
    assert {(row["outcome"], row["second_scene_id"]) for row in rows(spark, plan, "observations")} == {
        ("chip", None),
        ("rejected:nodata", None),
    }


def test_which_cells_are_observed_in_both_halves(spark: SparkSession) -> None:
    """By every two of these observations; a seam is neither the edge of a swath nor what one half makes whole."""
    shown = [(None, share) for share in (0.0, 0.05, 0.051, 0.3, 0.75, 0.78, 1.0)] + [("x", None), ("x", 0.3)]
    names = (
        "cell_id",
        "pass",
        "scene_id",
        "second_scene_id",
        "preference",
        "baseline",
        "problem",
        "detail",
        "nodata_frac",
    )
    columns = OBSERVED.only(*names)
    made, wanted = [], {}
    for number, (one, other) in enumerate(itertools.product(shown, shown)):
        for scene_id, (problem, share) in (("a", one), ("b", other), ("c", (None, 0.0))):
            values = (f"cell{number}", PASS_A, scene_id, None, 0, "05.11", problem, problem, share)
            made.append(dict(zip(names, values, strict=True)))
        known = [share for problem, share in (one, other) if problem is None]
        whole = any(share <= 0.05 for share in known)
        if len(known) == 2 and not whole and sum(known) - 1 <= 0.05:
            wanted[f"cell{number}"] = None
        elif len(known) == 1 and not whole and known[0] < 1:
            wanted[f"cell{number}"] = "x"
    pairs = spark.createDataFrame([("a", "b"), ("d", "e")], "scene_id string, second_scene_id string")
    found = of_halves(columns.frame(spark, made), pairs, 0.05).collect()
    assert {row["cell_id"]: row["problem"] for row in found} == wanted
    assert len(found) == len(wanted)
    assert {(row["scene_id"], row["second_scene_id"]) for row in found} == {("a", "b")}


@pytest.mark.beside
def test_a_half_that_cannot_be_read_leaves_both_to_be_done_again(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path
) -> None:
    """Whether that is found out when cells are observed, or when bands are read."""
    broken = {"scl": halves(tmp_path, PASS_A), "swir22": halves(tmp_path, PASS_B)}
    files = [Path(second.assets[key].href) for key, (_, second) in broken.items()]
    kept = [path.read_bytes() for path in files]
    for path in files:
        path.write_bytes(b"not a file")
    plan = make_plan(bbox(), [scene for pair in broken.values() for scene in pair], run_id="broken")
    report = extract(spark, plan)
    assert (report.chips, report.scene_status) == (6, {"partial": 4})
    failures = {row["scene_id"]: row["failures"] for row in rows(spark, plan, "scenes")}
    assert failures == {
        broken["scl"][0].id: {"unreadable": 3},
        broken["scl"][1].id: {"unreadable": 6},
        broken["swir22"][0].id: {"unreadable": 3},
        broken["swir22"][1].id: {"unreadable": 3 + 3},
    }
    for path, data in zip(files, kept, strict=True):
        path.write_bytes(data)
    report = extract(spark, plan)
    assert (report.present, report.chips, report.scene_status) == (6, 12, {"done": 4})
