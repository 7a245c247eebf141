"""A STAC API over scenes that are made up as pages are requested: as many, and as large, as a large search finds."""

from __future__ import annotations

import itertools
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, Final

from claylake.month import Month
from claylake.vocabulary import ASSETS, COLLECTIONS

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

MONTH: Final = Month(2024, 7)
"""Of all scenes."""
ITEM_BYTES: Final = 30_000
"""Of an item's JSON: 100 kB once it is read."""
TILE_M: Final = 109_800
SQUARE_M: Final = 100_000
DAYS: Final = 28
LINK: Final = {
    "rel": "self",
    "href": "https://example.com/item",
    "type": "application/geo+json",
    "title": "One of many",
}
CONFORMS: Final = ("https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search")


def serve(ready: Connection, geometry: dict[str, Any], count: int) -> None:
    """Answer until the process ends.

    Args:
        ready: is sent the address.
        geometry: GeoJSON polygon in lon/lat that the scenes cover, tile by tile, then pass by pass.
        count: of the scenes; another month has none.
    """
    tiles = _tiles(geometry)
    rest = ", ".join([json.dumps(LINK)] * (ITEM_BYTES // len(json.dumps(LINK))))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(json.dumps(_landing(url)))

        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            start = query.get("start", 0)
            shown = f"/{MONTH.next()}" in query["datetime"] if "datetime" in query else True
            end = min(start + query["limit"], count if shown else 0)
            items = ", ".join(
                f'{json.dumps(_item(tiles, number))[:-1]}, "links": [{rest}]}}' for number in range(start, end)
            )
            following = {"rel": "next", "href": f"{url}/search", "method": "POST", "body": {**query, "start": end}}
            links = json.dumps([following] if start < end < count else [])
            self.answer(f'{{"type": "FeatureCollection", "features": [{items}], "links": {links}}}')

        def answer(self, text: str) -> None:
            data = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    ready.send(url)
    server.serve_forever()


def _tiles(geometry: dict[str, Any]) -> list[tuple[int, int, int, list[list[float]]]]:
    """EPSG, west and south (m) and ring in lon/lat of the 100 km squares that meet a northern area."""
    from pyproj import Transformer
    from shapely.geometry import Polygon, shape

    area = shape(geometry)
    west, south, east, north = area.bounds
    found = []
    for epsg in range(32601 + int(west + 180) // 6, 32602 + int(east + 180) // 6):
        back = Transformer.from_crs(epsg, 4326, always_xy=True)
        rows = range(int(south * 110_500) // SQUARE_M - 1, int(north * 112_000) // SQUARE_M + 1)
        for x, y in itertools.product(range(SQUARE_M, 9 * SQUARE_M, SQUARE_M), (row * SQUARE_M for row in rows)):
            ring = [(x, y), (x + TILE_M, y), (x + TILE_M, y + TILE_M), (x, y + TILE_M), (x, y)]
            lonlat = [[round(value, 6) for value in back.transform(*corner)] for corner in ring]
            lon = sum(corner[0] for corner in lonlat[:4]) / 4
            if 32601 + int(lon + 180) // 6 == epsg and area.intersects(Polygon(lonlat)):
                found.append((epsg, x, y, lonlat))
    return found


def _item(tiles: list[tuple[int, int, int, list[list[float]]]], number: int) -> dict[str, Any]:
    turn, place = divmod(number, len(tiles))
    epsg, x, y, ring = tiles[place]
    start = f"{MONTH}-{1 + turn % DAYS:02d}".replace("-", "") + f"T{turn // DAYS % 24:02d}{epsg % 100:02d}59"
    name = f"S2B_{epsg}_{x // SQUARE_M}_{y // SQUARE_M}_{start}_0_L2A"
    moment = f"{MONTH}-{1 + turn % DAYS:02d}T12:06:29.123Z"
    assets = {
        key: {
            "href": f"https://example.com/sentinel-s2-l2a-cogs/{epsg % 100}/T/WN/{MONTH}/{name}/{key}.tif",
            "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "proj:shape": [10980, 10980],
            "proj:transform": [10, 0, x, 0, -10, y + TILE_M],
            "raster:bands": [
                {"nodata": 0, "data_type": "uint16", "spatial_resolution": 10, "scale": 0.0001, "offset": -0.1}
            ],
        }
        for key in ASSETS
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": COLLECTIONS[0],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "datetime": moment,
            "updated": moment,
            "platform": "sentinel-2b",
            "proj:code": f"EPSG:{epsg}",
            "s2:datatake_id": f"GS2B_{start}_038371_N05.10",
            "s2:processing_baseline": "05.10",
            "s2:sequence": "0",
            "eo:cloud_cover": number * 7 % 80,
            "earthsearch:boa_offset_applied": False,
        },
        "assets": assets,
    }


def _landing(url: str) -> dict[str, Any]:
    search = {"rel": "search", "href": f"{url}/search", "type": "application/geo+json", "method": "POST"}
    links = [{"rel": "root", "href": url, "type": "application/json"}, search]
    description = {"type": "Catalog", "stac_version": "1.0.0", "id": "bench", "description": "scenes made up"}
    return {**description, "conformsTo": list(CONFORMS), "links": links}
