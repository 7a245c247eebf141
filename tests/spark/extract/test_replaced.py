"""A newer processing replaces chips, vectors and observations, whatever is killed or published in between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from spark.chips.tensor import decode
from spark.embedding.pending import without_vector
from spark.extraction.run import extract
from spark.lake import merge, names, publish
from spark.lake.append import Appender
from spark.lake.publish import Published
from spark.lake.scope import Scope
from spark.lake.tables import TABLES
from spark.reading.scene import read_cells
from spark.reading.strips import CellIndex
from spark.sentinel2.radiometry import harmonise
from tests.spark.extract.conftest import PlanMaker
from tests.spark.extract.imagery import coordinates
from tests.spark.extract.test_job import PASS_A, PASS_B, rows, scene
from tests.spark.extract.test_quarantine import columns
from tests.spark.lake.rows import frame, vector

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claylake.plan import Plan

pytestmark = pytest.mark.beside
CLOUDED = 1344
"""Row of the cell over which the newer processing sees a cloud."""


def reprocessed(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    before = coordinates(key, x, y)
    if key == "scl":
        return np.where(y >= CLOUDED * 128, np.uint8(9), before)
    return (before + 7).astype(np.uint16)


def embed(spark: SparkSession, plan: Plan) -> int:
    """A vector for each chip that the step embed would embed."""
    wanted = {row["id"] for row in without_vector(spark, Scope.of(plan)).missing.select("id").collect()}
    made = [vector(chip, plan.model_version) for chip in rows(spark, plan, "chips") if chip["id"] in wanted]
    return merge.insert_only(spark, plan, "embeddings", frame(spark, "embeddings", made)) if made else 0


def published(spark: SparkSession, plan: Plan) -> Published:
    done = publish.publish(spark, Scope.of(plan))
    assert done.embed_again == 0
    return done


def pairs(spark: SparkSession, plan: Plan) -> dict[str, tuple[str, str]]:
    """What a reader sees who joins main's chips and vectors as readers are to: id to digest and scene."""
    chips, vectors = (spark.table(names.main_table(plan, name)) for name in ("chips", "embeddings"))
    found = chips.join(vectors.select("id", "content_digest"), ["id", "content_digest"])
    taken = [(row["id"], row["content_digest"], row["scene_id"]) for row in found.collect()]
    assert len({key for key, *_ in taken}) == len(taken)
    return {key: (digest, source) for key, digest, source in taken}


def moves(spark: SparkSession, plan: Plan) -> dict[str, int]:
    """How often main of each table has become another snapshot."""
    return {name: spark.table(f"{names.main_table(plan, name)}.history").count() for name in TABLES}


def observed(spark: SparkSession, plan: Plan) -> dict[str, tuple[Any, ...]]:
    shown = ("outcome", "scene_id", "detail", "scenes_considered", "run_id")
    main = spark.table(names.main_table(plan, "observations")).where(f"`pass` = '{PASS_A}'")
    return {row["cell_id"]: tuple(row[name] for name in shown) for row in main.collect()}


def test_from_the_old_pixels_to_the_new_ones(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "PAUSE_S", 0.0)
    old, new = (
        scene(tmp_path, PASS_A, "_0", baseline="05.00"),
        scene(tmp_path, PASS_A, "_1", baseline="05.11", paint_with=reprocessed),
    )
    first = make_plan(columns(0, 0), [old], run_id="first")
    extract(spark, first)
    assert embed(spark, first) == 3
    published(spark, first)
    before = pairs(spark, first)
    clouded, *others = sorted(before, key=lambda key: f"_{CLOUDED}_" not in key)
    assert len(others) == 2

    keeping = extract(spark, make_plan(columns(0, 0), [new], run_id="keeping"))
    assert (keeping.chips, keeping.present, keeping.replaced) == (0, 3, 0)
    assert keeping.warnings == (
        "3 chips of baseline 05.00 or later have scenes of baseline 05.11 by now; the chips stay as they are",
    )

    # Killed when the old chips have made room; then the new scene cannot be read: what main has is restored.
    def die(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    killed = make_plan(columns(0, 0), [new], run_id="killed", on_reprocessed="replace")
    with monkeypatch.context() as patch:
        patch.setattr(Appender, "append", die)
        with pytest.raises(KeyboardInterrupt):
            extract(spark, killed)
    assert [chip["id"] for chip in rows(spark, killed, "chips")] == [clouded]
    band = Path(new.assets["swir22"].href)
    whole = band.read_bytes()
    band.write_bytes(b"not a file")
    unread = make_plan(columns(0, 0), [new], run_id="unread", on_reprocessed="replace")
    report = extract(spark, unread)
    assert (report.chips, report.present, report.replaced, report.failed) == (0, 3, 0, {})
    assert report.scene_status == {"partial": 1}, "it is read again by the next run"
    assert {chip["id"]: (chip["content_digest"], chip["scene_id"]) for chip in rows(spark, unread, "chips")} == before
    assert len(rows(spark, unread, "embeddings")) == 3
    assert pairs(spark, first) == before
    band.write_bytes(whole)

    plan = make_plan(columns(0, 0), [new], run_id="replacing", on_reprocessed="replace")
    report = extract(spark, plan)
    assert (report.candidates, report.chips, report.present, report.replaced) == (3, 2, 1, 2)
    assert "2 chips replace ones of an older baseline" in report.message
    assert [warning.partition("; ")[2] for warning in report.warnings] == [
        "the chips stay, because these scenes do not meet the thresholds there"
    ]
    assert embed(spark, plan) == 2

    # Another area is published before: the branch is rebuilt. Publishing is killed between chips and vectors.
    beside = make_plan(columns(1, 1), [scene(tmp_path, PASS_B)], run_id="beside")
    extract(spark, beside)
    embed(spark, beside)
    published(spark, beside)
    swap, counted = publish._swap, moves(spark, plan)

    def swap_and_die(*given: Any) -> Any:
        swap(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publish, "_swap", swap_and_die)
        with pytest.raises(KeyboardInterrupt):
            published(spark, plan)
    seen = {key: pair for key, pair in pairs(spark, plan).items() if PASS_A in key}
    assert seen == {clouded: before[clouded]}, "no pixels with the vector of others"
    done = published(spark, plan)
    assert {table.how for table in done.tables} <= {"rebuilt", "fast_forward", "unchanged"}
    assert moves(spark, plan) == {name: number + 1 for name, number in counted.items()}

    after = {key: pair for key, pair in pairs(spark, plan).items() if PASS_A in key}
    assert after.keys() == before.keys()
    assert after[clouded] == before[clouded]
    assert {after[key][1] for key in others} == {new.id}
    assert not {after[key][0] for key in others} & {digest for digest, _ in before.values()}
    assert spark.table(names.main_table(plan, "embeddings")).where(f"id LIKE '%{PASS_A}'").count() == 3
    cells = [CellIndex(col=156, row=row) for row in (1342, 1343)]
    expected = {f"32629_{part.index.col}_{part.index.row}_{PASS_A}": part.raw for part in read_cells(new, cells)}
    for chip in spark.table(names.main_table(plan, "chips")).collect():
        if chip["id"] in others:
            pixels = decode(bytes(chip["clay_tensor"]))
            np.testing.assert_array_equal(pixels, harmonise(expected[chip["id"]], chip["radiometry"]))
            assert chip["baseline"] == "05.11"
    both = [old.id, new.id]
    detail = f"replaces a chip of {old.id}, baseline 05.00"
    assert observed(spark, plan) == {
        key.removesuffix(f"_{PASS_A}"): ("chip", old.id, None, both, "first")
        if key == clouded
        else ("chip", new.id, detail, both, "replacing")
        for key in before
    }

    again = extract(spark, make_plan(columns(0, 0), [new, old], run_id="again", on_reprocessed="replace"))
    assert (again.chips, again.present, again.replaced) == (0, 3, 0)
