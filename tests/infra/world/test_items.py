import json

import pytest
import rasterio
from pyproj import Transformer
from shapely import Polygon
from shapely.geometry import shape

from claylake.vocabulary import ASSETS, CELL_M
from infra.world.place import PLACES
from tests.infra.world.reading import asset_path, items, pick


def test_every_asset_is_a_cog_on_the_tile_grid_as_the_item_says(tiny):
    corner = {"PU": (600_000, 5_400_000), "QU": (699_960, 5_400_000)}
    for item in items(tiny):
        left, top = corner[item["properties"]["mgrs:grid_square"]]
        assert set(item["assets"]) == set(ASSETS)
        for name, asset in item["assets"].items():
            with rasterio.open(asset_path(tiny, item, name)) as source:
                assert list(source.shape) == asset["proj:shape"]
                assert list(source.transform)[:6] == asset["proj:transform"]
                assert source.crs.to_epsg() == 32632
                assert source.nodata == 0
                assert source.dtypes == (asset["raster:bands"][0]["data_type"],)
                assert source.tags(ns="IMAGE_STRUCTURE") | {"LAYOUT": "COG", "COMPRESSION": "DEFLATE"} == source.tags(
                    ns="IMAGE_STRUCTURE"
                )
                assert source.profile["tiled"]
                pixel = source.res[0]
                assert (source.transform.c - left) % pixel == 0
                assert (top - source.transform.f) % pixel == 0
        assert item["assets"]["blue"]["proj:shape"] == [2 * n for n in item["assets"]["scl"]["proj:shape"]]


def test_corners_are_off_the_cell_grid():
    for place in PLACES.values():
        for tile in place.tiles:
            assert tile.crop.west % CELL_M
            assert tile.crop.north % CELL_M


def test_neither_tile_holds_all_cells_and_both_hold_some():
    for place in PLACES.values():
        west, east = place.tiles
        cols = range(place.cells.west, place.cells.east, CELL_M)
        held = [{c for c in cols if t.crop.west <= c and c + CELL_M <= t.crop.east} for t in (west, east)]
        assert held[0] | held[1] == set(cols)
        assert held[0] & held[1]
        assert held[0] - held[1]
        assert held[1] - held[0]
        for tile in place.tiles:
            assert tile.crop.south <= place.cells.south
            assert tile.crop.north >= place.cells.north


def test_the_demo_tiles_overlap_as_the_real_ones():
    west, east = PLACES["demo"].tiles
    assert west.crop.east - east.crop.west == 709_800 - 699_960


def test_both_dialects(tiny):
    for item in pick(tiny, collection="sentinel-2-c1-l2a"):
        p = item["properties"]
        assert p["proj:code"] == "EPSG:32632"
        assert "proj:epsg" not in p
        assert "earthsearch:boa_offset_applied" not in p
        assert item["id"].startswith(f"{p['s2:datatake_id'][1:4]}_T32U")
    for item in pick(tiny, collection="sentinel-2-l2a"):
        p = item["properties"]
        assert p["proj:epsg"] == 32632
        assert "proj:code" not in p
        assert p["earthsearch:boa_offset_applied"] is True
        assert p["s2:processing_baseline"] in {"05.10", "05.11"}
    old = [i for i in items(tiny) if "s2:granule_id" in i["properties"]]
    assert {i["assets"]["red"]["raster:bands"][0]["bits_per_sample"] for i in old} == {15}
    for item in items(tiny):
        assert item["assets"]["red"]["raster:bands"][0]["offset"] == -0.1


def test_tiles_of_a_pass_share_the_datatake_and_are_seconds_apart(tiny):
    west, east = pick(tiny, day="20240906")
    assert west["properties"]["s2:datatake_id"] == east["properties"]["s2:datatake_id"]
    assert west["properties"]["datetime"] != east["properties"]["datetime"]
    assert west["properties"]["datetime"][:17] == east["properties"]["datetime"][:17]


def test_footprints_hold_the_raster_and_end_at_the_swath(tiny):
    to_utm = Transformer.from_crs(4326, 32632, always_xy=True)
    for item in items(tiny):
        outline = Polygon([to_utm.transform(*point) for point in item["geometry"]["coordinates"][0]])
        rows, cols = item["assets"]["scl"]["proj:shape"]
        share = 1 - item["properties"]["s2:nodata_pixel_percentage"] / 100
        assert outline.area == pytest.approx(rows * cols * 400 * share, rel=0.005)
        assert item["bbox"] == list(shape(item["geometry"]).bounds)


def test_a_late_update_and_an_edge_exist(tiny):
    late = [i for i in items(tiny) if i["properties"]["updated"][:10] == "2024-10-20"]
    edge = [i for i in items(tiny) if i["properties"]["s2:nodata_pixel_percentage"] > 5]
    assert late
    assert edge


def test_world_json_lists_what_is_there(tiny):
    world = json.loads((tiny / "world.json").read_text())
    assert {scene["id"] for scene in world["scenes"]} == {item["id"] for item in items(tiny)}
    assert world["months"] == ["2024-07", "2024-08", "2024-09"]
