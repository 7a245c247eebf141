"""The log of reading, kept in the run folder: a run that version 0.1.0 began goes on with what it has read.

`stored/reading_log` was written by that version: two batches, the second with another cell of the first scene.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from spark.extraction.reading_log import Reading, ReadingLog

STORED = Path(__file__).parent / "stored/reading_log"
CELLS = [f"32629_{col}_1342" for col in (156, 157, 158)]
ONE, OTHER = "S2A_29RKQ_20240705_0_L2A", "S2B_29RKQ_20240710_0_L2A"
FIRST = Reading(clear_pixels=131072, below_1000=12, requests=34, downloaded=5242880, seconds=2.75)
LATER = Reading(clear_pixels=60000, below_1000=3, requests=17, downloaded=2621440, seconds=1.5)
OF_OTHER = Reading(clear_pixels=190000, below_1000=0, requests=51, downloaded=7864320, seconds=4.125)


def log_in(folder: Path) -> ReadingLog:
    return ReadingLog(SimpleNamespace(uri=lambda name: str(folder / name)))


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


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
    assert files(tmp_path / "extract") == files(STORED)


def test_cells_that_are_read_again_replace_what_was_stored_of_them(run_folder: Path) -> None:
    again = Reading(clear_pixels=1, below_1000=1, requests=1, downloaded=1, seconds=0.5)
    log_in(run_folder).add({ONE: CELLS[2:]}, {ONE: again})
    assert log_in(run_folder).total(ONE) == FIRST + again
    assert files(run_folder / "extract").keys() == files(STORED).keys()
