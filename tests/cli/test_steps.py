"""The two commands of a script, and what follows: days of a month first, then the whole month beside them."""

from __future__ import annotations

import json

import pytest
import shapely

from tests.cli.conftest import MONTH, claylake
from tests.cli.test_month import rows

pytestmark = [pytest.mark.beside, pytest.mark.timeout(1800)]
DAY = "2024-08-12"


def ids(lake, encoder, name="chips"):
    return sorted((row["id"], row["content_digest"]) for row in rows(lake, encoder, name))


def test_days_are_made_step_by_step_and_settle_no_month(made, world, encoder, tmp_path):
    lake, whole = tmp_path / "lake", ids(made.lake, encoder)
    area = shapely.from_geojson((world / "aoi.geojson").read_text())
    bounds = ",".join(str(number) for number in area.bounds)
    common = ("--lake", lake, "--data", world, "--encoder", encoder)
    done = claylake("extract", f"aoi_bounds=[{bounds}]", f"start_date={DAY}", f"end_date={DAY}", *common)
    assert done.returncode == 0, done.stderr
    assert rows(lake, encoder, "chips") == [], "nothing is published yet"
    done = claylake("embed", "input_table=claylake.chips", "output_table=claylake.embeddings", *common)
    assert done.returncode == 0, done.stderr
    done = claylake("publish", *common, "--json")
    (receipt,) = json.loads(done.stdout)["months"]
    assert receipt["outcome"] == "published"
    of_day = [each for each in whole if f"_{DAY.replace('-', '')}" in each[0]]
    assert ids(lake, encoder) == ids(lake, encoder, "embeddings") == of_day != []
    assert claylake("publish", *common).returncode == 2, "there is nothing left to publish"

    done = claylake("run", f"aoi_bounds=[{bounds}]", *common, "--month", MONTH, "--json")
    (receipt,) = json.loads(done.stdout)["months"]
    assert receipt["present"] == len(of_day)
    assert ids(lake, encoder) == ids(lake, encoder, "embeddings") == whole
