"""Every cell of the globe by both ownership rules, and how many of them hold a point: worked out in several processes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from claylake.area.existence import existing
from claylake.area.grid import lonlat_to_grid
from claylake.area.ownership import zones_of
from claylake.area.rule import RULES
from claylake.area.tiles import EASTINGS, holds
from claylake.vocabulary import CELL_M

GRIDS = (*range(32601, 32661), *range(32701, 32761))
LATITUDES = (-80.0, 84.0)
HELD = 4
"""Bit of a cell that a tile wholly holds; the bits of those that exist by a rule are the rules' numbers, 1 and 2."""
FIRST_ROW = -4
COLS = EASTINGS[1] // CELL_M + 1
EDGES = (-80, -72, -56, 0, 56, 64, 72, 83, 84)
"""Of the bands of latitude in the table."""


@dataclass(frozen=True)
class Cells:
    """Counts of one grid, of cells whose centre UTM covers, by band of latitude."""

    epsg: int
    by_rule: dict[int, Any]
    without_tile: Any


def census(epsg: int, folder: Path) -> Cells:
    """Write the grid's bits, (row, col) from `FIRST_ROW`, and count."""
    rows = np.arange(FIRST_ROW, 3680) if epsg < 32700 else np.arange(420, 3912)
    bits = np.zeros((3912 - FIRST_ROW, COLS), dtype=np.uint8)
    bands: dict[int, Any] = dict.fromkeys(RULES, 0)
    without: Any = 0
    for part in np.array_split(rows, 8):
        col, row = (axis.ravel() for axis in np.meshgrid(np.arange(COLS), part))
        here = np.zeros(len(col), dtype=np.uint8)
        for rule in RULES:
            here |= np.where(existing(rule, epsg, col, row), rule, 0).astype(np.uint8)
        here |= np.where(holds(epsg, col, row), HELD, 0).astype(np.uint8)
        bits[row - FIRST_ROW, col] = here
        some = np.flatnonzero(here & 3)
        _, lat = lonlat_to_grid(epsg).transform(
            (col[some] + 0.5) * CELL_M, (row[some] + 0.5) * CELL_M, direction="INVERSE"
        )
        for rule in RULES:
            bands[rule] = bands[rule] + np.histogram(lat[(here[some] & rule) > 0], EDGES)[0]
        without = without + np.histogram(lat[((here[some] & 1) > 0) & ((here[some] & HELD) == 0)], EDGES)[0]
    np.save(folder / f"{epsg}.npy", bits)
    return Cells(epsg, bands, without)


@cache
def bits_of(epsg: int, folder: Path) -> Any:
    return np.load(folder / f"{epsg}.npy", mmap_mode="r")


@dataclass(frozen=True)
class Points:
    """Of a sample, by band of latitude: points, those that no tile's cell holds, holes and doubles by rule."""

    points: Any
    unheld: Any
    holes: dict[int, Any]
    doubles: dict[int, Any]
    examples: tuple[tuple[float, float], ...]


def anywhere(seed: int, number: int) -> tuple[Any, Any]:
    """Points of equal chance on all of the globe that UTM covers."""
    rng = np.random.default_rng(seed)
    low, high = np.sin(np.radians(LATITUDES))
    return rng.uniform(-180, 180, number), np.degrees(np.arcsin(rng.uniform(low, high, number)))


def at_edges(epsg: int, number: int, folder: Path) -> tuple[Any, Any]:
    """Points within 30 m of the corners of cells that no tile holds, of the zone's own ground: where slivers are."""
    bits = bits_of(epsg, folder)
    row, col = np.nonzero(((bits & 1) > 0) & ((bits & HELD) == 0))
    rng = np.random.default_rng(epsg)
    chosen = rng.integers(0, len(row), number)
    x = (col[chosen] + rng.integers(0, 2, number)) * CELL_M + rng.uniform(-30, 30, number)
    y = (row[chosen] + FIRST_ROW + rng.integers(0, 2, number)) * CELL_M + rng.uniform(-30, 30, number)
    lon, lat = lonlat_to_grid(epsg).transform(x, y, direction="INVERSE")
    covered = (LATITUDES[0] <= lat) & (lat <= LATITUDES[1])
    return lon[covered], lat[covered]


def count(lon: Any, lat: Any, folder: Path) -> Points:
    """How many existing cells hold each point. A cell counts against a hole only if a tile wholly holds it."""
    own = zones_of(lon, lat)
    number = len(lon)
    filled = {rule: np.zeros(number, dtype=np.int64) for rule in RULES}
    cells = {rule: np.zeros(number, dtype=np.int64) for rule in RULES}
    held = np.zeros(number, dtype=np.bool_)
    for step in range(-2, 3):
        zone = (own + step - 1) % 60 + 1
        for epsg in GRIDS:
            some = np.flatnonzero((zone == epsg % 100) & (lat > -1 if epsg < 32700 else lat < 0.2))
            if not len(some):
                continue
            x, y = lonlat_to_grid(epsg).transform(lon[some], lat[some])
            bits = bits_of(epsg, folder)
            near = np.isfinite(x) & (0 <= x) & (x < COLS * CELL_M)
            some, col, row = some[near], (x[near] // CELL_M).astype(int), (y[near] // CELL_M).astype(int) - FIRST_ROW
            inside = (0 <= row) & (row < bits.shape[0])
            some, found = some[inside], bits[row[inside], col[inside]]
            held[some] |= (found & HELD) > 0
            for rule in RULES:
                cells[rule][some] += (found & rule) > 0
                filled[rule][some] += ((found & rule) > 0) & ((found & HELD) > 0)

    def by_band(condition: Any) -> Any:
        return np.histogram(lat[condition], EDGES)[0]

    lost = np.flatnonzero(held & (filled[2] == 0))[:5]
    return Points(
        points=by_band(np.ones(number, dtype=np.bool_)),
        unheld=by_band(~held),
        holes={rule: by_band(held & (filled[rule] == 0)) for rule in RULES},
        doubles={rule: by_band(cells[rule] > 1) for rule in RULES},
        examples=tuple(zip(lon[lost].tolist(), lat[lost].tolist(), strict=True)),
    )


def count_anywhere(seed: int, number: int, folder: Path) -> Points:
    return count(*anywhere(seed, number), folder)


def count_at_edges(epsg: int, number: int, folder: Path) -> Points:
    return count(*at_edges(epsg, number, folder), folder)
