"""The log of reading, kept in the run folder: a run that version 0.1.0 began goes on with what it has read.

`stored/reading_log` was written by that version: two batches, the second with another cell of the first scene.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spark.extraction.reading_log import Reading, ReadingLog
from spark.sentinel2.radiometry import Evidence
from tests.spark.extract.imagery import bare

STORED = Path(__file__).parent / "stored/reading_log"
CELLS = [f"32629_{col}_1342" for col in (156, 157, 158)]
ONE, OTHER = "S2A_29RKQ_20240705_0_L2A", "S2B_29RKQ_20240710_0_L2A"
FIRST = Reading(clear_pixels=131072, below_1000=12, requests=34, downloaded=5242880, seconds=2.75)
LATER = Reading(clear_pixels=60000, below_1000=3, requests=17, downloaded=2621440, seconds=1.5)
OF_OTHER = Reading(clear_pixels=190000, below_1000=0, requests=51, downloaded=7864320, seconds=4.125)


def log_in(folder: Path, *earlier: Path, **fields: Any) -> ReadingLog:
    scenes = [bare(id=scene_id, **fields) for scene_id in (ONE, OTHER)]
    return ReadingLog(SimpleNamespace(uri=lambda name: str(folder / name)), scenes, map(str, earlier))


def files(folder: Path) -> dict[str, Any]:
    return {path.name: json.loads(path.read_text()) for path in folder.iterdir()}


def without_processing(documents: dict[str, Any]) -> dict[str, Any]:
    return {name: {scene_id: entry[:2] for scene_id, entry in document.items()} for name, document in documents.items()}


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    shutil.copytree(STORED, tmp_path / "extract")
    return tmp_path


def test_what_was_stored_before_is_read(run_folder: Path) -> None:
    log = log_in(run_folder)
    assert log.total(ONE) == FIRST + LATER
    assert log.total(OTHER) == OF_OTHER
    assert log.total("another") == Reading()


def test_the_same_batches_give_the_same_files(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    log.add({ONE: CELLS[:2], OTHER: CELLS}, {ONE: FIRST, OTHER: OF_OTHER})
    log.add({ONE: CELLS[2:]}, {ONE: LATER})
    written = files(tmp_path / "extract")
    assert without_processing(written) == files(STORED)
    assert {tuple(entry[2]) for document in written.values() for entry in document.values()} == {
        ("2023-06-01T00:00:00Z", "c1 keeps the offset")
    }


def test_cells_that_are_read_again_replace_what_was_stored_of_them(run_folder: Path) -> None:
    again = Reading(clear_pixels=1, below_1000=1, requests=1, downloaded=1, seconds=0.5)
    log_in(run_folder).add({ONE: CELLS[2:]}, {ONE: again})
    assert log_in(run_folder).total(ONE) == FIRST + again
    assert files(run_folder / "extract").keys() == files(STORED).keys()


def test_evidence_adds_up_over_the_runs_of_a_branch_and_the_same_cells_count_once(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    log_in(first).add({ONE: CELLS[:2]}, {ONE: FIRST})
    log_in(second).add({ONE: CELLS[2:]}, {ONE: LATER})
    log = log_in(third, first, second, tmp_path / "expired")
    assert log.evidence(ONE) == FIRST.evidence + LATER.evidence
    assert log.total(ONE) == Reading(), "traffic and seconds are the other runs'"
    again = Reading(clear_pixels=10, below_1000=1, requests=1, downloaded=1, seconds=0.5)
    log.add({ONE: CELLS[2:]}, {ONE: again})
    assert log.evidence(ONE) == FIRST.evidence + again.evidence
    assert log.total(ONE) == again
    assert log_in(third, first, second).evidence(ONE) == FIRST.evidence + again.evidence


@pytest.mark.parametrize(
    "fields", [{"updated": "2024-01-01T00:00:00Z"}, {"collection": "sentinel-2-l2a", "boa_offset_applied": True}]
)
def test_what_was_read_before_a_reprocessing_or_by_another_rule_says_nothing(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    log_in(tmp_path / "first").add({ONE: CELLS[:2]}, {ONE: FIRST})
    own = tmp_path / "second"
    log_in(own).add({ONE: CELLS[2:]}, {ONE: LATER})
    log = log_in(own, tmp_path / "first", **fields)
    assert log.evidence(ONE) == Evidence()
    assert log.total(ONE).downloaded == LATER.downloaded, "it was read by this run"
    log.add({ONE: CELLS[2:]}, {ONE: LATER})
    assert log.evidence(ONE) == LATER.evidence
