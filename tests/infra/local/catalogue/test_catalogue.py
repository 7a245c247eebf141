"""The STAC API finds, pages and points at files that are there."""

import json
import urllib.request
from itertools import chain

import pytest

from infra.local.catalogue.items import collections, read_items
from tests.infra.local.scenes import make_item

BOTH = ["sentinel-2-l2a", "sentinel-2-c1-l2a"]


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def search(stack, **body):
    """Pages of ids, following the next links as pystac-client does."""
    pages, link = [], {"href": f"{stack.stac_url}/search", "body": body}
    while link:
        page = post(link["href"], link["body"])
        pages.append([feature["id"] for feature in page["features"]])
        link = next((x for x in page["links"] if x["rel"] == "next"), None)
    return pages


def test_search_pages_through_both_collections(stack):
    pages = search(
        stack, collections=BOTH, bbox=[9, 49, 12, 52], datetime="2024-06-03T00:00:00Z/2024-06-12T23:59:59Z", limit=3
    )
    assert max(map(len, pages)) == 3
    assert sorted(chain.from_iterable(pages)) == [f"item-{day:02d}" for day in range(3, 13)]


def test_search_by_shape_and_elsewhere(stack):
    ring = [[10.2, 50.2], [10.4, 50.2], [10.4, 50.4], [10.2, 50.4], [10.2, 50.2]]
    shape = {"type": "MultiPolygon", "coordinates": [[ring]]}
    assert len(list(chain.from_iterable(search(stack, collections=BOTH, intersects=shape, limit=10)))) == 26
    assert search(stack, collections=BOTH, bbox=[40, 0, 41, 1]) == [[]]


def test_collections_and_assets_are_served(stack, data):
    with urllib.request.urlopen(f"{stack.stac_url}/collections/sentinel-2-c1-l2a", timeout=60) as answer:
        assert json.load(answer)["id"] == "sentinel-2-c1-l2a"
    page = post(f"{stack.stac_url}/search", {"ids": ["beside", "item-02"], "limit": 10})
    for feature in page["features"]:
        href = feature["assets"]["blue"]["href"]
        assert href == f"{stack.cogs_url}/scene/B02.tif"
        with urllib.request.urlopen(href, timeout=60) as answer:
            assert answer.read() == (data / "scene/B02.tif").read_bytes()


def test_hrefs_prefer_the_items_own_folder_and_keep_absolute_ones(tmp_path):
    nested = tmp_path / "deep"
    (nested / "scene").mkdir(parents=True)
    (nested / "scene/B02.tif").touch()
    (nested / "a.json").write_text(json.dumps(make_item("a", day=1)))
    (nested / "b.json").write_text(json.dumps(make_item("b", day=1, href="https://example.com/x.tif")))
    (nested / "c.json").write_text(json.dumps(make_item("c", day=1, collection=None)))
    found = {item["id"]: item["assets"]["blue"]["href"] for item in read_items(tmp_path, "http://here/cogs")}
    assert found == {"a": "http://here/cogs/deep/scene/B02.tif", "b": "https://example.com/x.tif"}


@pytest.mark.parametrize("named", [[], ["sentinel-2-l2a"], ["landsat"]])
def test_every_named_collection_exists(named):
    made = [c["id"] for c in collections({"collection": name} for name in named)]
    assert made == list(dict.fromkeys(["sentinel-2-l2a", "sentinel-2-c1-l2a", *named]))
