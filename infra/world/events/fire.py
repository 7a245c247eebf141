"""A forest fire: char and ash, in patches of different severity."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from shapely import Polygon

from infra.world.events.layer import Layer, dry, uniform
from infra.world.events.site import Site
from infra.world.noise import blurred, fractal, smoothstep
from infra.world.patch import scar
from infra.world.units import Kind

BURNT = (300, 385, 430, 520, 640, 740, 820, 910, 1500, 1780)
"""Charred ground, DN per band: near infrared falls, short-wave infrared rises."""
UNBURNABLE = (Kind.RIVER, Kind.LAKE, Kind.ASPHALT, Kind.GRAVEL)


@dataclass(frozen=True, kw_only=True)
class BurnScar:
    """What a fire leaves, from its start on; nothing grows again."""

    outline: Polygon
    start: datetime
    layer: Layer

    def at(self, moment: datetime, _spectra_of_day: NDArray[np.float32], /) -> Layer | None:
        """See `Trace`."""
        return self.layer if moment > self.start else None


def burn(site: Site) -> BurnScar:
    """Return the scar of a fire.

    Raises:
        WorldError: it would reach beyond the world, or most of it cannot burn.
    """
    outline = site.sized(scar(site.rng("burn"), site.centre, site.radius))
    site.require(~site.of_kind(UNBURNABLE), outline, "burnable")
    inside = site.mask(outline).astype(np.uint8)
    patchy = fractal(site.rng("severity"), site.extent.shape, longest=32, shortest=2, gain=0.6)
    severity = np.float32(0.62) + np.float32(0.38) * smoothstep(patchy, -1.6, 0.1)
    # Blurring would leak over the edge: what burnt stays inside the recorded outline.
    burnt = np.asarray(blurred(inside * severity) * inside)
    rows, cols = np.nonzero(burnt)
    layer = Layer(
        pixels=(rows, cols),
        share=burnt[rows, cols],
        spectra=uniform(BURNT, np.float32(0.7) * site.land.grain[rows, cols]),
        water=dry((rows, cols)),
    )
    return BurnScar(outline=outline, start=site.event.start, layer=layer)
