"""Reading a world back, for the tests."""

import json

import rasterio
from rasterio.features import rasterize
from rasterio.warp import transform_geom


def items(world):
    return [json.loads(path.read_text()) for path in sorted((world / "items").glob("*.json"))]


def asset_path(world, item, name):
    return (world / "items" / item["assets"][name]["href"]).resolve()


def read(world, item, name):
    with rasterio.open(asset_path(world, item, name)) as source:
        return source.read(1)


def pick(world, **wanted):
    """Items whose id contains `day` and whose collection is `collection`, where given."""
    return [
        item
        for item in items(world)
        if wanted.get("day", "") in item["id"] and wanted.get("collection", item["collection"]) == item["collection"]
    ]


def event_mask(world, item, name, all_touched):
    feature = json.loads((world / "event.geojson").read_text())
    with rasterio.open(asset_path(world, item, name)) as source:
        geometry = transform_geom("EPSG:4326", source.crs, feature["geometry"])
        shape, transform = source.shape, source.transform
    return rasterize([(geometry, 1)], out_shape=shape, transform=transform, all_touched=all_touched) == 1
