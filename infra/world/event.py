"""The event: a forest fire between August's and September's passes of 2024."""

from datetime import UTC, datetime

import numpy as np
from affine import Affine
from rasterio.features import rasterize
from shapely import Polygon

from infra.world.noise import Field, blurred, fractal, generator, smoothstep
from infra.world.place import Box
from infra.world.water import blob

EVENT_TIME = datetime(2024, 8, 29, 13, 0, tzinfo=UTC)
"""Passes after this show the burn."""

_CENTRE_UV = (0.63, 0.71)


def burn_outline(seed: int, extent: Box) -> Polygon:
    """Return the burnt area's outline in projected metres: about 0.45 % of a large extent."""
    width, height = extent.east - extent.west, extent.north - extent.south
    centre = (extent.west + _CENTRE_UV[0] * width, extent.south + _CENTRE_UV[1] * height)
    radius = 0.04 * min(width, height) + 60
    return blob(generator(seed, "burn"), centre, radius, stretch=1.7, turn=0.5, rough=1.25)


def burn_severity(seed: int, extent: Box, outline: Polygon) -> Field:
    """Return how badly each pixel burnt, 0 outside the outline to 1, `(row, col)` at 10 m."""
    origin = Affine(*extent.transform())
    inside = rasterize([(outline, 1)], out_shape=extent.shape, transform=origin, dtype="uint8")
    patchy = fractal(generator(seed, "severity"), extent.shape, longest=32, shortest=2, gain=0.6)
    severity = np.float32(0.62) + np.float32(0.38) * smoothstep(patchy, -1.6, 0.1)
    # Blurring would leak over the edge: what burnt stays inside the recorded outline.
    return np.asarray(blurred(inside * severity) * inside)
