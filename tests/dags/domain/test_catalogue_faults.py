"""Servers that answer oddly: what can be read is read, the rest ends soon, in an error that says all."""

import itertools
import json
import logging
import math

import pytest
import shapely
from shapely.geometry import mapping, shape

from claylake.catalogue import api
from claylake.catalogue.cover import VERTICES_IN_A_URL
from claylake.catalogue.search import area_to_meet, search_items
from claylake.catalogue.selecting import Criteria, select_scenes
from claylake.configuration.settings import Catalogue
from claylake.errors import CatalogueError
from tests.dags.domain.conftest import JULY

L2A = ("sentinel-2-l2a",)


@pytest.fixture
def area(box):
    return box(15.0, 45.0, 15.1, 45.1)


@pytest.fixture
def search(stac, area):
    """Ids of what a search lists, with the settings given."""

    def make(geometry=area, **changes):
        catalogue = Catalogue(**{"url": stac.url, "backoff_s": 0, "retries": 3, "timeout_s": 60, **changes})
        return [item["id"] for item in search_items(catalogue, geometry, JULY, L2A)]

    return make


@pytest.fixture
def selected(stac, area):
    def make(geometry=area):
        catalogue = Catalogue(url=stac.url, backoff_s=0, retries=1, timeout_s=60)
        criteria = Criteria(months=JULY, max_scene_cloud=100.0, settled=set(), area=area_to_meet(geometry))
        return select_scenes(search_items(catalogue, geometry, JULY, L2A), criteria)

    return make


@pytest.fixture
def waited(monkeypatch):
    """Seconds that were waited for, instead of waiting."""
    found = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


def test_a_long_retry_after_is_cut_and_logged(stac, search, item, waited, caplog):
    stac.pages = [[item("a")]]
    stac.answers = [None, (429, {}, {"Retry-After": "3600"}), (503, {}, {"Retry-After": "7"})]
    assert search(longest_wait_s=20) == ["a"]
    assert waited == [20, 7]
    assert "status 429 (Retry-After: 3600); trying again in 20.0 s" in caplog.text
    assert "status 503 (Retry-After: 7); trying again in 7.0 s" in caplog.text


@pytest.mark.parametrize("given", ["soon", "-1", "0"])
def test_a_retry_after_without_meaning_is_passed_over(stac, search, item, waited, given):
    stac.pages = [[item("a")]]
    stac.answers = [(429, {}, {"Retry-After": given})]
    assert search() == ["a"]
    assert waited == []


def test_a_server_that_goes_on_limiting_is_named_with_what_was_tried(stac, search, waited):
    stac.answers = [(429, {"description": "slow down"}, {"Retry-After": "3600"})] * 9
    with pytest.raises(CatalogueError) as caught:
        search(retries=2, longest_wait_s=5)
    assert waited == [5, 5]
    assert (caught.value.status, caught.value.method, caught.value.url) == (429, "GET", stac.url)
    assert "GET http://127.0.0.1" in str(caught.value)
    assert "status 429: slow down (tried 3 times, 60 s each)" in str(caught.value)
    assert "the server limits requests: run later" in caught.value.advice


def test_empty_pages_end(stac, search):
    numbers = itertools.count()
    stac.search = lambda _body: {
        "features": [],
        "links": [{"rel": "next", "href": f"{stac.url}/search", "method": "POST", "body": {"token": next(numbers)}}],
    }
    with pytest.raises(CatalogueError, match="50 pages in a row have no new item") as caught:
        search()
    assert stac.requests <= api.MOST_IDLE_PAGES + 2
    assert (caught.value.method, caught.value.status) == ("POST", 200)
    assert "retries" not in str(caught.value)


def test_the_same_page_under_ever_new_tokens_ends(stac, search, item):
    numbers = itertools.count()
    stac.search = lambda _body: {
        "features": [item("a")],
        "links": [{"rel": "next", "href": f"{stac.url}/search?token={next(numbers)}", "method": "GET"}],
    }
    stac.search_by_get = stac.search
    with pytest.raises(CatalogueError, match="50 pages in a row have no new item"):
        search()


def test_many_empty_pages_before_an_item_are_read(stac, search, item):
    stac.pages = [*([[]] * (api.MOST_IDLE_PAGES - 1)), [item("a")], *([[]] * (api.MOST_IDLE_PAGES - 1)), [item("b")]]
    assert search() == ["a", "b"]


@pytest.mark.parametrize("conforms", [None, [], ["https://api.stacspec.org/v1.0.0/core"], "item-search"])
def test_a_catalogue_without_item_search_is_named(stac, search, conforms):
    stac.answers = [(200, {**stac.landing(), "conformsTo": conforms})]
    with pytest.raises(CatalogueError, match="offers no item search") as caught:
        search()
    assert (caught.value.url, caught.value.method, caught.value.status) == (stac.url, "GET", 200)
    assert "check catalogue.url: it must be the address of a STAC API's landing page" in str(caught.value)
    assert "raise" not in str(caught.value)
    assert "tried" not in str(caught.value)


@pytest.mark.parametrize("status", [403, 405, 501])
def test_where_post_is_refused_the_search_goes_by_get(stac, search, item, area, status, caplog):
    stac.pages, stac.refuses = [[item("a")], [], [item("b")]], {"POST": status}
    assert search() == ["a", "b"]
    first = stac.queries[0]
    assert first["collections"] == "sentinel-2-l2a"
    assert first["datetime"] == "2024-06-30T23:00:00Z/2024-08-01T01:00:00Z"
    assert json.loads(first["intersects"]) == area
    assert first["limit"] == "100"
    assert "searching by GET" in caplog.text


def test_a_catalogue_that_names_get_alone_is_searched_by_it(stac, search, item):
    stac.pages = [[item("a")]]
    landing = stac.landing()
    stac.landing = lambda: {**landing, "links": [{"rel": "search", "href": "./search", "method": "GET"}]}
    assert search() == ["a"]
    assert (stac.searches, len(stac.queries)) == ([], 1)


def test_an_area_of_many_vertices_fits_an_address_and_what_it_adds_is_left_out(stac, selected, item, box):
    disc = mapping(shapely.Point(14, 45.5).buffer(0.5, quad_segs=100))
    far = {**item("far"), "geometry": box(14.3605, 45.8605, 15, 46)}
    stac.pages, stac.refuses = [[{**item("near"), "geometry": box(14, 45, 15, 46)}, far]], {"POST": 405}
    found = selected(disc)
    assert [scene.id for scene in found.scenes] == ["near"]
    asked = shape(json.loads(stac.queries[0]["intersects"]))
    assert shapely.get_num_coordinates(asked) <= VERTICES_IN_A_URL
    assert asked.covers(shape(disc))


def test_where_both_are_refused_both_are_said(stac, search):
    stac.refuses = {"POST": 405, "GET": 403}
    with pytest.raises(CatalogueError, match="POST was refused with 405") as caught:
        search()
    assert (caught.value.method, caught.value.status) == ("GET", 403)
    assert "requires a login" in caught.value.advice
    assert "tried" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"code": "Internal", "description": "the index is down"}, "Internal: the index is down"),
        ({"detail": "unknown collection"}, "unknown collection"),
        ({}, "its answer has no features"),
        ([], "its answer is a list, not an object"),
        (b"", "not JSON"),
        (b"\xff\xfe", "utf-8"),
        ({"features": [], "links": {}}, None),
        ({"features": [], "links": "x"}, "its links are not a list"),
        ({"features": [], "links": [None]}, "its links are not a list of objects"),
    ],
)
def test_an_answer_of_another_shape_is_shown(stac, search, body, says):
    stac.answers = [None, (200, body)]
    if says is None:
        assert search() == []
        return
    with pytest.raises(CatalogueError, match=says) as caught:
        search()
    assert f"POST {stac.url}/search" in str(caught.value)
    assert "raise" not in str(caught.value)


def test_links_that_are_null_are_none(stac, search, item):
    stac.answers = [
        (200, {**stac.landing(), "links": None}),
        (200, {"features": [item("a")], "links": None}),
    ]
    assert search() == ["a"]


def test_a_next_link_without_a_body_repeats_the_search(stac, search, item, area):
    stac.answers = [
        None,
        (200, {"features": [item("a")], "links": [{"rel": "next", "href": "/search", "method": "POST"}]}),
    ]
    stac.pages = [[item("b")]]
    assert search() == ["a", "b"]
    assert stac.searches[-1]["intersects"] == area


def test_versions_over_pages_in_any_order_are_one_scene(stac, selected, item):
    new, old = item("a", updated="2024-07-12T00:00:00Z", **{"eo:cloud_cover": 1.0}), item("a")
    unknown = item("a", updated="x")
    stac.pages = [[new, item("b")], [old, item("b")], [unknown, item("b")]]
    found = selected()
    assert (found.found.items, found.found.kept) == (2, 2)
    assert [scene.cloud_cover for scene in found.scenes if scene.id == "a"] == [1.0]


def test_odd_properties_in_a_page_are_read(stac, selected, item):
    odd = [
        item("nan", **{"eo:cloud_cover": math.nan}),
        item("range", datetime=None, start_datetime="2024-07-10T10:06:00Z", end_datetime="2024-07-10T10:07:00Z"),
    ]
    stac.pages = [odd]
    found = selected()
    assert [scene.id for scene in found.scenes] == ["nan", "range"]
    assert found.found.unusable == {}


def test_an_answer_that_breaks_off_is_requested_again(stac, search, item, caplog):
    caplog.set_level(logging.WARNING)
    stac.pages = [[item("a")]]
    stac.answers = [None, (200, b'{"features": [', {"Content-Length": "500", "Connection": "close"})]
    assert search() == ["a"]
    assert "the answer broke off" in caplog.text


def test_answers_that_always_break_off_end(stac, search):
    stac.answers = [(200, b"{", {"Content-Length": "500", "Connection": "close"})] * 9
    with pytest.raises(CatalogueError, match="tried 4 times"):
        search()


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "the server requires a login"),
        (404, "must be the address of a STAC API's landing page"),
        (414, "take an AOI with a simpler outline"),
        (422, "the server refuses the query"),
    ],
)
def test_advice_fits_the_status(stac, search, status, advice):
    stac.answers = [None, (status, b"<html>" + b"x" * 5000 + b"</html>")]
    with pytest.raises(CatalogueError) as caught:
        search()
    assert advice in caught.value.advice
    assert caught.value.status == status
    assert len(str(caught.value)) < 700
    assert "tried" not in str(caught.value)


def test_an_address_that_is_none_is_named_and_not_tried_again():
    with pytest.raises(CatalogueError, match=r"STAC catalogue nowhere: GET nowhere: no answer.*check catalogue\.url"):
        list(search_items(Catalogue(url="nowhere"), {"type": "Polygon", "coordinates": []}, JULY, L2A))
