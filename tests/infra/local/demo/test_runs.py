"""Which runs the demo makes, and what it refuses before it starts anything."""

import json
import subprocess
import sys

import pytest

from infra.local.demo import runs
from infra.local.options import REPOSITORY
from tests.infra.local.scenes import make_item


def test_a_run_for_each_month_of_the_generated_world():
    made = runs.of_world(["2023-12", "2024-01"])
    assert [(run.dag_id, run.month, run.conf) for run in made] == [
        ("claylake__demo", "2023-12", {"month": "2023-12"}),
        ("claylake__demo", "2024-01", {"month": "2024-01"}),
    ]


def test_a_run_for_each_month_of_given_items_over_a_box_around_them(tmp_path):
    for name, lon in (("west", 10.0), ("east", 12.0)):
        (tmp_path / f"{name}.json").write_text(json.dumps(make_item(name, day=3, lon=lon)))
    [run] = runs.of_items(tmp_path)
    assert (run.dag_id, run.month) == ("claylake_adhoc", "2024-06")
    assert run.conf["months"] == "2024-06"
    [ring] = run.conf["aoi_geojson"]["coordinates"]
    assert ring == [[10, 50], [13, 50], [13, 51], [10, 51], [10, 50]]


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_folder_without_items_is_refused(tmp_path, name):
    with pytest.raises(runs.DataFolderError, match=r"\*\.json"):
        runs.of_items(tmp_path / name)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--months", "2015-01"], "2015-07"),
        (["--months", "August"], "yyyy-mm"),
        (["--event", "quake,50%/50%,2024-08-01"], "fire, flood, clear-cut, settlement"),
        (["--event", "none", "--data", "."], "events are of the generated world"),
    ],
)
def test_bad_arguments_end_the_demo_before_it_starts(arguments, words):
    done = subprocess.run(
        [sys.executable, "-m", "infra.local.demo", *arguments],
        cwd=REPOSITORY, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert words in done.stderr
    assert done.stdout == ""
