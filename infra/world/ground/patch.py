"""An irregular patch of ground: its usual size, and the shape in which fires spread."""

import numpy as np
from shapely import Polygon

from infra.world.ground.water import blob
from infra.world.place import Box


def usual_radius(extent: Box) -> float:
    """Return the radius that suits a world, metres: about 0.45 % of a large one's area."""
    return 0.04 * min(extent.east - extent.west, extent.north - extent.south) + 60


def scar(rng: np.random.Generator, centre: tuple[float, float], radius: float) -> Polygon:
    """Return a patch around a centre, longer than it is wide, projected metres.

    Args:
        rng: source of the outline.
        centre: easting and northing, metres.
        radius: metres, before stretching.
    """
    return blob(rng, centre, radius, stretch=1.7, turn=0.5, rough=1.25)
