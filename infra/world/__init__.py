"""The demo world: a seeded landscape under Sentinel-2, as COGs and STAC items.

`build` paints it; `PYTHONPATH=dags python -m infra.world` is its command line. Painting needs the spark
environment (numpy, rasterio, shapely, pyproj).
"""

from infra.world.build import MONTHS, SEED, VERSION, aoi_feature, build
from infra.world.errors import WorldError
from infra.world.place import PLACES, Place, place_of

__all__ = ["MONTHS", "PLACES", "SEED", "VERSION", "Place", "WorldError", "aoi_feature", "build", "place_of"]
