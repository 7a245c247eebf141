"""A month made by one command: the same rows as on AWS, checked by the independent judge, without any server."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from claylake.configuration.local import Local
from claylake.run.tables import catalog
from cli.app import app
from cli.lake import LakeFolder
from tests.cli.conftest import MONTH, claylake
from tests.spark.report.pages import Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def rows(lake, encoder, name):
    table = catalog(Local(folder=str(lake), encoder=encoder)).load_table(("claylake", name))
    return table.scan().to_arrow().to_pylist()


def test_every_chip_has_its_vector_and_the_receipt_counts_them(made, encoder):
    (receipt,) = made.document["months"]
    chips, vectors = rows(made.lake, encoder, "chips"), rows(made.lake, encoder, "embeddings")
    assert receipt["outcome"] == "published"
    assert receipt["chips"] == receipt["month_chips"] == len(chips) > 0
    assert {(row["id"], row["content_digest"]) for row in vectors} == {
        (row["id"], row["content_digest"]) for row in chips
    }
    assert receipt["usd"] == 0
    assert receipt["layout"] is None
    assert receipt["km2"] > 0
    outcomes = [row["outcome"] for row in rows(made.lake, encoder, "observations")]
    assert outcomes.count("chip") == len(chips)
    assert len(outcomes) == receipt["candidates"]


def test_people_see_a_line_for_each_stage(made):
    note, *lines = made.said.splitlines()
    assert "section schedule of aoi.geojson: nothing on this machine runs by itself" in note
    stages = list(dict.fromkeys(line.split()[0] for line in lines))
    assert stages[:6] == ["plan", "start", "extract", "embed", "publish", "maintain"]
    assert stages[6:] in ([], ["classes"])


def test_no_server_and_no_airflow_is_below_it(made):
    assert any("java" in line for line in made.processes)
    for word in ("airflow", "moto", "rustac", "infra.local", "uvicorn", "gunicorn"):
        assert not [line for line in made.processes if word in line.replace(str(made.lake.parent), "")], word


def test_the_judge_finds_every_pixel_right(made):
    done = claylake("verify", "--lake", made.lake)
    assert done.returncode == 0, done.stderr
    assert "0 differing pixels, 0 unreadable, 0 other differences" in done.stdout


def test_a_second_run_finds_nothing_to_do_and_starts_no_spark(made):
    done = claylake("run", *made.options, "--json")
    assert json.loads(done.stdout)["months"][0]["outcome"] == "nothing new"
    assert "start" not in done.stderr


def test_other_settings_are_refused_where_a_run_goes_on(made):
    done = claylake("publish", *made.options, "selection.min_clear_frac=0.5")
    assert done.returncode == 2
    assert "other settings of selection" in done.stderr


def test_a_second_writer_is_refused_and_a_reader_is_not(made):
    with LakeFolder.at(made.lake).held():
        writer, reader = claylake("run", *made.options), claylake("plan", *made.options)
    assert writer.returncode == 5
    assert f"process {os.getpid()} writes to this lake" in writer.stderr
    assert reader.returncode == 0, reader.stderr


def test_a_moved_lake_opens_again_by_one_command(made, encoder, tmp_path):
    before = {name: rows(made.lake, encoder, name) for name in ("chips", "embeddings", "observations", "scenes")}
    place = tmp_path / "moved"
    shutil.move(made.lake, place)
    options = [str(place) if option == str(made.lake) else option for option in made.options]
    try:
        refused = claylake("plan", *options)
        assert refused.returncode == 2
        assert "claylake relocate" in refused.stderr
        assert claylake("relocate", place).returncode == 0
        assert {name: rows(place, encoder, name) for name in before} == before
        done = claylake("plan", *options, "--json")
        assert json.loads(done.stdout)["months"][0]["outcome"] == "nothing new"
    finally:
        shutil.move(place, made.lake)
        assert claylake("relocate", made.lake).returncode == 0
    assert {name: rows(made.lake, encoder, name) for name in before} == before


def test_maintenance_alone_goes_by_the_newest_run(made):
    done = claylake("maintain", "--lake", made.lake, "--json")
    assert done.returncode == 0, done.stderr
    (receipt,) = json.loads(done.stdout)["months"]
    assert (receipt["run_id"], receipt["outcome"]) == (made.document["months"][0]["run_id"], "published")


def test_show_says_what_is_in_it(made):
    chips = made.document["months"][0]["chips"]
    facts = json.loads(claylake("show", "--lake", made.lake, "--json").stdout)
    tables = {table["name"]: table for table in facts["tables"]}
    assert tables["chips"]["rows_by_month"] == tables["embeddings"]["rows_by_month"] == {MONTH: chips}
    assert all(table["branches"] == [] for table in tables.values())
    for name, table in tables.items():
        newest = max(made.lake.glob(f"tables/claylake/{name}/metadata/*.metadata.json"))
        assert table["metadata"] in {f"file:{newest}", f"file://{newest}"}
    assert list(facts["vectors"].values()) == [chips]
    assert facts["open_scenes"] == {}
    (run,) = facts["runs"]
    assert (run["aoi"], run["period"], run["outcome"], run["chips"]) == ("aoi", MONTH, "published", chips)
    assert Path(run["report"].removeprefix("file://")).is_file()
    said = claylake("show", "--lake", made.lake).stdout
    assert f"{chips:,} of {next(iter(facts['vectors']))}" in said


def test_the_report_made_without_spark_is_that_of_the_run(made, world, tmp_path):
    """Two readers of the same rows: Spark in the step, pyiceberg in the command."""
    done = claylake("report", "--lake", made.lake, "--aoi", world / "aoi.geojson", "--month", MONTH)
    assert done.returncode == 0, done.stderr
    again = made.lake / "reports" / "aoi" / MONTH / "index.html"
    assert str(again) in done.stdout
    first = Path(made.document["months"][0]["report"].removeprefix("file://"))
    pages = [Page(path.read_text(encoding="utf-8")) for path in (first, again)]
    one, two = (page.facts for page in pages)
    points = [facts.pop("points") for facts in (one, two)]
    assert one == two
    assert one["counts"]["chips"] == made.document["months"][0]["chips"]
    assert points[0]["cell"] == points[1]["cell"]
    assert points[0]["xy"] == pytest.approx(points[1]["xy"], abs=1e-3)
    pictures = [{image["id"]: image["href"] for image in page.all("image")} for page in pages]
    assert pictures[0]["rgb-image"] == pictures[1]["rgb-image"]
    for options in (("--month", "2023-01"), ("--month", MONTH, "--aoi", "other")):
        wrong = CliRunner().invoke(
            app, ["report", "--lake", str(made.lake), *options, "--out", str(tmp_path / "a.html")]
        )
        assert (wrong.exit_code, (tmp_path / "a.html").exists()) == (2, False)
        assert "claylake show" in wrong.output


def test_a_chip_is_saved_as_a_picture(made, encoder, tmp_path):
    row = rows(made.lake, encoder, "chips")[0]
    for name in ("chip.png", "chip.tif"):
        done = claylake("show", "--lake", made.lake, "--chip", row["id"], "--out", tmp_path / name)
        assert row["scene_id"] in done.stdout
    assert (tmp_path / "chip.tif").read_bytes() == row["geotiff"]
    with Image.open(tmp_path / "chip.png") as png, Image.open(tmp_path / "chip.tif") as tif:
        assert np.array_equal(np.asarray(png), np.asarray(tif.convert("RGB")))
    wrong = claylake("show", "--lake", made.lake, "--chip", "none", "--out", tmp_path / "none.png")
    assert (wrong.returncode, (tmp_path / "none.png").exists()) == (2, False)
    assert claylake("show", "--lake", made.lake, "--chip", row["id"], "--out", tmp_path / "a.gif").returncode == 2


def test_doctor_tries_a_search_and_a_read(made, world, encoder, tmp_path):
    options = ("--lake", tmp_path / "none", "--data", world, "--aoi", world / "aoi.geojson", "--encoder", encoder)
    done = claylake("doctor", "--live", *options, "--month", MONTH)
    assert done.returncode == 0, done.stdout
    found = [line.split()[:2] for line in done.stdout.splitlines()]
    assert [name for state, name in found if state == "ok"][-2:] == ["search", "read"]
    assert not (tmp_path / "none").exists()
    missing = claylake("doctor", "--lake", tmp_path / "none", "--encoder", "no-such")
    assert missing.returncode == 1
    assert "no-such is not on this machine" in missing.stdout


def test_days_of_the_month_are_another_selection(made):
    done = claylake("plan", *made.options, "start_date=2024-08-12", "end_date=2024-08-12", "--json")
    (receipt,) = json.loads(done.stdout)["months"]
    assert receipt["outcome"] == "dry run", "the month that is done does not settle its days"
    assert receipt["other_date"] > 0
    assert receipt["settled"] == 0
