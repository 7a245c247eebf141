"""A flood: muddy water over the low ground beside river and lakes; it falls, and leaves wet mud."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize, shapes
from shapely import Point, unary_union
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from claylake.vocabulary import PIXEL_M
from infra.world.errors import WorldError
from infra.world.events.layer import Layer, Pixels, uniform
from infra.world.events.site import Site
from infra.world.noise import Field, fractal
from infra.world.units import Kind

MUDDY_WATER = (820, 1080, 1150, 1060, 860, 760, 660, 560, 190, 110)
"""DN per band: bright with sediment, dark in the near and short-wave infrared."""
MUD = (560, 740, 900, 1000, 1080, 1140, 1210, 1270, 1350, 1050)
"""Wet sediment, darker than dry soil, most of all in the short-wave infrared."""
MUD_DAYS = 30
"""After so many days mud is dry, or covered with green again."""
REACH_M = 1500
"""Water goes no farther from its bed."""
TALL = (Kind.CONIFER, Kind.DECIDUOUS, Kind.TREES, Kind.ROOF_RED, Kind.ROOF_GREY, Kind.ROOF_BRIGHT)
"""Crowns and roofs stand out of the water."""
_STEP_M = 30


@dataclass(frozen=True, kw_only=True)
class Inundation:
    """What a flood does; arrays are `(pixel,)`.

    Attributes:
        outline: of the water at its highest, projected metres.
        start: from then on it is at its highest, for half of its time.
        end: the water is gone.
        pixels: the flooded ground.
        depth: of the water at its highest, 0 at its edge to 1 beside its bed.
        hidden: share of the ground that water can hide, less where crowns and roofs stand out.
        texture: of the water.
    """

    outline: BaseGeometry
    start: datetime
    end: datetime
    pixels: Pixels
    depth: Field
    hidden: Field
    texture: Field

    def at(self, moment: datetime, _spectra_of_day: NDArray[np.float32], /) -> Layer | None:
        """See `Trace`."""
        since = (moment - self.end).total_seconds() / 86_400
        if moment <= self.start or since >= MUD_DAYS:
            return None
        elapsed = min(1.0, (moment - self.start) / (self.end - self.start))
        wet = self.depth > max(0.0, 2 * elapsed - 1)
        # The whole ground is wet while the water falls, and dries when it is gone.
        mud = np.float32(0.8 * (1 - max(0.0, since) / MUD_DAYS))
        return Layer(
            pixels=self.pixels,
            share=np.asarray(self.hidden * np.where(wet, 0.88 + 0.1 * self.depth, mud), dtype=np.float32),
            spectra=np.where(wet[:, None], uniform(MUDDY_WATER, self.texture), uniform(MUD, self.texture)),
            water=wet & (self.hidden > 0.5),
        )


def flood(site: Site) -> Inundation:
    """Return the inundation of a flood: the lowest and nearest ground beside the water, of the event's area.

    Raises:
        WorldError: no river or lake is near, or there is too little ground for so much water.
    """
    if site.event.end is None:
        raise WorldError(f"event {site.event}: a flood has an end")
    cost = _cost(site)
    count = round(np.pi * site.radius**2 / PIXEL_M**2)
    rows, cols = np.nonzero(np.isfinite(cost))
    if rows.size < count:
        raise WorldError(
            f"event {site.event}: within reach of the water around {site.event.where} are "
            f"{rows.size * PIXEL_M**2 / 1e4:.0f} ha of ground, fewer than the flood has; give a smaller size"
        )
    first = np.argsort(cost[rows, cols], kind="stable")[:count]
    rows, cols = rows[first], cols[first]
    costs = cost[rows, cols]
    span = max(float(costs[-1] - costs[0]), 1e-6)
    tall = site.of_kind(TALL)[rows, cols]
    return Inundation(
        outline=_outline(site, rows, cols),
        start=site.event.start,
        end=site.event.end,
        pixels=(rows, cols),
        depth=np.asarray(1 - (costs - costs[0]) / np.float32(span), dtype=np.float32),
        hidden=np.where(tall, 0.35, 1.0).astype(np.float32),
        texture=np.float32(0.04) * site.land.pattern[rows, cols],
    )


def _cost(site: Site) -> Field:
    """Return how hardly water gets to pixels, `(row, col)` metres; infinite for water, and out of reach."""
    waters, (x, y) = site.land.waters, site.centre
    away = waters.river.union(waters.lakes).distance(Point(x, y))
    if away > REACH_M:
        raise WorldError(
            f"event {site.event}: the nearest river or lake is {away:.0f} m from {site.event.where}; "
            f"a flood needs one within {REACH_M} m. {_bank(site)}"
        )
    radius = 3 * site.radius + away
    near = unary_union([waters.river, waters.lakes]).intersection(Point(x, y).buffer(radius + REACH_M))
    steps = range(REACH_M, 0, -_STEP_M)
    distance = rasterize(
        [(near.buffer(step), step) for step in steps],
        out_shape=site.extent.shape,
        transform=Affine(*site.extent.transform()),
        fill=0,
        dtype="uint16",
    )
    rows, cols = np.indices(site.extent.shape, sparse=True)
    east = site.extent.west + PIXEL_M * (cols + 0.5)
    north = site.extent.north - PIXEL_M * (rows + 0.5)
    middle = np.hypot(east - x, north - y).astype(np.float32)
    rough = fractal(site.rng("flood"), site.extent.shape, longest=64, shortest=2, gain=0.55)
    low = site.land.terrain.height - np.float32(np.median(site.land.terrain.height[middle < radius]))
    # Ground a metre higher counts as 12 m farther off, and a flood ends some way up and down the river.
    cost = distance * (1 + np.float32(0.3) * rough) + np.float32(12) * low + np.float32(0.2) * middle
    dry_land = (distance > 0) & (middle < radius) & ~site.mask(near)
    return np.where(dry_land, cost, np.float32(np.inf)).astype(np.float32)


def _bank(site: Site) -> str:
    """Say where the nearest water is."""
    wet = np.argwhere(site.of_kind((Kind.RIVER, Kind.LAKE)))
    if not wet.size:
        return "This world has none"
    (height, width), (x, y) = site.extent.shape, site.centre
    here = np.array([(site.extent.north - y) / PIXEL_M, (x - site.extent.west) / PIXEL_M])
    row, col = wet[int(np.argmin(((wet - here) ** 2).sum(1)))]
    return f"The nearest lies at {100 * col / width:.1f}%/{100 * (1 - row / height):.1f}%"


def _outline(site: Site, rows: NDArray[np.intp], cols: NDArray[np.intp]) -> BaseGeometry:
    """Return the flooded pixels as polygons."""
    mask = np.zeros(site.extent.shape, dtype=np.uint8)
    mask[rows, cols] = 1
    origin = Affine(*site.extent.transform())
    return unary_union([shape(polygon) for polygon, _ in shapes(mask, mask=mask.astype(bool), transform=origin)])
