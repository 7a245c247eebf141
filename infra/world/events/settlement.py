"""A new settlement: the site is laid bare, then streets, houses and gardens come, plot by plot."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from shapely import Polygon

from claylake.vocabulary import PIXEL_M
from infra.world.events.layer import Layer, Pixels, dry
from infra.world.events.site import Site
from infra.world.noise import Field
from infra.world.spectra import SOIL
from infra.world.units import PARCEL_BASE, Kind
from infra.world.water import blob

STREETS_DAYS = 60
"""After so many days of earthworks streets are paved."""
BUILDING_DAYS = (90, 540)
"""When the first and the last plot are built on."""
_BLOCK_M, _STREET_M, _PLOT_M = 80, 12, 34


@dataclass(frozen=True, kw_only=True)
class Settling:
    """What building leaves; arrays are `(pixel,)`.

    Attributes:
        outline: of the site, projected metres.
        start: when earthworks begin.
        pixels: those built on.
        kind: a `Kind` of each, once it is built.
        days: days after which it is built.
        texture: of the bare site.
    """

    outline: Polygon
    start: datetime
    pixels: Pixels
    kind: NDArray[np.uint8]
    days: Field
    texture: Field

    def at(self, moment: datetime, spectra_of_day: NDArray[np.float32], /) -> Layer | None:
        """See `Trace`."""
        since = (moment - self.start).total_seconds() / 86_400
        if since <= 0:
            return None
        bare = np.array(SOIL, dtype=np.float32) * (1 + self.texture)[:, None]
        # A material's unit has the number of its kind.
        built = np.asarray(spectra_of_day[self.kind])
        return Layer(
            pixels=self.pixels,
            share=np.full(self.kind.size, 0.98, dtype=np.float32),
            spectra=np.where((self.days <= since)[:, None], built, bare),
            water=dry(self.pixels),
        )


def settle(site: Site) -> Settling:
    """Return the building of a settlement.

    Raises:
        WorldError: it would reach beyond the world, or too little of it is open land.
    """
    rng = site.rng("settling")
    turn = float(rng.uniform(0, np.pi))
    outline = site.sized(blob(rng, site.centre, site.radius, stretch=1.3, turn=turn, rough=0.5))
    open_land = site.land.unit >= PARCEL_BASE
    rows, cols = site.require(open_land, outline, "open land")
    along, across = _turned(site, rows, cols, turn)
    is_street = (along % _BLOCK_M < _STREET_M) | (across % (2 * _BLOCK_M) < _STREET_M)
    plot = np.stack([along // _PLOT_M, across // _PLOT_M]).astype(np.int64)
    plot -= plot.min(axis=1, keepdims=True)
    shape = tuple(plot.max(axis=1) + 1)
    roof = rng.choice([Kind.ROOF_RED, Kind.ROOF_GREY, Kind.ROOF_BRIGHT], size=shape, p=[0.6, 0.33, 0.07])[*plot]
    order = rng.uniform(*BUILDING_DAYS, size=shape)[*plot]
    is_house = (along % _PLOT_M < 0.62 * _PLOT_M) & (across % _PLOT_M < 0.62 * _PLOT_M)
    tree = np.where(rng.random(rows.size) < 0.1, Kind.TREES, Kind.GARDEN)
    kind = np.where(is_street, Kind.ASPHALT, np.where(is_house, roof, tree)).astype(np.uint8)
    return Settling(
        outline=outline,
        start=site.event.start,
        pixels=(rows, cols),
        kind=kind,
        days=np.where(is_street, STREETS_DAYS, order).astype(np.float32),
        texture=np.float32(0.08) * site.land.pattern[rows, cols],
    )


def _turned(
    site: Site, rows: NDArray[np.intp], cols: NDArray[np.intp], turn: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return pixels' places along and across the streets, metres from the centre."""
    x, y = site.centre
    east = site.extent.west + PIXEL_M * (cols + 0.5) - x
    north = site.extent.north - PIXEL_M * (rows + 0.5) - y
    return east * np.cos(turn) + north * np.sin(turn), north * np.cos(turn) - east * np.sin(turn)
