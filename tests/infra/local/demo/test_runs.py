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


def around(tmp_path, *geometries):
    """The AOI that the demo runs over items of these geometries."""
    for number, geometry in enumerate(geometries):
        item = {**make_item(f"item{number}", day=3), "geometry": geometry}
        (tmp_path / f"{number}.json").write_text(json.dumps(item))
    [run] = runs.of_items(tmp_path)
    return run.conf["aoi_geojson"]


def polygon(west, east, south=-17, north=-16):
    return {"type": "Polygon", "coordinates": [ring_of(west, south, east, north)]}


def ring_of(west, south, east, north):
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


ACROSS = {"type": "MultiPolygon", "coordinates": [[ring_of(179, -17, 180, -16)], [ring_of(-180, -17, -179, -16)]]}


@pytest.mark.parametrize(
    "geometries",
    [
        (ACROSS,),
        (polygon(179, -179),),  # written without a cut: its corners are on both sides
        (polygon(179, 181),),
        (polygon(-181, -179),),
        (polygon(179, 179.5), polygon(-179.5, -179)),
    ],
)
def test_a_box_across_180_degrees_is_cut_there_and_not_the_rest_of_the_globe(tmp_path, geometries):
    assert around(tmp_path, *geometries) == ACROSS


@pytest.mark.parametrize(
    ("spans", "box"),
    [
        ([(-10, -9), (3, 4)], (-10, 4)),
        ([(170, 180)], (170, 180)),
        ([(-180, -170)], (-180, -170)),
        ([(0, 1), (0.5, 40), (39, 39.5)], (0, 40)),
        ([(-1, 1)], (-1, 1)),
    ],
)
def test_a_box_elsewhere_is_whole(tmp_path, spans, box):
    assert around(tmp_path, *(polygon(*span) for span in spans)) == polygon(*box)


def test_items_without_outline_or_date_are_passed_over(tmp_path):
    odd = make_item("odd", day=3) | {"geometry": None, "properties": {"datetime": None}}
    (tmp_path / "odd.json").write_text(json.dumps(odd))
    with pytest.raises(runs.DataFolderError, match="no item has both a geometry"):
        runs.of_items(tmp_path)
    assert around(tmp_path, polygon(3, 4)) == polygon(3, 4)


def test_the_month_is_that_of_the_pass(tmp_path):
    late = make_item("late", day=1)
    late["properties"] |= {"datetime": "2024-07-01T00:00:04Z", "s2:datatake_id": "GS2A_20240630T235951_1_N05.10"}
    (tmp_path / "late.json").write_text(json.dumps(late))
    [run] = runs.of_items(tmp_path)
    assert run.month == "2024-06"


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
