"""Where an event lies: its outline, the pixels in it, and whether the ground there is of the right kind."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.features import rasterize
from shapely import Polygon, box
from shapely.affinity import rotate, scale
from shapely.geometry.base import BaseGeometry

from claylake.vocabulary import PIXEL_M
from infra.world.errors import WorldError
from infra.world.events.event import Event
from infra.world.events.layer import Pixels
from infra.world.ground.landcover import Landscape
from infra.world.ground.patch import usual_radius
from infra.world.ground.units import Kind
from infra.world.noise import generator
from infra.world.place import Box, Place

LEAST_SHARE = 0.6
"""Of an outline that has to be ground of the right kind."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """An event's place in a world.

    Attributes:
        event: the event.
        place: the world's place.
        land: its landscape.
        seed: of the world.
        number: how many events of its kind come before it.
    """

    event: Event
    place: Place
    land: Landscape
    seed: int
    number: int

    @property
    def extent(self) -> Box:
        """What is painted."""
        return self.land.extent

    def rng(self, layer: str) -> np.random.Generator:
        """Return the generator of a layer of this event: each event of a kind has its own."""
        return generator(self.seed, layer, *([self.number] if self.number else []))

    @property
    def centre(self) -> tuple[float, float]:
        """Easting and northing, metres.

        Raises:
            WorldError: it lies outside of the world.
        """
        where, extent = self.event.where, self.extent
        if where.is_share:
            return extent.at(where.east, where.north)
        project = Transformer.from_crs(4326, self.place.epsg, always_xy=True)
        east, north = (float(value) for value in project.transform(where.east, where.north))
        if not (extent.west <= east < extent.east and extent.south <= north < extent.north):
            degrees = Transformer.from_crs(self.place.epsg, 4326, always_xy=True)
            west, south, right, top = degrees.transform_bounds(extent.west, extent.south, extent.east, extent.north)
            raise WorldError(
                f"event {self.event}: {where} lies outside of the world of size {self.place.name}, "
                f"which reaches from {west:.2f}/{south:.2f} to {right:.2f}/{top:.2f} (lon/lat)"
            )
        return east, north

    @property
    def radius(self) -> float:
        """Of the circle of equal area, metres; what suits the world where the event has no size."""
        if self.event.area_m2 is not None:
            return float(np.sqrt(self.event.area_m2 / np.pi))
        return usual_radius(self.extent)

    def sized(self, outline: Polygon) -> Polygon:
        """Return an outline around the centre with the event's area, where it has one.

        Raises:
            WorldError: it reaches beyond the world.
        """
        if self.event.area_m2 is not None:
            factor = float(np.sqrt(self.event.area_m2 / outline.area))
            outline = scale(outline, factor, factor, origin=self.centre)
        return self._inside(outline)

    def rectangle(self, aspect: float, turn: float) -> Polygon:
        """Return a turned rectangle around the centre, of the event's area.

        Args:
            aspect: long side over short side.
            turn: direction of the long side, radians from east.

        Raises:
            WorldError: it reaches beyond the world.
        """
        (x, y), area = self.centre, np.pi * self.radius**2
        long, short = float(np.sqrt(area * aspect)) / 2, float(np.sqrt(area / aspect)) / 2
        return self._inside(rotate(box(x - long, y - short, x + long, y + short), turn, use_radians=True))

    def pixels(self, outline: BaseGeometry) -> Pixels:
        """Return the pixels whose centres lie in an outline."""
        rows, cols = np.nonzero(self.mask(outline))
        return rows, cols

    def mask(self, outline: BaseGeometry) -> NDArray[np.bool_]:
        """Return whether pixels' centres lie in an outline, `(row, col)`."""
        origin = Affine(*self.extent.transform())
        inside = rasterize([(outline, 1)], out_shape=self.extent.shape, transform=origin, dtype="uint8")
        return np.asarray(inside, dtype=bool)

    def of_kind(self, kinds: Iterable[Kind]) -> NDArray[np.bool_]:
        """Return whether pixels are ground of these kinds, `(row, col)`."""
        return np.isin(self.land.units.kind, [int(kind) for kind in kinds])[self.land.unit]

    def require(self, fitting: NDArray[np.bool_], outline: BaseGeometry, what: str) -> Pixels:
        """Return the fitting pixels of an outline.

        Args:
            fitting: `(row, col)` whether the ground is of the right kind.
            outline: projected metres.
            what: name of the right ground, for the message.

        Raises:
            WorldError: too few fit; the message names the nearest place where enough would.
        """
        inside = self.mask(outline)
        share = float(fitting[inside].mean()) if inside.any() else 0.0
        if share < LEAST_SHARE:
            raise WorldError(
                f"event {self.event}: {share:.0%} of the ground around {self.event.where} is {what}; "
                f"a {self.event.kind} needs {LEAST_SHARE:.0%}. {self._nearest(fitting)}"
            )
        rows, cols = np.nonzero(inside & fitting)
        return rows, cols

    def _nearest(self, fitting: NDArray[np.bool_]) -> str:
        """Say where the nearest square of the event's size has enough fitting ground."""
        side = min(max(3, round(1.8 * self.radius / PIXEL_M)), *(size - 1 for size in fitting.shape))
        sums = np.pad(fitting.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        counts = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
        rows, cols = np.nonzero(counts >= 1.15 * LEAST_SHARE * side**2)
        if not rows.size:
            return "No place of this world has it: give a smaller size"
        height, width = fitting.shape
        east, north = (cols + side / 2) / width, 1 - (rows + side / 2) / height
        x, y = self.centre
        own = (x - self.extent.west) / (width * PIXEL_M), (y - self.extent.south) / (height * PIXEL_M)
        best = int(np.argmin(((east - own[0]) * width) ** 2 + ((north - own[1]) * height) ** 2))
        return f"The nearest place that has it is {100 * east[best]:.1f}%/{100 * north[best]:.1f}%"

    def _inside(self, outline: Polygon) -> Polygon:
        extent = self.extent
        if not box(extent.west, extent.south, extent.east, extent.north).contains(outline):
            raise WorldError(
                f"event {self.event}: it reaches beyond the world of size {self.place.name}; "
                "give a place farther inside, or a smaller size"
            )
        return outline
