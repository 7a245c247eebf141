"""The landscape: everything that stays the same from pass to pass, painted once."""

from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from claylake.vocabulary import PIXEL_M
from infra.world.arguments import GROVE
from infra.world.ground import units as u
from infra.world.ground.cadastre import LANE, ROAD, STREET, Cadastre, survey
from infra.world.ground.patch import scar, usual_radius
from infra.world.ground.terrain import Terrain, raise_terrain
from infra.world.ground.texture import crown_grain, soil_pattern
from infra.world.ground.units import Kind, Units, plant
from infra.world.ground.water import Waters, spill_waters
from infra.world.noise import Field, fractal, generator
from infra.world.place import Box

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """The ground of a world; rasters are `(row, col)` at 10 m.

    Attributes:
        extent: what the rasters cover.
        unit: row of `units` for each pixel, int32.
        units: what grows where.
        pattern: soil moisture and the rows of fields, std about 1.
        grain: relative brightness of tree crowns and water, added to 1.
        terrain: heights and slopes.
        waters: river, creeks and lakes as outlines.
    """

    extent: Box
    unit: NDArray[np.int32]
    units: Units
    pattern: Field
    grain: Field
    terrain: Terrain
    waters: Waters


def paint_landscape(seed: int, extent: Box) -> Landscape:
    """Return the landscape of a seed and an extent."""
    terrain = raise_terrain(seed, extent)
    waters = spill_waters(seed, extent)
    cadastre = survey(seed, extent)
    grove = scar(generator(seed, "burn"), extent.at(GROVE.east, GROVE.north), usual_radius(extent))
    valley = _mask(extent, waters.line.buffer(420))
    rows, cols = _pixels(extent, cadastre.centres)
    units = plant(seed, wet=valley[rows, cols], high=terrain.height[rows, cols] > 680)
    forest = _forest(seed, extent, terrain, cadastre, grove)
    unit = u.PARCEL_BASE + cadastre.parcel
    unit = _plant_trees(seed, unit, forest, cadastre, terrain)
    unit = _build_up(seed, unit, forest, cadastre, terrain)
    unit = _flood(seed, unit, extent, waters, cadastre)
    return Landscape(
        extent=extent,
        unit=unit.astype(np.int32),
        units=units,
        pattern=soil_pattern(seed, extent.shape, cadastre),
        grain=crown_grain(seed, units.kind[unit]),
        terrain=terrain,
        waters=waters,
    )


def _mask(extent: Box, shape: BaseGeometry) -> Mask:
    origin = Affine(*extent.transform())
    inside = rasterize([(shape, 1)], out_shape=extent.shape, transform=origin, dtype="uint8")
    return np.asarray(inside, dtype=bool)


def _pixels(extent: Box, points: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows = np.clip((extent.north - points[:, 1]) // PIXEL_M, 0, extent.shape[0] - 1).astype(np.intp)
    cols = np.clip((points[:, 0] - extent.west) // PIXEL_M, 0, extent.shape[1] - 1).astype(np.intp)
    return rows, cols


def _forest(seed: int, extent: Box, terrain: Terrain, cadastre: Cadastre, grove: Polygon) -> Mask:
    """Return where trees stand: on hills, in a grove, and in patches that follow parcels about as often as not."""
    rng = generator(seed, "forest")
    wild = fractal(rng, extent.shape, longest=256, shortest=4, gain=0.55)
    owner = rng.normal(0, 0.42, cadastre.headings.size).astype(np.float32)
    wild += owner[cadastre.parcel]
    wild += np.clip((terrain.height - 540) / 130, -0.1, 2.4)
    wild += np.float32(2.6) * np.exp(-(_distance(extent, grove) ** 2) / np.float32(grove.area))
    top = 0.72 * float(terrain.height.max()) + 0.28 * float(terrain.height.min())
    alpine = terrain.height + 60 * fractal(rng, extent.shape, longest=64, shortest=4) > top
    return (wild > 1.12) & ~alpine


def _distance(extent: Box, shape: BaseGeometry) -> Field:
    """Return the distance of pixels from a shape's centre, metres."""
    rows, cols = extent.shape
    north = extent.north - PIXEL_M * (np.arange(rows, dtype=np.float32)[:, None] + 0.5)
    east = extent.west + PIXEL_M * (np.arange(cols, dtype=np.float32)[None, :] + 0.5)
    return np.asarray(np.hypot(north - np.float32(shape.centroid.y), east - np.float32(shape.centroid.x)))


def _plant_trees(
    seed: int, unit: NDArray[np.int32], forest: Mask, cadastre: Cadastre, terrain: Terrain
) -> NDArray[np.int32]:
    rng = generator(seed, "trees")
    mix = fractal(rng, unit.shape, longest=128, shortest=2, gain=0.6)
    mix += rng.normal(0, 0.5, cadastre.headings.size).astype(np.float32)[cadastre.parcel]
    mix += np.clip((terrain.height - 560) / 300, 0, 1.5)
    stand = (cadastre.parcel * 7919) % u.STANDS
    trees = np.where(mix > 0.1, u.CONIFER_BASE, u.DECIDUOUS_BASE) + stand
    return np.where(forest, trees, unit).astype(np.int32)


def _build_up(
    seed: int, unit: NDArray[np.int32], forest: Mask, cadastre: Cadastre, terrain: Terrain
) -> NDArray[np.int32]:
    """Lay ways and build houses, gardens and sheds."""
    rng = generator(seed, "houses")
    town = (cadastre.built > 0) & (terrain.height < 640)
    dense = np.clip(cadastre.built, 0, 1)
    lot = rng.random(cadastre.headings.size, dtype=np.float32)[cadastre.parcel]
    draw = rng.random(unit.shape, dtype=np.float32) + np.float32(0.5) * (0.25 - dense)
    draw += np.float32(0.65) * (lot - 0.5)
    homes = np.select(
        [draw < 0.07, draw < 0.28, draw < 0.44, draw < 0.67],
        [Kind.ROOF_GREY, Kind.ROOF_RED, Kind.ASPHALT, Kind.TREES],
        Kind.GARDEN,
    )
    sheds = rng.random(((unit.shape[0] + 4) // 5 + 1, (unit.shape[1] + 6) // 7 + 1))
    shed = np.repeat(np.repeat(sheds, 5, 0), 7, 1)[: unit.shape[0], : unit.shape[1]]
    works = np.where(shed < 0.3, Kind.ROOF_BRIGHT, Kind.ASPHALT)
    works = np.where(shed > 0.62, Kind.ROOF_GREY, works)
    edge = town & (dense < 0.35) & (lot < 0.13)
    green = town & (lot > 0.93)
    built = np.where(edge, works, np.where(green, Kind.TREES, homes))
    unit = np.where(town, built, unit)
    ways = cadastre.ways
    unit = np.where((ways == STREET) & town, Kind.ASPHALT, unit)
    unit = np.where((ways == LANE) & ~forest, Kind.LANE, unit)
    paved = (ways == ROAD) & (terrain.height < 620)
    return np.where(paved, Kind.ASPHALT, unit).astype(np.int32)


def _flood(seed: int, unit: NDArray[np.int32], extent: Box, waters: Waters, cadastre: Cadastre) -> NDArray[np.int32]:
    """Let the river run under its bridges, and trees grow along the water."""
    rough = fractal(generator(seed, "banks"), unit.shape, longest=32, shortest=2, gain=0.6)
    open_land = cadastre.built < 0.05
    wood = _mask(extent, waters.river.buffer(95)) & (rough > -0.25)
    for creek in waters.creeks:
        wood |= _mask(extent, creek.buffer(13)) & (rough > -0.9)
    stand = u.DECIDUOUS_BASE + cadastre.parcel % u.STANDS
    unit = np.where(wood & open_land, stand, unit)
    gravel = _mask(extent, waters.lakes.buffer(16)) & (rough > 0.9)
    unit = np.where(gravel, Kind.GRAVEL, unit)
    bridge = cadastre.ways == ROAD
    unit = np.where(_mask(extent, waters.river) & ~bridge, Kind.RIVER, unit)
    return np.where(_mask(extent, waters.lakes), Kind.LAKE, unit).astype(np.int32)
