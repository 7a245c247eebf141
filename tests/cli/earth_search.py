"""Earth Search's twin on loopback: its landing page, paging by token, its two dialects of items, and files by byte ranges.

Its habits are those of the saved pages and items of the real one (`test_live.py` compares): newest first, a token of the
last item of a page, and a next link on every page that has items, so that the last page is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import shapely

from claylake.catalogue.folder import read_items
from claylake.vocabulary import COLLECTIONS
from spark.reading.gdal import forget
from tests.shared.stac import Stac
from tests.shared.stac import serving as serving_api
from tests.spark.extract.faults import Files
from tests.spark.extract.faults import serving as serving_files

ROOT = "/v1"
CONFORMS = tuple(
    f"https://api.stacspec.org/v1.0.0/{name}"
    for name in ("core", "collections", "ogcapi-features", "item-search", "item-search#fields", "item-search#query")
)
TOKEN = "next"


@dataclass
class EarthSearch(Stac):
    """The API.

    `most`: items of a page, whatever a search wants. `collections`: that it has. `listed`: ids of all items that
    searches were answered with, in order.
    """

    items: list[dict[str, Any]] = field(default_factory=list)
    most: int = 100
    collections: tuple[str, ...] = COLLECTIONS
    listed: list[str] = field(default_factory=list)

    def landing(self) -> dict[str, Any]:
        ways = [{"rel": "search", "method": method, "href": f"{self.url}/search"} for method in ("GET", "POST")]
        links = [{"rel": rel, "href": self.url} for rel in ("self", "root")]
        described = {"type": "Catalog", "stac_version": "1.0.0", "id": "earth-search-aws", "title": "Earth Search"}
        return {**described, "description": "a twin", "conformsTo": list(CONFORMS), "links": [*links, *ways]}

    def document(self, path: str) -> dict[str, Any] | None:
        name = path.removeprefix("/collections").lstrip("/")
        if path.rstrip("/") == "":
            return self.landing()
        if path == "/collections":
            return {"collections": [self._collection(each) for each in self.collections], "links": []}
        return self._collection(name) if path.startswith("/collections/") and name in self.collections else None

    def search(self, body: dict[str, Any]) -> dict[str, Any]:
        self.searches.append(body)
        page = self._page(body)
        link = {"rel": "next", "title": "Next page of Items", "method": "POST", "type": "application/geo+json"}
        link |= {"href": f"{self.url}/search", "merge": False, "body": {**body, TOKEN: _token(page)}}
        return self._answered(body, page, link)

    def search_by_get(self, query: dict[str, str]) -> dict[str, Any]:
        body = {**query, "collections": query["collections"].split(","), "intersects": json.loads(query["intersects"])}
        page = self._page(body)
        href = f"{self.url}/search?{urlencode({**query, TOKEN: _token(page)})}"
        link = {"rel": "next", "title": "Next page of Items", "method": "GET", "href": href}
        return self._answered(body, page, link)

    def _page(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        area = shapely.from_geojson(json.dumps(body["intersects"]))
        first, last = (datetime.fromisoformat(end) for end in body.get("datetime", ALWAYS).split("/"))
        found = [
            item
            for item in self.items
            if item["collection"] in {*body["collections"]} & {*self.collections}
            and first <= datetime.fromisoformat(item["properties"]["datetime"]) <= last
            and area.intersects(shapely.from_geojson(json.dumps(item["geometry"])))
            and (TOKEN not in body or _token([item]) < body[TOKEN])
        ]
        newest_first = sorted(found, key=lambda item: _token([item]), reverse=True)
        return newest_first[: min(int(body.get("limit", 10)), self.most)]

    def _answered(self, body: dict[str, Any], page: list[dict[str, Any]], following: dict[str, Any]) -> dict[str, Any]:
        self.listed += [item["id"] for item in page]
        root = {"rel": "root", "type": "application/json", "href": self.url}
        return {
            "type": "FeatureCollection",
            "stac_version": "1.0.0",
            "stac_extensions": [],
            "context": {"limit": int(body.get("limit", 10)), "returned": len(page)},
            "numberReturned": len(page),
            "features": [self._linked(item) for item in page],
            "links": [following, root] if page else [root],
        }

    def _linked(self, item: dict[str, Any]) -> dict[str, Any]:
        place = f"{self.url}/collections/{item['collection']}"
        links = {"self": f"{place}/items/{item['id']}", "parent": place, "collection": place, "root": self.url}
        return {**item, "links": [{"rel": rel, "href": href} for rel, href in links.items()]}

    def _collection(self, name: str) -> dict[str, Any]:
        return {"type": "Collection", "stac_version": "1.0.0", "id": name, "links": [], "license": "proprietary"}


ALWAYS = "0001-01-01T00:00:00Z/9999-12-31T23:59:59Z"


def _token(page: list[dict[str, Any]]) -> str:
    """Of a page's last item; whole words of one length come first, so that texts sort as moments do."""
    return f"{page[-1]['properties']['datetime']},{page[-1]['id']},{page[-1]['collection']}" if page else ""


@contextmanager
def twin(folder: Path) -> Iterator[tuple[EarthSearch, Files]]:
    """The API of a world's scenes, and the server of its files, which are two as the real ones are.

    Args:
        folder: of STAC items and COGs.
    """
    files = Files(folder=folder)
    with serving_files(files) as host:
        forget(f"/vsicurl/{host}/")  # of an earlier server of this port
        items = read_items(folder, lambda path: f"{host}/{quote(path.relative_to(folder.resolve()).as_posix())}")
        with serving_api(EarthSearch(items=[_dressed(item) for item in items]), ROOT) as api:
            yield api, files


def _dressed(item: dict[str, Any]) -> dict[str, Any]:
    """With what the real one's items have beside the bands: a preview, metadata, and copies from which requesters pay."""
    tile = item["properties"]["grid:code"].removeprefix("MGRS-")
    bucket = f"s3://sentinel-s2-l2a/tiles/{tile[:2]}/{tile[2]}/{tile[3:]}"
    others: dict[str, Any] = {
        "thumbnail": {"href": f"{bucket}/preview.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
        "granule_metadata": {"href": f"{bucket}/metadata.xml", "type": "application/xml", "roles": ["metadata"]},
    }
    if item["collection"] == "sentinel-2-l2a":
        for name, asset in item["assets"].items():
            file = Path(asset["href"]).with_suffix(".jp2").name
            others[f"{name}-jp2"] = {**asset, "href": f"{bucket}/{file}", "type": "image/jp2"}
    else:
        item["properties"]["storage:requester_pays"] = False
    return {**item, "assets": {**item["assets"], **others}}
