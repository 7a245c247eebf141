import json
from pathlib import Path

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.affinity import translate
from shapely.geometry import mapping, shape

from claylake.catalogue.search import MOST_VERTICES, area_to_meet, cover_of, search_items
from claylake.catalogue.selecting import Criteria, select_scenes
from claylake.configuration.settings import Catalogue
from claylake.errors import CatalogueError
from claylake.month import Month
from tests.dags.domain.zones import epsg_of
from tests.shared import all_zones

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "stac" / "earth-search-v1"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real catalogue pages is absent")
JULY = (Month(2024, 7),)
L2A = ("sentinel-2-l2a",)


@pytest.fixture
def area(box):
    return box(15.0, 45.0, 15.1, 45.1)


def quick(stac, **changes):
    return Catalogue(**{"url": stac.url, "backoff_s": 0, "retries": 3, "timeout_s": 60, **changes})


def search(catalogue, area, months, collections=L2A):
    return list(search_items(catalogue, area, months, collections))


def ids(items):
    return [item["id"] for item in items]


def selected(catalogue, area):
    """Ids of the scenes that a search keeps, and what became of the other items."""
    criteria = Criteria(months=JULY, max_scene_cloud=100.0, settled=set(), area=area_to_meet(area))
    found = select_scenes(search_items(catalogue, area, JULY, L2A), criteria)
    return sorted(scene.id for scene in found.scenes), found.found.unusable


def test_all_pages_are_read_empty_ones_included(stac, item, area):
    stac.pages = [[item("a")], [], [item("b"), item("c")]]
    assert ids(search(quick(stac), area, JULY, L2A)) == ["a", "b", "c"]
    assert len(stac.searches) == 3


def test_the_query_is_area_collections_and_window_and_nothing_else(stac, area):
    stac.pages = [[]]
    search(quick(stac, page_size=7), area, (Month(2024, 6), Month(2024, 7)), L2A)
    (query,) = stac.searches
    assert query == {
        "collections": ["sentinel-2-l2a"],
        "intersects": area,
        "datetime": "2024-05-31T23:00:00Z/2024-08-01T01:00:00Z",
        "limit": 7,
    }


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_hiccup_is_tried_again(stac, item, area, status):
    stac.pages = [[item("a")]]
    stac.answers = [(status, {}), None, (status, {}), (status, {})]
    assert ids(search(quick(stac), area, JULY, L2A)) == ["a"]
    assert stac.requests == 5


def test_a_slow_answer_is_tried_again(stac, item, area):
    stac.pages = [[item("a")]]
    stac.answers = [None, 3.0]
    assert ids(search(quick(stac, timeout_s=1, retries=20), area, JULY, L2A)) == ["a"]
    # A starved machine may be slow more often than it was told to be.
    assert stac.requests >= 3


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([(503, {})] * 4, "503"),
        ([(404, {"description": "no such thing"})], "no such thing"),
        ([None, (400, {"description": "bad geometry"})], "bad geometry"),
        ([(200, b"<html>")], "Expecting value"),
        ([None, (200, b"<html>")], "Expecting value"),
        ([None, (200, {"links": []})], "features"),
        ([None, (200, {"features": None})], "not a list"),
        ([None, (200, {"features": ["x"]})], "not a list of objects"),
        ([(200, {"type": "Feature"})], "STAC"),
    ],
)
def test_a_bad_answer_names_the_catalogue_and_what_to_do(stac, area, answers, says):
    stac.answers = answers
    with pytest.raises(CatalogueError, match=says) as caught:
        search(quick(stac), area, JULY, L2A)
    assert stac.url in str(caught.value)
    assert "check catalogue.url" in str(caught.value)


def test_nobody_there_names_the_catalogue(area):
    catalogue = Catalogue(url="http://127.0.0.1:9", retries=1, backoff_s=0, timeout_s=60)
    with pytest.raises(CatalogueError, match=r"http://127\.0\.0\.1:9.*tried 2 times"):
        search(catalogue, area, JULY, L2A)


def test_a_page_is_fetched_when_the_one_before_is_used_up(stac, item, area):
    stac.pages = [[item("a"), item("b")], [item("c")]]
    listed = search_items(quick(stac), area, JULY, L2A)
    assert (next(listed)["id"], next(listed)["id"], len(stac.searches)) == ("a", "b", 1)
    assert (next(listed)["id"], len(stac.searches)) == ("c", 2)


def test_pages_that_lead_in_a_circle_are_told(stac, item, area):
    stac.pages, stac.circle = [[item("a")]], True
    with pytest.raises(CatalogueError, match="form a loop"):
        search(quick(stac), area, JULY, L2A)


def wiggly(vertices, west=14.0):
    """A disc with very many vertices."""
    return mapping(shapely.Point(west, 45.5).buffer(0.5, quad_segs=vertices // 4))


def test_an_area_of_very_many_vertices_is_simplified_and_results_filtered(stac, item, box):
    near, far, odd = item("near"), item("far"), item("odd")
    near["geometry"], far["geometry"], odd["geometry"] = box(14, 45, 15, 46), box(14.3605, 45.8605, 15, 46), None
    stac.pages = [[near, far, odd]]
    assert selected(quick(stac), wiggly(4000)) == (["near"], {"no_footprint": 1})
    assert shapely.get_num_coordinates(shape(stac.searches[0]["intersects"])) <= MOST_VERTICES


@pytest.mark.parametrize("vertices", [MOST_VERTICES - 12, MOST_VERTICES + 20, 2000])
@pytest.mark.parametrize(("west", "lat"), [(179.6, 68.0), (-179.6, 68.0), (180.0, -79.2), (-180.0, 83.2)])
def test_the_same_scenes_whatever_the_vertices_of_the_area(stac, item, vertices, west, lat):
    disc = shapely.Point(west, lat).buffer(0.15, quad_segs=vertices // 4)
    turns = [shapely.intersection(translate(disc, turn), all_zones.WORLD) for turn in (-360, 0, 360)]
    area = shapely.union_all([turn for turn in turns if turn.area > 0])
    epsg = epsg_of(west, lat)
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(west, lat)
    near, far = (
        all_zones.writings(epsg, [(x + dx, y + dy) for dx, dy in ((-r, -r), (r, -r), (r, r), (-r, r))])
        for x, y, r in ((x, y, 50_000), (x + (120_000 if west < 0 else -120_000), y, 50_000))
    )
    items = [{**item(f"near, {name}"), "geometry": geometry} for name, geometry in near.items()]
    # A server that knows nothing of the globe may answer with what lies elsewhere.
    others = [{**item(f"far, {name}"), "geometry": geometry} for name, geometry in far.items()]
    stac.pages = [[*items, {**item("unreadable"), "geometry": {"type": "Polygon"}}]]
    assert selected(quick(stac), mapping(area)) == (sorted(ids(items)), {"bad_footprint": 1})
    stac.pages = [[*items, *others]]
    assert selected(quick(stac), mapping(area)) == (sorted(ids(items)), {})


@pytest.mark.parametrize("vertices", [100, 490, 520, 2000])
def test_a_footprint_beyond_minus_180_is_found_from_the_other_side(stac, item, box, vertices):
    area = mapping(shapely.Point(179.6, -17.0).buffer(0.3, quad_segs=vertices // 4))
    beyond = {**item("beyond"), "geometry": box(-180.9, -17.8, -179.9, -16.8)}
    short = {**item("short"), "geometry": box(-180.05, -17.8, -179.9, -16.8)}
    stac.pages = [[beyond, short]]
    assert selected(quick(stac), area) == (["beyond"], {})


@settings(max_examples=30, deadline=None)
@given(st.integers(4, 6000), st.floats(-179.4, 179.4))
def test_a_cover_covers(vertices, west):
    area = wiggly(vertices, west)
    cover = shape(cover_of(area))
    assert shapely.get_num_coordinates(cover) <= MOST_VERTICES
    assert cover.buffer(1e-9).covers(shape(area))
    assert -180 <= cover.bounds[0]
    assert cover.bounds[2] <= 180


def test_a_comb_of_many_teeth_is_covered_too():
    teeth = shapely.union_all([shapely.box(10 + n * 0.05, 40, 10 + n * 0.05 + 0.02, 50) for n in range(400)])
    cover = shape(cover_of(mapping(teeth)))
    assert shapely.get_num_coordinates(cover) <= MOST_VERTICES
    assert cover.covers(teeth)


@real
def test_real_pages_are_read_to_the_empty_end(stac, area):
    stac.pages = [
        json.loads((DATA / f"pystac-client_test_multiple_collections_{n}.json").read_text())["features"] for n in (0, 1)
    ]
    found = search(quick(stac), area, (Month(2023, 10),), L2A)
    assert len(set(ids(found))) == len(found) == 2
    assert len(stac.searches) == 2


@real
def test_real_pages_that_come_twice_count_once(stac, area):
    page = json.loads((DATA / "pystac-client_test_filter_1.json").read_text())["features"]
    stac.pages = [page, page]
    criteria = Criteria(months=(Month(2025, 7),), max_scene_cloud=100.0, settled=set())
    found = select_scenes(search(quick(stac), area, (Month(2025, 7),)), criteria).found
    assert found.items == len(page)
