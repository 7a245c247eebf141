"""The demo world: a seeded landscape under Sentinel-2, as COGs and STAC items.

`build` paints it; `python -m infra.local.world` is its command line. Needs the spark
environment (numpy, rasterio, shapely, pyproj).
"""

from infra.local.world.build import MONTHS, SEED, VERSION, aoi_feature, build
from infra.local.world.errors import WorldError
from infra.local.world.place import PLACES, Place, place_of

__all__ = ["MONTHS", "PLACES", "SEED", "VERSION", "Place", "WorldError", "aoi_feature", "build", "place_of"]
