"""STAC items for tests."""


def make_item(name, *, day, collection="sentinel-2-l2a", href="./scene/B02.tif", lon=10.0):
    ring = [[lon, 50], [lon + 1, 50], [lon + 1, 51], [lon, 51], [lon, 50]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": collection,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [lon, 50, lon + 1, 51],
        "properties": {"datetime": f"2024-06-{day:02d}T10:30:00.123000Z", "eo:cloud_cover": 10 * (day % 10)},
        "links": [],
        "assets": {"blue": {"href": href}},
    }
