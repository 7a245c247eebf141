"""`make verify` on chips that the extract step made: right ones pass, and every planted fault is named, with its chip alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.verify.__main__ import DIFFERS, IMPOSSIBLE, main
from infra.verify.check import Check
from infra.verify.errors import VerifyError
from infra.verify.lake import Lake
from spark.chips import tensor as codec
from spark.extraction.run import extract
from spark.lake.tables import TABLES
from tests.spark.extract.conftest import LAKE, PlanMaker
from tests.spark.extract.test_job import PASS_A, PASS_B, bbox, rows, scene

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claylake.plan import Plan

pytestmark = pytest.mark.slow


def publish(spark: SparkSession, plan: Plan) -> None:
    """What publication does last, without the audits."""
    for table in ("chips", "observations", "scenes"):
        spark.sql(f"CALL lake.system.fast_forward('{plan.database}.{table}', 'main', '{plan.branch}')").collect()


def verify(plan: Plan, sample: int | None = None, seed: int = 1) -> tuple[Check, list[str]]:
    said: list[str] = []
    deployed = {"region": "us-west-2", "lake": LAKE, "database": plan.database}
    check = Check(lake=Lake.of_deployment({"deployed": deployed}), sample=sample, seed=seed, say=said.append)
    check.run()
    return check, said


def named(said: list[str]) -> set[tuple[str, str]]:
    """(chip, kind) of each finding."""
    return {tuple(line.split(": ", 2)[:2]) for line in said[1:-1] if ": warning: " not in line}


def replace(spark: SparkSession, plan: Plan, made: list[dict[str, Any]]) -> None:
    """Rows in place of those with their ids."""
    ids = ", ".join(f"'{row['id']}'" for row in made)
    spark.sql(f"DELETE FROM lake.{plan.database}.chips WHERE id IN ({ids})")
    frame = TABLES["chips"].columns.frame(spark, made)
    frame.writeTo(f"lake.{plan.database}.chips").append()


def spoilt_pixel(row: dict[str, Any]) -> dict[str, Any]:
    """One band of one pixel too high by one; the digest goes along, as if the reader had been wrong."""
    pixels = codec.decode(bytes(row["clay_tensor"]))
    pixels[3, 200, 7] += 1
    return {"clay_tensor": codec.encode(pixels), "content_digest": codec.digest(pixels)}


PLANTS = (
    ("pixels", spoilt_pixel),
    ("digest", lambda _: {"content_digest": "0" * 32}),
    ("fractions", lambda row: {"clear_frac": row["clear_frac"] - 0.001}),
    ("fractions", lambda row: {"scl_mean": row["scl_mean"] + 0.01}),
    ("geometry", lambda row: {"xmax": row["xmax"] + 1e-5}),
    ("geometry", lambda _: {"geohash": "zzzzzzz"}),
    ("unreadable", lambda _: {"clay_tensor": b"no frame"}),
    ("radiometry", lambda _: {"radiometry": "minus_999"}),
    ("item", lambda _: {"baseline": "99.99"}),
)


def test_right_chips_pass_and_each_planted_fault_is_named(
    spark: SparkSession, make_plan: PlanMaker, tmp_path: Path
) -> None:
    clear = scene(tmp_path, PASS_A)
    bright = scene(tmp_path, PASS_B, baseline="05.10", collection="sentinel-2-l2a")
    # Items are found by run and scene, in the folders of all runs: other tests have runs of the same pass.
    plan = make_plan(bbox(), [clear, bright], run_id="verified", radiometry={bright.id: "as_published"})
    extract(spark, plan)
    with pytest.raises(VerifyError, match="no published chip"):
        verify(plan)
    publish(spark, plan)
    check, said = verify(plan)
    assert check.tally.good, said
    assert said[-1] == "18 chips checked, 0 differing pixels, 0 unreadable, 0 other differences"
    (warning,) = said[1:-1]
    assert f"warning: as_published, but {bright.id} calls for minus_1000" in warning
    assert warning.endswith("by the run's own record it was set")
    check, said = verify(plan, sample=4, seed=9)
    assert check.tally.good, said
    assert (check.tally.chips, "SEED=9" in said[0]) == (4, True)

    chips = rows(spark, plan, "chips")
    neighbour = {"geometry": chips[1]["geometry"]}
    plants = [*PLANTS, ("geometry", lambda _: neighbour), ("duplicate", lambda _: {}), ("missing", lambda _: {})]
    planted = [(chips[place], kind, change) for place, (kind, change) in enumerate(plants, start=2)]
    replace(spark, plan, [row | change(row) for row, kind, change in planted if kind != "missing"])
    (twice,) = (row for row, kind, _ in planted if kind == "duplicate")
    TABLES["chips"].columns.frame(spark, [twice]).writeTo(f"lake.{plan.database}.chips").append()
    (lost,) = (row for row, kind, _ in planted if kind == "missing")
    spark.sql(f"DELETE FROM lake.{plan.database}.chips WHERE id = '{lost['id']}'")

    wanted = {(row["id"], kind) for row, kind, _ in planted}
    for sample in (None, 1000):
        check, said = verify(plan, sample)
        assert named(said) == wanted
        assert (check.tally.chips, check.tally.pixels, check.tally.unreadable) == (18, 1, 1)
    deployed = tmp_path / "deployed.json"
    section = {"region": "us-west-2", "lake": LAKE, "database": plan.database}
    deployed.write_text(json.dumps({"deployed": section}))
    assert main(["--deployed", str(deployed)]) == DIFFERS
    deployed.write_text(json.dumps({"deployed": section | {"database": "none"}}))
    assert main(["--deployed", str(deployed)]) == IMPOSSIBLE
    (line,) = (line for line in said if ": pixels: " in line)
    assert "rededge1 in row 200, column 7" in line

    Path(clear.assets["swir16"].href).unlink()
    unread = {name for name, kind in named(verify(plan)[1]) if kind == "unreadable"}
    assert unread >= {row["id"] for row, kind, _ in planted if row["pass"] == PASS_A and kind != "missing"}
