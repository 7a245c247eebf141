"""Bytes and requests of reading a scene over HTTP, over what its blocks are; and the worker's memory."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from spark.bench.extract.array import KEYS, blocks_of
from spark.bench.extract.process import NEW, peak_mb
from spark.bench.extract.row import Row
from spark.chips.make import make_chips
from spark.reading.gdal import Traffic, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from claylake.catalogue.scene import Scene
    from spark.reading.strips import CellIndex

PARTS = 6
_T = TypeVar("_T")


def rows(scene: Scene, served: Scene, cells: list[CellIndex]) -> Iterator[Row]:
    """Of a scene that one process reads, and of one whose cells six processes share.

    Args:
        scene: on disk.
        served: the same over HTTP.
        cells: of it.
    """
    for parts in (1, PARTS):
        needed_bytes, needed_blocks = _alone(needed, scene, cells)
        share = -(-len(cells) // parts)
        found = [_alone(_read, served, cells[start : start + share]) for start in range(0, len(cells), share)]
        spent = sum((traffic for traffic, _ in found), Traffic())
        split = "whole scene" if parts == 1 else f"scene split in {parts}"
        yield Row(
            what=f"bytes fetched over bytes needed, {split}",
            value=spent.downloaded / needed_bytes,
            goal="<= 1.1" if parts == 1 else "<= 1.2",
            details={"MB fetched": spent.downloaded / 1e6, "MB needed": needed_bytes / 1e6},
        )
        yield Row(
            what=f"requests over blocks, {split}",
            value=spent.requests / needed_blocks,
            goal="<= 0.25",
            details={"requests": spent.requests, "blocks": needed_blocks},
        )
        if parts == 1:
            yield Row(what="peak memory of a worker over HTTP, MB", value=found[0][1], goal="<= 700")


def _alone(work: Callable[[Scene, list[CellIndex]], _T], scene: Scene, cells: list[CellIndex]) -> _T:
    """In a process of its own: what GDAL keeps of a file is the process's."""
    with ProcessPoolExecutor(1, mp_context=NEW) as pool:
        return pool.submit(work, scene, cells).result()


def needed(scene: Scene, cells: list[CellIndex]) -> tuple[int, int]:
    """Bytes and number of the blocks that cells meet, each counted once."""
    import rasterio

    size = number = 0
    for key in KEYS:
        with rasterio.open(scene.assets[key].href) as file:
            for row, col in set(blocks_of(key, cells)):
                size += int(file.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1))
                number += 1
    return size, number


def _read(scene: Scene, cells: list[CellIndex]) -> tuple[Traffic, float]:
    with environment():
        spent = sum((cell.traffic for cell in make_chips(scene, cells, "minus_1000")), Traffic())
    return spent, peak_mb()
