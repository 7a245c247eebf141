"""What the page is made of: plain records, the same from Spark (publish step) and from pyiceberg (command)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from spark.change.strength import strength

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spark.report.pca import Basis

Array = np.ndarray[Any, Any]
MOST_CELLS = 12_000
"""Up to so many cells the page has the outcome of each pass in each cell; of more it has blocks of cells."""
MOST_POINTS = 1_000
"""Vectors of the projection, and of groups and silhouette: their distances are a square of so many a side."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """A row of observations. Fractions are None where nothing could be read."""

    cell_id: str
    pass_id: str
    outcome: str
    clear: float | None
    cloud: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PassOutcome:
    """The cells of one pass with one outcome: how many, and the sum of `measured` fractions of cloud."""

    pass_id: str
    outcome: str
    cells: int
    cloud: float
    measured: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Clearest:
    """A cell's clearest chip of the months, the earliest of equals; `chips` counts all that the cell has."""

    cell_id: str
    id: str
    content_digest: str
    datetime: datetime
    chips: int
    clear: float
    cloud: float
    shadow: float
    snow: float
    water: float
    nodata: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneRow:
    """A row of scenes: the newest of a scene counts."""

    scene_id: str
    pass_id: str
    status: str
    radiometry: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CellChange:
    """A row of changes since the month before; `score` is None where there were too few neighbours."""

    cell_id: str
    month: str
    baseline_month: str
    id: str
    baseline_id: str
    distance: float
    score: float | None


CHANGE_COLUMNS = tuple(each.name for each in fields(CellChange))
"""Of the table, and of a `CellChange`."""
PAIRS_SHOWN = 6
"""Changes that the page shows before and after."""
PAIR_PX = 160


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """Vectors of the clearest chips.

    Attributes:
        scores: cell id to its scores, float64 (3,).
        basis: the principal axes; None where there are no vectors.
        sample_cells: cells of the sample, in the order of a hash of their chips' ids.
        sample: float32 (n, dim), at most `MOST_POINTS` vectors.
    """

    scores: dict[str, Array] = field(default_factory=dict)
    basis: Basis | None = None
    sample_cells: tuple[str, ...] = ()
    sample: Array = field(default_factory=lambda: np.zeros((0, 1), np.float32))


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What the tables have of an area's cells and months.

    `observed` is None for more than `MOST_CELLS` cells. `tiles` are uint8 (side, side, 3) by cell id.
    `changes` are those since the month before, one of each cell; `pairs` pictures of the strongest, by chip id.
    """

    passes: Sequence[PassOutcome]
    observed: Sequence[Observed] | None
    scenes: Sequence[SceneRow]
    clearest: Sequence[Clearest]
    tiles: dict[str, Array]
    vectors: Vectors
    vector_count: int
    changes: Sequence[CellChange] = ()
    pairs: dict[str, Array] = field(default_factory=dict)

    @property
    def outcomes(self) -> dict[str, int]:
        """Observations by outcome."""
        counts: dict[str, int] = defaultdict(int)
        for one in self.passes:
            counts[one.outcome] += one.cells
        return dict(counts)


def one_per_cell(changes: Iterable[CellChange]) -> list[CellChange]:
    """The strongest change of each cell, in the order of cells."""
    best: dict[str, CellChange] = {}
    for change in sorted(changes, key=_strength, reverse=True):
        best[change.cell_id] = change
    return [best[cell_id] for cell_id in sorted(best)]


def strongest(changes: Iterable[CellChange]) -> list[CellChange]:
    """Those that the page shows before and after."""
    return sorted(changes, key=_strength)[:PAIRS_SHOWN]


def _strength(change: CellChange) -> tuple[float, float, str]:
    return *strength(change.score, change.distance), change.id


def by_pass(observed: Iterable[Observed]) -> list[PassOutcome]:
    """The same rows, counted by pass and outcome."""
    cells: dict[tuple[str, str], int] = defaultdict(int)
    cloud: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in observed:
        key = row.pass_id, row.outcome
        cells[key] += 1
        if row.cloud is not None:
            cloud[key].append(row.cloud)
    return [
        PassOutcome(pass_id=key[0], outcome=key[1], cells=n, cloud=sum(cloud[key]), measured=len(cloud[key]))
        for key, n in sorted(cells.items())
    ]


def newest(scenes: Iterable[SceneRow]) -> list[SceneRow]:
    """The newest row of each scene, in the order of their ids."""
    last: dict[str, SceneRow] = {}
    for row in sorted(scenes, key=lambda row: row.created_at):
        last[row.scene_id] = row
    return [last[scene_id] for scene_id in sorted(last)]
