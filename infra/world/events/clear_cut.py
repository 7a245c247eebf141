"""A clear-cut: a rectangle of forest is felled; branches and earth lie open, then grass and herbs come."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from shapely import Polygon

from infra.world.events.layer import Layer, Pixels, dry, uniform
from infra.world.events.site import Site
from infra.world.noise import Field
from infra.world.spectra import LEAVES, SOIL, STRAW
from infra.world.units import Kind

FOREST = (Kind.CONIFER, Kind.DECIDUOUS)
REGROWTH_YEARS = 2.5
"""After so many years grass and herbs cover 63 % of what they ever will."""
MOST_GREEN = 0.75


@dataclass(frozen=True, kw_only=True)
class Clearing:
    """What felling leaves.

    Attributes:
        outline: of the cut, projected metres.
        start: when it is felled.
        pixels: where trees stood.
        texture: of the ground, `(pixel,)`.
    """

    outline: Polygon
    start: datetime
    pixels: Pixels
    texture: Field

    def at(self, moment: datetime, _spectra_of_day: NDArray[np.float32], /) -> Layer | None:
        """See `Trace`."""
        if moment <= self.start:
            return None
        years = (moment - self.start).days / 365.25
        green = MOST_GREEN * (1 - np.exp(-years / REGROWTH_YEARS)) * growing(moment)
        open_ground = 0.5 * np.array(SOIL) + 0.5 * np.array(STRAW)
        spectrum = (1 - green) * open_ground + green * np.array(LEAVES[Kind.MEADOW])
        count = self.pixels[0].size
        return Layer(
            pixels=self.pixels,
            share=np.full(count, 0.97, dtype=np.float32),
            spectra=uniform(spectrum, self.texture),
            water=dry(self.pixels),
        )


def growing(moment: datetime) -> float:
    """Return how green grass and herbs are in a season: 0 in winter, 1 in early summer."""
    day = moment.timetuple().tm_yday
    return float(np.clip(1.3 * np.sin(np.pi * (day - 75) / 225), 0, 1)) if 75 < day < 300 else 0.0


def fell(site: Site) -> Clearing:
    """Return the clearing of a clear-cut.

    Raises:
        WorldError: it would reach beyond the world, or too little of it is forest.
    """
    outline = site.rectangle(aspect=1.6, turn=float(site.rng("felling").uniform(0, np.pi)))
    pixels = site.require(site.of_kind(FOREST), outline, "forest")
    texture = np.float32(0.06) * site.land.pattern[pixels]
    return Clearing(outline=outline, start=site.event.start, pixels=pixels, texture=texture)
