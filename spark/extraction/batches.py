"""What is read together: batches of whole scenes, and within them tasks of some rows of cells."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from spark.sentinel2.scl import Measures

MOST_CHIPS = 2_000
"""Of a batch: about 1 GB on the executors' disks, and what a lost cluster loses."""
FEWEST_CHIPS, FEWEST_ROWS = 32, 8
"""Of a task: blocks of 1,024 px are shared by four rows of cells, and tasks that share one decode it twice."""


@dataclass(frozen=True, kw_only=True)
class CellToRead:
    """A cell that a scene is to supply, and what its chip's row repeats of it.

    `geohash` is of the centre, `geometry` WKB in WGS 84, bounds in degrees (xmin > xmax across 180
    degrees). `measures`: from observing the scene.
    """

    scene_id: str
    cell_id: str
    epsg: int
    col: int
    row: int
    geohash: str
    geometry: bytes
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    measures: Measures


OF_CELL = tuple(field.name for field in fields(CellToRead) if field.name not in ("scene_id", "measures"))
"""What a chip's row repeats of its cell: columns of the plan's cells and of the table chips alike."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Scenes read, checked and written together; `chips` is their number of cells."""

    scene_ids: tuple[str, ...]
    chips: int


def batches(wanted: Mapping[str, int], most: int = MOST_CHIPS) -> Iterator[Batch]:
    """Whole scenes, in order of id, as many as give `most` chips at most; never less than one scene.

    Args:
        wanted: scene id to number of cells to read.
        most: chips of a batch.
    """
    ids: list[str] = []
    chips = 0
    for scene_id, number in sorted(wanted.items()):
        if ids and chips + number > most:
            yield Batch(scene_ids=tuple(ids), chips=chips)
            ids, chips = [], 0
        ids.append(scene_id)
        chips += number
    if ids:
        yield Batch(scene_ids=tuple(ids), chips=chips)


def tasks(cells: Iterable[CellToRead], slots: int) -> Iterator[list[CellToRead]]:
    """One scene's cells as lists of whole rows, north to south, about `slots` of them.

    A scene is cut only where there are more slots than scenes, and never finer than pays.
    """
    rows: list[list[CellToRead]] = [
        sorted(group, key=lambda cell: cell.col)
        for _, group in groupby(sorted(cells, key=lambda cell: -cell.row), key=attrgetter("row"))
    ]
    total = sum(map(len, rows))
    enough = max(-(-total // max(slots, 1)), FEWEST_CHIPS)
    part: list[CellToRead] = []
    height = 0
    for row in rows:
        if part and height >= FEWEST_ROWS and len(part) >= enough:
            yield part
            part, height = [], 0
        part = [*part, *row]
        height += 1
    if part:
        yield part


def by_scene(cells: Iterable[CellToRead]) -> dict[str, list[CellToRead]]:
    """Cells grouped by their scene's id, in its order."""
    grouped: dict[str, list[CellToRead]] = {}
    for cell in sorted(cells, key=lambda cell: cell.scene_id):
        grouped.setdefault(cell.scene_id, []).append(cell)
    return grouped
