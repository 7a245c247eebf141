"""A month of scenes over an area: the house's own cells, in passes that clouds cover in patches.

Cells are `claylake.area`'s, so their geohashes, hence files and cuts, are real. Scenes are made up: tiles of 110 km on
squares of 100 km, each seen in every pass. Of overlapping tiles the cell's own square supplies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from claylake.area.cells import cells_of
from claylake.vocabulary import BANDS, BANDS_10M, CELL_M
from spark.extraction.batches import OF_CELL, CellToRead
from spark.sentinel2.scl import MEASURES, Measures

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from claylake.area.aoi import Aoi

SQUARE_M, TILE_M = 100_000, 109_800
BLOCK_PX = 1_024
_KINDS = ((len(BANDS_10M), 10 * BLOCK_PX), (len(BANDS) - len(BANDS_10M) + 1, 20 * BLOCK_PX))
"""(files, metres across a block) of 10 m and of 20 m; SCL is among the latter."""
_WAVES_KM = (40, 80, 160, 320)
_SKEW = (1.4, 0.7)
"""Of the beta distribution of scenes' clear shares: few are half clear. Their mean is then what the chips need."""
NONE = Measures(**dict.fromkeys(MEASURES, 0.0))


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A scene: the numbers of the cells that it is to supply, and how many candidates it has."""

    cells: np.ndarray
    candidates: int


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Cells of an area, and by scene id what there is to read."""

    cells: pa.Table
    scenes: dict[str, Seen]

    @cached_property
    def wanted(self) -> dict[str, int]:
        """Scene id to its number of chips, as `batches` takes it."""
        return {scene_id: len(seen.cells) for scene_id, seen in self.scenes.items() if len(seen.cells)}

    @cached_property
    def _columns(self) -> list[Sequence[Any]]:
        return [self.cells[name].to_pylist() for name in OF_CELL]

    def of(self, scene_id: str) -> list[CellToRead]:
        """What a scene is to supply."""
        columns = self._columns
        return [
            CellToRead(
                scene_id=scene_id,
                measures=NONE,
                **dict(zip(OF_CELL, (column[number] for column in columns), strict=True)),
            )
            for number in self.scenes[scene_id].cells.tolist()
        ]


def workload(aoi: Aoi, chips: int, *, passes: int, seed: int = 1) -> Workload:
    """A month over an area.

    Args:
        aoi: the area.
        chips: how many there are to be, exactly; at most as many as there are cells in all passes.
        passes: of each tile.
        seed: of clouds.
    """
    cells = cells_of(aoi)
    epsg, col, row = (cells[name].to_numpy() for name in ("epsg", "col", "row"))
    if chips > len(cells) * passes:
        raise ValueError(f"{chips} chips of {len(cells)} cells in {passes} passes: at most one a cell and pass")
    tiles = np.stack([epsg, col * CELL_M // SQUARE_M, -(-(row + 1) * CELL_M // SQUARE_M)])
    names, tile = np.unique(tiles, axis=1, return_inverse=True)
    members = [np.flatnonzero(tile.ravel() == number) for number in range(names.shape[1])]
    beside = _beside(col, row)
    random = np.random.default_rng(seed)
    shares = random.beta(*_SKEW, size=(passes, len(members)))
    counts = _exactly(shares, np.array([len(some) for some in members]), chips)
    scenes = {}
    for turn in range(passes):
        clear = _field(random, col * CELL_M / 1000, row * CELL_M / 1000)
        for number, some in enumerate(members):
            zone, east, north = names[:, number]
            name = f"S2{'AB'[turn % 2]}_{zone - 32600}_{east:02}_{north:03}_{1 + 5 * turn:02}_0_L2A"
            chosen = some[np.argsort(-clear[some], kind="stable")[: counts[turn, number]]]
            scenes[name] = Seen(cells=np.sort(chosen), candidates=round(float(beside[some].sum())))
    return Workload(cells=cells, scenes=scenes)


def blocks_of(cells: Sequence[CellToRead]) -> int:
    """Blocks of all files of a tile that some of its cells meet."""
    square = cells[0].col * CELL_M // SQUARE_M, -(-(cells[0].row + 1) * CELL_M // SQUARE_M)
    left = np.array([cell.col for cell in cells]) * CELL_M - square[0] * SQUARE_M
    top = square[1] * SQUARE_M - (np.array([cell.row for cell in cells]) + 1) * CELL_M
    number = 0
    for files, across in _KINDS:
        met = [
            ((top + down) // across) * 1_000 + (left + right) // across
            for down in (0, CELL_M - 1)
            for right in (0, CELL_M - 1)
        ]
        number += files * len(np.unique(np.concatenate(met)))
    return number


def _beside(col: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Tiles that a cell meets, its own included: neighbours overlap by what a tile is larger than its square."""
    over = TILE_M - SQUARE_M
    west, north = (col * CELL_M) % SQUARE_M < over, -(row + 1) * CELL_M % SQUARE_M < over
    tiles: np.ndarray = np.add(1, west) * np.add(1, north)
    return tiles


def _exactly(shares: np.ndarray, cells: np.ndarray, chips: int) -> np.ndarray:
    """Counts (pass, tile) that add up to the chips: shares are moved by one exponent, and the rest goes one by one."""
    low, high = 1e-6, 1e6
    for _ in range(100):
        power = (low * high) ** 0.5
        low, high = (power, high) if (shares**power * cells).sum() > chips else (low, power)
    counts: np.ndarray = np.floor(shares**high * cells).astype(int)
    while rest := chips - counts.sum():
        open_to_more = np.argwhere(counts < cells)[:rest]
        counts[tuple(open_to_more.T)] += 1
    return counts


def _field(random: np.random.Generator, x_km: np.ndarray, y_km: np.ndarray) -> np.ndarray:
    """How clear a pass is at each place, up to a constant: waves of several lengths, in directions of their own."""
    found = np.zeros(len(x_km))
    for length in _WAVES_KM:
        for angle, phase in random.uniform(0, 2 * np.pi, (3, 2)):
            found += np.sin(2 * np.pi / length * (x_km * np.cos(angle) + y_km * np.sin(angle)) + phase)
    return found
