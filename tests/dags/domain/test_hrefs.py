"""Addresses that are read and those that are refused: the table of docs/reading.md, row by row."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claylake.catalogue.hrefs import gdal_path, is_remote, refusal, shown
from claylake.catalogue.selecting import Criteria, select_scenes
from claylake.errors import HrefError
from claylake.month import Month

PAGE = (Path(__file__).resolve().parents[3] / "docs/reading.md").read_text()
ROWS = re.findall(
    r"^\| `([^`]+)` \| (?:`([^`]+)`|refused: ([^|]+?)) \|", PAGE.partition("## Addresses")[2], re.MULTILINE
)


def test_the_table_is_read():
    assert len(ROWS) > 20
    assert {bool(path) for _, path, _ in ROWS} == {True, False}


@pytest.mark.parametrize(("href", "path", "reason"), ROWS)
def test_each_row_of_the_table(href, path, reason):
    if path:
        assert gdal_path(href) == path
        assert is_remote(href) == path.startswith("/vsi")
    else:
        with pytest.raises(HrefError, match=re.escape(reason)):
            gdal_path(href)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with suppress(HrefError):
        assert gdal_path(text).startswith("/")


def test_what_may_be_secret_is_not_shown():
    href = "https://user:word@example.org/a.zip?X-Amz-Signature=5ec4e7#part"
    assert shown(href) == "https://example.org/a.zip"
    with pytest.raises(HrefError) as refused:
        gdal_path(href)
    assert "word" not in str(refused.value)
    assert "5ec4e7" not in str(refused.value)


@pytest.mark.parametrize(
    ("properties", "asset"),
    [
        ({"storage:requester_pays": True}, {}),
        ({}, {"storage:requester_pays": True}),
        ({"storage:schemes": {"aws": {"requester_pays": True}}}, {"storage:refs": ["aws"]}),
    ],
)
def test_items_say_where_the_requester_pays(properties, asset):
    href = "s3://some-bucket/B04.tif"
    item = {"properties": properties, "assets": {"red": {"href": href, **asset}}}
    assert "red: href 's3://some-bucket/B04.tif': by the item the requester pays" in refusal(item, {"red": href})
    assert refusal({"properties": {}, "assets": {}}, {"red": href}) is None
    # The same files by https are free of charge, or signed by someone who pays.
    assert refusal(item, {"red": "https://some-bucket.example/B04.tif"}) is None


def test_scenes_whose_files_cannot_be_read_are_counted_in_plan(item):
    good, zipped, late = (
        item("good"),
        item("zipped"),
        item("late", **{"s2:datatake_id": "GS2B_20240810T100559_038371_N05.10"}),
    )
    for each in (zipped, late):
        each["assets"]["scl"] = {**each["assets"]["scl"], "href": "https://example.org/SCL.zip?sig=5ec4e7"}
    criteria = Criteria(months=(Month(2024, 7),), max_scene_cloud=80.0, settled=set())
    found = select_scenes([good, zipped, late], criteria)
    assert [scene.id for scene in found.scenes] == ["good"]
    assert found.found.unusable == {"unreadable_href": 1}
    assert found.found.other_month == 1
