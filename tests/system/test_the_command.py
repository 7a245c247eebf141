"""The same month by the command on this machine, and by the real DAG on the stand-in: equal ids and pixels, and vectors to rounding."""

from __future__ import annotations

import os
import subprocess

import numpy as np
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from infra.local.options import REPOSITORY
from tests.system.conftest import MONTHS
from tests.system.lake import Lake
from tests.system.runs import Runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


class Folder(Lake):
    """The lake of the command, read as the stand-in's is."""

    def __init__(self, path):
        self.catalog = SqlCatalog("lake", uri=f"sqlite:///{path}/catalogue.sqlite")


def test_both_make_the_same(airflow, home, lake, world, tmp_path):
    state = Runs(airflow, "claylake__tiny").run(month=MONTHS[0])[1]
    assert state == "success"
    options = ["--lake", tmp_path / "lake", "--aoi", world / "aoi.geojson", "--month", MONTHS[0], "--data", world]
    made = subprocess.run(
        [home.python("spark"), "-m", "cli", "run", *options, "--encoder", home.model()],
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'dags'}:{REPOSITORY}"},
        capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    here = Folder(tmp_path / "lake").content()
    assert {name: len(rows) > 0 for name, rows in here.items()} == dict.fromkeys(here, True)
    there = _of_month(lake)
    # Sums of floating point depend on how many threads and chips share them.
    rows, others = here.pop("embeddings"), there.pop("embeddings")
    assert [row[:-1] for row in rows] == [row[:-1] for row in others]
    difference = np.array([row[-1] for row in rows]) - np.array([row[-1] for row in others])
    assert here == there
    assert np.abs(difference).max() < 1e-5


def _of_month(lake):
    """What the stand-in has of the month: other tests make others."""
    month = MONTHS[0].replace("-", "")

    def of(row, column):
        return row[column].rpartition("_")[2].startswith(month)

    return {name: [row for row in rows if of(row, name == "observations")] for name, rows in lake.content().items()}
