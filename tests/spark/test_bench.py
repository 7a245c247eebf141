"""The benchmark measures what it says, on chips that compress like real ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from spark.bench.__main__ import main
from spark.bench.chips import batches
from spark.bench.extract.scene import scene
from spark.embedding.columns import INPUT
from spark.lake.pixels import open_chip

ROOT = Path(__file__).resolve().parents[2]


def test_chips_are_distinct_whole_and_of_a_real_ones_size():
    given = batches(70)
    assert [batch.num_rows for batch in given] == [64, 6]
    assert tuple(given[0].schema.names) == INPUT
    frames = given[0].column("clay_tensor").to_pylist()
    assert len(set(frames)) == 32
    assert 420_000 < sum(map(len, frames)) / 64 < 500_000
    open_chip(frames[3], given[0].column("content_digest")[3].as_py())


def test_a_folder_that_is_relative_gives_whole_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As `make bench-extract` gives it: an item with others is refused."""
    monkeypatch.chdir(tmp_path)
    first = scene(Path("here"), 512)
    assert {Path(asset.href).parent for asset in first.assets.values()} == {tmp_path / "here"}
    assert scene(tmp_path / "here", 512).assets == first.assets
    (tmp_path / "here").rename(tmp_path / "there")
    assert scene(Path("there"), 512).assets["red"].href == str(tmp_path / "there/red.tif")


@pytest.mark.slow
def test_both_ways_are_measured_in_one_run(artefact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "found" / "embed.json"
    command = ["embed", "--model", str(artefact), "--chips", "10", "--rounds", "1", "--precision", "fp32"]
    assert main([*command, "--device", "cpu", "--batch", "4", "--threads", "2", "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert (found["precision"], found["batch"], found["chips"]) == ("fp32", 4, 10)
    assert found["path"] in {"pt2", "eager"}
    assert found["ratio"] == pytest.approx(found["worker"] / found["bare"])
    assert "| ratio |" in capsys.readouterr().out


@pytest.mark.slow
def test_extraction_is_measured_in_one_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    # The process that the others are copies of imports everything once, if it finds it.
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'dags'}{os.pathsep}{ROOT}")
    out = tmp_path / "extract.json"
    command = ["extract", "--size", "1400", "--cells", "16", "--rounds", "1", "--scenes", "3", "--steps"]
    assert main([*command, "--folder", str(tmp_path), "--out", str(out)]) == 0
    found = {row["what"]: row for row in json.loads(out.read_text())}
    chips = found["chips over windows kept open, one process"]
    assert chips["value"] == pytest.approx(
        chips["details"]["chips/s of a core"] / chips["details"]["windows/s of a core"]
    )
    files = tmp_path / "scene_1400"
    assert 1 <= found["bytes fetched over bytes needed, whole scene"]["value"] < 2
    assert found["requests over blocks, whole scene"]["details"]["blocks"] == 4 * 4 + 7
    needed = found["bytes fetched over bytes needed, whole scene"]["details"]["MB needed"]
    assert 0.5 * size_mb(files) < needed < size_mb(files)
    assert 0 < found["worker after 3 scenes over fresh"]["value"]
    assert f"| {chips['what']} |" in capsys.readouterr().out


@pytest.mark.beside
def test_whole_steps_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'dags'}{os.pathsep}{ROOT}")
    out = tmp_path / "extract.json"
    command = ["extract", "--size", "1400", "--cells", "16", "--rounds", "1", "--scenes", "1", "--steps", "1", "2"]
    assert main([*command, "--out", str(out), "--jars", str(ROOT / ".cache" / "jars")]) == 0
    found = {row["what"]: row for row in json.loads(out.read_text())}
    for scenes, name in ((1, "1 scene"), (2, "2 scenes")):
        batches_of = found[f"batches of {name} through Spark over the array code"]
        assert batches_of["details"]["chips"] == 16 * scenes
        assert 0.2 < batches_of["details"]["stored MB"] / (16 * scenes) < 0.6, "chips are about half a megabyte"
        assert 0 < found[f"step of {name} over the array code"]["value"] <= batches_of["value"]


@pytest.mark.beside
def test_lakes_are_measured(tmp_path: Path):
    out = tmp_path / "lake.json"
    command = ["lake", "--rows", "1000", "3000", "--gigabytes", "0.05", "--files", "5", "20", "--rounds", "1"]
    assert main([*command, "--out", str(out), "--jars", str(ROOT / ".cache" / "jars")]) == 0
    found = {row["what"]: row for row in json.loads(out.read_text())}
    for what in ("publishing 100 rows with audits", "finding 100 chips without a vector"):
        row = found[f"{what}: 3,000 rows in main over 1,000"]
        assert row["value"] == pytest.approx(row["details"]["s of 3,000"] / row["details"]["s of 1,000"])
    assert 40 < found["publishing 0.1 GB when main has moved over when not"]["details"]["MB of chips"] < 60
    assert found["a commit of 20 files, ms a file"]["value"] > 0


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.glob("*.tif")) / 1e6


def test_a_folder_that_is_no_artefact_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    assert main(["embed", "--model", str(tmp_path)]) == 1
    assert "model.json is missing" in caplog.text
