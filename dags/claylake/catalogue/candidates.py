"""Candidates: (cell, scene) pairs of one UTM zone whose cell meets the scene's footprint.

Spark joins the same pairs in `spark.extraction.candidates`; a test holds the two together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from claylake.area.new_cells import new_among
from claylake.pass_month import pass_month

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray
    from shapely import STRtree

    from claylake.catalogue.packed import PackedScene

CELLS_AT_ONCE: Final = 2_048
"""Each may have hundreds of candidates, where a run has tens of thousands of scenes."""
_DECIMALS: Final = 6
"""Of a sum of clear shares: what is smaller is the arithmetic's error, and must not round a whole number up."""


@dataclass(frozen=True, kw_only=True)
class CandidateCounts:
    """Counted before any pixel is read. `pairs` = distinct (cell, pass); `chips` = how many may be kept.

    `chips` weighs each pair by the clear share that the catalogue claims for its clearest scene.
    """

    pairs: int
    chips: int


def find_candidates(
    cells: pa.Table, scenes: Sequence[PackedScene]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Indices into `cells` and into `scenes`, an entry each per candidate, for some cells after the other.

    All candidates of a cell come at once, so what is counted of the parts adds up, and memory does not grow with
    the number of cells. A scene supplies only cells of its own zone's grid: nothing is warped. With `only_new_cells` it
    supplies only new ones. A settled scene has no candidates here: it shows no pass in a cell where the half that it
    completes does not.

    Args:
        cells: a table of `claylake.area.cells`: `geometry`, `epsg`, and `NEW` if not all are new.
        scenes: in any order.
    """
    import numpy as np

    footprints, start = _Footprints.of(scenes), 0
    new = new_among(cells)
    all_cells = np.array([not scene.only_new_cells for scene in scenes], dtype=np.bool_)
    is_open = np.array([not scene.settled for scene in scenes], dtype=np.bool_)
    for batch in cells.select(["epsg", "geometry"]).to_batches(max_chunksize=CELLS_AT_ONCE):
        cell_index, scene_index = footprints.over(batch)
        cell_index += start
        supplied = (new[cell_index] | all_cells[scene_index]) & is_open[scene_index]
        yield cell_index[supplied], scene_index[supplied]
        start += batch.num_rows


def count_candidates(cells: pa.Table, scenes: Sequence[PackedScene], per_month: int | None) -> CandidateCounts:
    """Count the pairs of `cells` and the passes of `scenes`.

    Args:
        cells: a table of `claylake.area.cells`: `geometry` and `epsg`.
        scenes: in any order.
        per_month: the most chips of a cell and month; None for no limit.
    """
    if not scenes:
        return CandidateCounts(pairs=0, chips=0)
    looks = _Looks.of(scenes)
    pairs, chips = 0, []
    for cell_index, scene_index in find_candidates(cells, scenes):
        more, expected = looks.count(cell_index, scene_index, per_month)
        pairs += more
        chips.append(expected)
    return CandidateCounts(pairs=pairs, chips=math.ceil(round(math.fsum(chips), _DECIMALS)))


@dataclass(frozen=True, kw_only=True)
class _Footprints:
    """Of the scenes, in parallel: their polygons and their grids; and a tree of the polygons."""

    polygons: NDArray[np.object_]
    epsg: NDArray[np.int64]
    tree: STRtree

    @classmethod
    def of(cls, scenes: Sequence[PackedScene]) -> Self:
        import numpy as np
        import shapely

        polygons = shapely.from_wkb(np.array([scene.footprint for scene in scenes], dtype=object))
        epsg = np.array([scene.epsg for scene in scenes], dtype=np.int64)
        return cls(polygons=polygons, epsg=epsg, tree=shapely.STRtree(polygons))

    def over(self, cells: pa.RecordBatch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices of the cells and scenes that meet."""
        import numpy as np
        import shapely

        zones = cells["epsg"].to_numpy()
        polygons = shapely.from_wkb(cells["geometry"].to_numpy(zero_copy_only=False))
        near = self.tree.query(shapely.box(*shapely.total_bounds(polygons)))
        near = near[np.isin(self.epsg[near], np.unique(zones))]
        place, cell_index = shapely.STRtree(polygons).query(self.polygons[near], predicate="intersects")
        scene_index = near[place]
        same_zone = zones[cell_index] == self.epsg[scene_index]
        return cell_index[same_zone], scene_index[same_zone]


@dataclass(frozen=True, kw_only=True)
class _Looks:
    """Of the scenes, in parallel: pass (an index) and clear share; and of each pass its month (a number)."""

    passes: NDArray[np.int64]
    clear: NDArray[np.float64]
    months: NDArray[np.int64]

    @classmethod
    def of(cls, scenes: Sequence[PackedScene]) -> Self:
        import numpy as np

        ids, passes = np.unique([scene.pass_id for scene in scenes], return_inverse=True)
        starts = [pass_month(str(pass_id)) for pass_id in ids]
        return cls(
            passes=passes,
            clear=np.array([1.0 - (scene.cloud_cover or 0.0) / 100.0 for scene in scenes]).clip(0.0, 1.0),
            months=np.array([month.year * 12 + month.number for month in starts], dtype=np.int64),
        )

    def count(
        self, cell_index: NDArray[np.int64], scene_index: NDArray[np.int64], per_month: int | None
    ) -> tuple[int, float]:
        """Distinct (cell, pass) among candidates, and the chips expected of them.

        Args:
            cell_index: of each candidate; all candidates of its cells must be there.
            scene_index: of each candidate, in parallel.
            per_month: the most chips of a cell and month; None for no limit.
        """
        import numpy as np

        number = len(self.months)
        pairs, place = np.unique(cell_index * number + self.passes[scene_index], return_inverse=True)
        best = np.zeros(len(pairs))
        np.maximum.at(best, place, self.clear[scene_index])
        if per_month is not None:
            cell, look = np.divmod(pairs, number)
            _, group = np.unique(cell * (self.months.max() + 1) + self.months[look], return_inverse=True)
            best = np.minimum(np.bincount(group, weights=best), per_month)
        return len(pairs), math.fsum(best)
