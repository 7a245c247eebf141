"""The benchmark measures what it says, on chips that compress like real ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spark.bench.__main__ import main
from spark.bench.chips import batches
from spark.embedding.columns import INPUT
from spark.lake.pixels import open_chip


def test_chips_are_distinct_whole_and_of_a_real_ones_size():
    given = batches(70)
    assert [batch.num_rows for batch in given] == [64, 6]
    assert tuple(given[0].schema.names) == INPUT
    frames = given[0].column("clay_tensor").to_pylist()
    assert len(set(frames)) == 32
    assert 420_000 < sum(map(len, frames)) / 64 < 500_000
    open_chip(frames[3], given[0].column("content_digest")[3].as_py())


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


def test_a_folder_that_is_no_artefact_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    assert main(["embed", "--model", str(tmp_path)]) == 1
    assert "model.json is missing" in caplog.text
