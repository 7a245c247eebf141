"""A folder in place of a STAC API gives what the API would."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from claylake.area.aoi import Aoi
from claylake.catalogue import folder
from claylake.catalogue.search import has_any, search_items
from claylake.configuration.settings import Catalogue, Settings
from claylake.errors import BadInputError
from claylake.month import Month
from claylake.plan import RunRef
from claylake.request.params import Request
from claylake.run.planning import make_plan

SQUARE = {"type": "Polygon", "coordinates": [[[10, 47], [12, 47], [12, 49], [10, 49], [10, 47]]]}
AREA = {"type": "Polygon", "coordinates": [[[11, 48], [11.1, 48], [11.1, 48.1], [11, 48.1], [11, 48]]]}
JULY = (Month.parse("2024-07"),)


def item(name, **changes):
    return {
        "type": "Feature", "id": name, "collection": "sentinel-2-l2a", "geometry": SQUARE,
        "properties": {"datetime": "2024-07-10T10:20:30Z"}, "assets": {"red": {"href": f"{name}/B04.tif"}}, "links": [{}],
    } | changes  # fmt: skip


def written(root, *items):
    for each in items:
        (root / f"{each['id']}.json").write_text(json.dumps(each))


def found(root, collections=("sentinel-2-l2a",), url=None):
    catalogue = Catalogue(url=url or str(root))
    return [each["id"] for each in search_items(catalogue, AREA, JULY, collections)]


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [
        ({}, True),
        ({"collection": "sentinel-2-c1-l2a"}, False),
        ({"collection": None}, False),
        ({"type": "Collection"}, False),
        ({"properties": {"datetime": "2024-06-30T23:30:00Z"}}, True),
        ({"properties": {"datetime": "2024-06-30T22:30:00Z"}}, False),
        ({"properties": {"datetime": "2024-08-01T00:30:00+00:00"}}, True),
        ({"properties": {"datetime": "2024-08-01T02:00:00Z"}}, False),
        ({"properties": {"datetime": None, "start_datetime": "2024-06-30T00:00:00Z", "end_datetime": "2024-07-02T00:00:00Z"}}, True),
        ({"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}}, False),
        # what is wrong with these is said where scenes are read
        ({"properties": {"datetime": "July"}}, True),
        ({"properties": {}}, True),
        ({"geometry": {"type": "Polygon", "coordinates": "none"}}, True),
        ({"geometry": None}, True),
        ({"assets": None}, True),
    ],
)  # fmt: skip
def test_items_are_found_as_an_api_finds_them(tmp_path, changes, is_found):
    written(tmp_path, item("one", **changes), item("other", collection="landsat"))
    assert found(tmp_path) == (["one"] if is_found else [])


def test_hrefs_lead_to_files_beside_the_item_or_below_the_folder(tmp_path):
    (tmp_path / "items").mkdir()
    for path in ("items/with blank.tif", "red.tif"):
        (tmp_path / path).touch()
    assets = {
        "a": {"href": "with blank.tif"},
        "b": {"href": "red.tif"},
        "c": {"href": "https://host/x.tif"},
        "d": "no asset",
    }
    written(tmp_path / "items", item("one", assets=assets))
    (made,) = folder.search(tmp_path, {"collections": ["sentinel-2-l2a"], "intersects": AREA})
    assert [made["assets"][key]["href"] for key in "abc"] == [
        (tmp_path / "items/with blank.tif").as_uri(), (tmp_path / "red.tif").as_uri(), "https://host/x.tif",
    ]  # fmt: skip
    assert made["links"] == []


@pytest.mark.parametrize(
    ("url", "path"),
    [("/a/b", "/a/b"), ("file:///a%20b", "/a b"), ("data", None), ("host/v1", None), ("https://host/v1", None)],
)
def test_addresses_of_folders(url, path):
    assert folder.folder_of(url) == (path and Path(path))


def test_a_file_that_is_no_json_is_refused(tmp_path):
    written(tmp_path, item("one"))
    (tmp_path / "cut.json").write_text('{"type": "Feat')
    with pytest.raises(BadInputError, match=r"cut\.json: not readable as JSON"):
        found(tmp_path)


def test_a_folder_without_items_or_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="no STAC item"):
        found(tmp_path)
    with pytest.raises(BadInputError, match="no such folder"):
        found(tmp_path / "nowhere")


def test_whether_there_are_others_at_another_time(tmp_path):
    written(tmp_path, item("one", properties={"datetime": "2020-01-01T00:00:00Z"}))
    assert has_any(Catalogue(url=str(tmp_path)), AREA, ("sentinel-2-l2a",)) is True
    assert has_any(Catalogue(url=str(tmp_path)), AREA, ("sentinel-2-c1-l2a",)) is False


def test_a_cluster_is_given_no_folder(tmp_path):
    deployed = {
        "region": "us-west-2", "lake": "s3://lake", "artifacts": "s3://lake/artifacts", "log_uri": "s3://lake/logs",
        "service_role": "a", "instance_profile": "b", "subnet_ids": ["c"],
    }  # fmt: skip
    settings = Settings.model_validate({"deployed": deployed, "catalogue": {"url": f"file://{tmp_path}"}})
    request = Request(aoi=Aoi.from_geojson("field", AREA), months=JULY)
    with pytest.raises(BadInputError, match="a folder of this machine, which a cluster's nodes lack"):
        make_plan(run=RunRef(dag_id="a", run_id="b"), request=request, settings=settings)
    assert os.listdir(tmp_path) == []
