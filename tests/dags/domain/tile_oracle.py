"""Rule 2 for one point or cell at a time, from the list of tiles and scalar arithmetic: the oracle of what is vectorised."""

import math
from functools import cache

from pyproj import Transformer

from claylake.area.tiles import tile_list
from tests.dags.domain.zones import zone_of

CELL = 2560


@cache
def tiles_of(epsg):
    """(west, south) of the grid's tiles: eastings down and northings up to multiples of 60 m, from the equator on."""
    zero = 10_000_000 if epsg > 32700 else 0
    return {
        (easting - easting % 60, zero + math.ceil((northing + 100_000 - zero) / 60) * 60 - 109_800)
        for easting, northing in tile_list().grids[epsg].squares()
    }


@cache
def projection(epsg):
    return Transformer.from_crs(4326, epsg, always_xy=True)


@cache
def held(epsg, col, row):
    return any(
        west <= col * CELL
        and (col + 1) * CELL <= west + 109_800
        and south <= row * CELL
        and (row + 1) * CELL <= south + 109_800
        for west, south in tiles_of(epsg)
    )


def cell_at(epsg, lon, lat):
    easting, northing = projection(epsg).transform(lon, lat)
    return math.floor(easting / CELL), math.floor(northing / CELL)


def grids_by_preference(lon, lat):
    own = zone_of(lon, lat)
    reach = 2 if lat >= 72 else 1

    def away(zone):
        return abs((6 * zone - 183 - lon + 180) % 360 - 180)

    others = sorted({(own + step - 1) % 60 + 1 for step in range(-reach, reach + 1)} - {own}, key=away)
    for zone in (own, *others):
        if lat < 0:
            yield 32700 + zone
        if lat >= -1:
            yield 32600 + zone


def owner_of(lon, lat):
    """(epsg, col, row) of the owner's cell at a point; None where no tile holds it."""
    for epsg in grids_by_preference(lon, lat):
        cell = cell_at(epsg, lon, lat)
        if held(epsg, *cell):
            return (epsg, *cell)
    return None
