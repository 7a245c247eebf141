"""The demo world: a seeded landscape under Sentinel-2, as COGs and STAC items.

`arguments` says what it is made of, `build` paints it, `python -m infra.world` is its command line.
Painting needs the spark environment (numpy, rasterio, shapely, pyproj).
"""
