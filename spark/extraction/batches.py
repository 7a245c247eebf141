"""What is read together: batches of whole scenes, and within them tasks: whole scenes, or parts of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

import pygeohash

from claylake.vocabulary import CHIPS
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from spark.sentinel2.scl import Measures

Supply = TypeVar("Supply", str, tuple[str, ...])
CHIP_BYTES = 500_000
"""Of a chip in its file, about: what bounds a batch."""
BYTES_PER_SLOT = 4_000_000_000
"""Of a batch, for each task that runs at a time: four or five whole scenes, three minutes of a core. Scenes differ, and
several for each slot make the wait for the last one short; a cluster that is lost loses a batch."""
FEWEST_CHIPS = 32
"""Of a task: blocks of 1,024 px are shared by four rows of cells, and tasks that share one decode it twice."""
MOST_BYTES = 100_000_000_000
"""Of a batch at most: the driver's Python holds 3 kB of each chip. It is less than the above from 25 slots on."""


@dataclass(frozen=True, kw_only=True)
class CellToRead:
    """A cell that a scene is to supply, and what its chip's row repeats of it.

    `geohash` is of the centre, `geometry` WKB in WGS 84, bounds in degrees (xmin > xmax across 180
    degrees). `measures`: from observing the scene. `second_scene_id`: of another half, which supplies the pixels
    that the scene does not have.
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
    second_scene_id: str | None = None

    @property
    def scene_ids(self) -> tuple[str, ...]:
        """The scenes that are read for it, one or two."""
        return (self.scene_id,) if self.second_scene_id is None else (self.scene_id, self.second_scene_id)


OF_CELL = tuple(
    field.name for field in fields(CellToRead) if field.name not in ("scene_id", "second_scene_id", "measures")
)
"""What a chip's row repeats of its cell: columns of the plan's cells and of the table chips alike."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Scenes read, checked and written together; `chips` is their number of cells."""

    scene_ids: tuple[str, ...]
    chips: int


def batches(wanted: Mapping[str, int], slots: int) -> Iterator[Batch]:
    """Whole scenes, in order of id, as many as are worth one commit; never less than one scene.

    What two halves supply together belongs to the first: the second is read for it in that batch, whichever its own is.

    Args:
        wanted: scene id to number of cells to read.
        slots: tasks that run at a time.
    """
    most = min(BYTES_PER_SLOT * slots, MOST_BYTES) // CHIP_BYTES
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


def deal(grouped: Mapping[Supply, Sequence[CellToRead]], slots: int) -> list[tuple[Supply, list[CellToRead]]]:
    """Tasks of a batch, each a scene's id and cells of it, the largest first so that the last to end are small.

    A scene is cut only where there are more slots than scenes.

    Args:
        grouped: scene id to its cells; or ids of two halves to those that they supply together.
        slots: tasks that run at a time.
    """
    pieces = -(-slots // max(len(grouped), 1))
    dealt = [(scene_id, part) for scene_id, cells in grouped.items() for part in parts(cells, pieces)]
    return sorted(dealt, key=lambda task: (-len(task[1]), task[0]))


def parts(cells: Sequence[CellToRead], pieces: int) -> Iterator[list[CellToRead]]:
    """One scene's cells in about `pieces` parts, north to south, never finer than pays.

    Cuts lie between rows of geohash prefixes: each partition of the table is written by one task.

    Args:
        cells: of the scene.
        pieces: parts that are wanted.
    """
    width = TABLES[CHIPS].geohash_prefix
    rows: dict[float, list[CellToRead]] = {}
    for cell in cells:
        rows.setdefault(pygeohash.decode(cell.geohash[:width])[0], []).append(cell)
    enough = max(-(-len(cells) // max(pieces, 1)), FEWEST_CHIPS)
    part: list[CellToRead] = []
    for _, row in sorted(rows.items(), reverse=True):
        if part and len(part) + len(row) // 2 > enough:
            yield part
            part = []
        part = [*part, *row]
    if part:
        yield part


def by_scene(cells: Iterable[CellToRead]) -> dict[str, list[CellToRead]]:
    """Cells grouped by their scene's id, in its order; a cell of two halves is in the groups of both."""
    grouped: dict[str, list[CellToRead]] = {}
    for scene_id, cell in sorted(_supplies(cells), key=itemgetter(0)):
        grouped.setdefault(scene_id, []).append(cell)
    return grouped


def by_supply(cells: Iterable[CellToRead]) -> dict[tuple[str, ...], list[CellToRead]]:
    """Cells grouped by the scenes that are read for them, one or two, in the order of their ids."""
    grouped: dict[tuple[str, ...], list[CellToRead]] = {}
    for cell in sorted(cells, key=lambda cell: cell.scene_ids):
        grouped.setdefault(cell.scene_ids, []).append(cell)
    return grouped


def _supplies(cells: Iterable[CellToRead]) -> Iterator[tuple[str, CellToRead]]:
    return ((scene_id, cell) for cell in cells for scene_id in cell.scene_ids)
