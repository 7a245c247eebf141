"""Chips a second of the array code, over those of plain windows: all files on disk, no Spark."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from claylake.vocabulary import BANDS, BANDS_10M, CELL_M, SCL_ASSET
from spark.bench.extract.process import Took, together
from spark.bench.extract.row import Row
from spark.bench.extract.scene import BLOCK_PX, NORTH, WEST
from spark.chips.make import make_chips
from spark.reading.gdal import environment
from spark.reading.raster import Window
from spark.reading.raw_blocks import RawBlocks
from spark.reading.scene import CellPixels, read_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from claylake.catalogue.scene import Scene
    from spark.reading.strips import CellIndex

KEYS = (*BANDS, SCL_ASSET)


def windows(scene: Scene, cells: list[CellIndex]) -> None:
    """Windows of files that are opened once, in order of rows; GDAL's cache as large as GDAL makes it."""
    import rasterio
    from rasterio.windows import Window as RasterioWindow

    files = [(rasterio.open(scene.assets[key].href), 10 if key in BANDS_10M else 20) for key in KEYS]
    for cell in cells:
        for file, pixel_m in files:
            left, top = (cell.col * CELL_M - WEST) // pixel_m, (NORTH - (cell.row + 1) * CELL_M) // pixel_m
            file.read(1, window=RasterioWindow(left, top, CELL_M // pixel_m, CELL_M // pixel_m))
    for file, _ in files:
        file.close()


def blocks(scene: Scene, cells: list[CellIndex]) -> None:
    """Each block that some of the cells need, decoded once, and nothing done with it."""
    import numpy as np
    import rasterio

    for key in KEYS:
        path = scene.assets[key].href
        with rasterio.open(path) as file:
            raw, needed = RawBlocks.of(file, path), set(blocks_of(key, cells))
            into = np.empty((BLOCK_PX, BLOCK_PX), dtype=file.dtypes[0])
            for place, window in file.block_windows(1):
                part = Window(row=window.row_off, col=window.col_off, height=window.height, width=window.width)
                if place in needed and not (raw and raw.read(part, into[: part.height, : part.width])):
                    raise RuntimeError(f"block {place} of {path} cannot be decoded: rates would not compare")


def pixels(scene: Scene, cells: list[CellIndex]) -> None:
    """Cells as the job reads them."""
    with environment():
        _count(len(cells), sum(isinstance(part, CellPixels) for part in read_cells(scene, cells)))


def chips(scene: Scene, cells: list[CellIndex]) -> None:
    """Chips as the job makes them."""
    with environment():
        _count(len(cells), sum(cell.chip is not None for cell in make_chips(scene, cells, "minus_1000")))


def _count(wanted: int, got: int) -> None:
    if got != wanted:
        raise RuntimeError(f"{got} of {wanted} cells came out: rates would not compare")


def blocks_of(key: str, cells: list[CellIndex]) -> Iterator[tuple[int, int]]:
    """(row, column) of the blocks that cells meet, with repetitions.

    Args:
        key: of the band.
        cells: that lie in the scene as a whole.
    """
    block_m = BLOCK_PX * (10 if key in BANDS_10M else 20)
    for cell in cells:
        left, top = cell.col * CELL_M - WEST, NORTH - (cell.row + 1) * CELL_M
        for row in range(top // block_m, (top + CELL_M - 1) // block_m + 1):
            for col in range(left // block_m, (left + CELL_M - 1) // block_m + 1):
                yield row, col


def rows(scene: Scene, cells: list[CellIndex], *, rounds: int) -> Iterator[Row]:
    """Cells per second of the processor, by all ways in turns, in one process and in two at once.

    Args:
        scene: on disk.
        cells: of it.
        rounds: turns of each way; the median counts.
    """
    for number in (1, 2):
        took: dict[Callable[[Scene, list[CellIndex]], None], list[list[Took]]] = {}
        for turn in range(rounds):
            # Each way goes first as often: what runs second meets a warmer machine.
            for way in (windows, blocks, pixels, chips)[:: 1 if turn % 2 else -1]:
                took.setdefault(way, []).append(together(number, way, scene, cells))
        rates = {
            way: [number * len(cells) / sum(each.processor_s for each in turn) for turn in turns]
            for way, turns in took.items()
        }
        slowest = [max(each.seconds for each in turn) for turn in took[chips]]
        peak = max(each.peak_mb for turn in took[chips] for each in turn)
        details = {f"{way.__name__}/s of a core": median(some) for way, some in rates.items()}
        details |= {"chips/s": number * len(cells) / median(slowest), "peak MB": peak}
        beside = "one process" if number == 1 else "two processes"
        for way, other, name, goal in (
            (chips, windows, "chips over windows kept open", ">= 0.9"),
            (pixels, windows, "pixels over windows kept open", ">= 1.8"),
            (blocks, pixels, "blocks decoded once over pixels", "<= 1.3"),
        ):
            share = median(one / another for one, another in zip(rates[way], rates[other], strict=True))
            yield Row(what=f"{name}, {beside}", value=share, goal=goal, details=details)
            details = {}
