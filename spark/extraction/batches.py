"""What is read together: batches of whole scenes, and within them tasks of some rows of cells."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MOST_CHIPS = 2_000
"""Of a batch: about 1 GB on the executors' disks, and what a lost cluster loses."""
FEWEST_CHIPS, FEWEST_ROWS = 32, 8
"""Of a task: blocks of 1,024 px are shared by four rows of cells, and tasks that share one decode it twice."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Scenes read, judged and written together; `chips` is their number of cells."""

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


def tasks(cells: Iterable[Mapping[str, Any]], slots: int) -> Iterator[list[Mapping[str, Any]]]:
    """One scene's cells (`col`, `row`) as lists of whole rows, north to south, about `slots` of them.

    A scene is cut only where there are more slots than scenes, and never finer than pays.
    """
    rows = [
        sorted(group, key=itemgetter("col"))
        for _, group in groupby(sorted(cells, key=lambda cell: -cell["row"]), key=itemgetter("row"))
    ]
    total = sum(map(len, rows))
    enough = max(-(-total // max(slots, 1)), FEWEST_CHIPS)
    part: list[Mapping[str, Any]] = []
    height = 0
    for row in rows:
        if part and height >= FEWEST_ROWS and len(part) >= enough:
            yield part
            part, height = [], 0
        part = [*part, *row]
        height += 1
    if part:
        yield part


def by_scene(cells: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Rows grouped by their `scene_id`."""
    ordered = sorted(cells, key=itemgetter("scene_id"))
    return {scene_id: list(group) for scene_id, group in groupby(ordered, key=itemgetter("scene_id"))}
