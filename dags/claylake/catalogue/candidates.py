"""Candidates: (cell, scene) pairs of one UTM zone whose cell meets the scene's footprint.

Spark joins the same pairs in `spark.extraction.candidates`; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake.area.new_cells import new_among
from claylake.catalogue.footprint import footprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from claylake.catalogue.scene import Scene


@dataclass(frozen=True, kw_only=True)
class CandidateCounts:
    """Counted before any pixel is read. `pairs` = distinct (cell, pass); `chips` = how many may be kept.

    `chips` weighs each pair by the clear share that the catalogue claims for its clearest scene.
    """

    pairs: int
    chips: int


def find_candidates(cells: pa.Table, scenes: Sequence[Scene]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices into `cells` and into `scenes`, an entry each per candidate.

    A scene supplies only cells of its own zone's grid: nothing is warped. With `only_new_cells` it supplies
    only new ones.

    Args:
        cells: a table of `claylake.area.cells`: `geometry`, `epsg`, and `NEW` if not all are new.
        scenes: with footprints that can be read.

    Raises:
        FootprintError: if a footprint cannot be read.
    """
    import numpy as np
    import shapely

    polygons = shapely.from_wkb(cells["geometry"].to_numpy(zero_copy_only=False))
    footprints = np.array([footprint(scene.footprint) for scene in scenes], dtype=object)
    scene_index, cell_index = shapely.STRtree(polygons).query(footprints, predicate="intersects")
    zone_of_scene = np.array([scene.epsg for scene in scenes], dtype=np.int64)
    same_zone = cells["epsg"].to_numpy()[cell_index] == zone_of_scene[scene_index]
    settled = np.array([scene.only_new_cells for scene in scenes], dtype=np.bool_)
    supplied = same_zone & (new_among(cells)[cell_index] | ~settled[scene_index])
    return cell_index[supplied], scene_index[supplied]


def count_candidates(cells: pa.Table, scenes: Sequence[Scene], per_month: int | None) -> CandidateCounts:
    """Count the pairs of `cells` and the passes of `scenes`.

    Args:
        cells: a table of `claylake.area.cells`: `geometry` and `epsg`.
        scenes: with footprints that can be read.
        per_month: the most chips of a cell and month; None for no limit.
    """
    import numpy as np

    if not scenes:
        return CandidateCounts(pairs=0, chips=0)
    cell_index, scene_index = find_candidates(cells, scenes)

    passes, pass_of_scene = np.unique([scene.pass_id for scene in scenes], return_inverse=True)
    clear = np.array([1.0 - (scene.cloud_cover or 0.0) / 100.0 for scene in scenes]).clip(0.0, 1.0)
    pair = cell_index * len(passes) + pass_of_scene[scene_index]
    pairs, place = np.unique(pair, return_inverse=True)
    best = np.zeros(len(pairs))
    np.maximum.at(best, place, clear[scene_index])

    month_of_pass = np.empty(len(passes), dtype=np.int64)
    month_of_pass[pass_of_scene] = [scene.month.year * 12 + scene.month.number for scene in scenes]
    _, group = np.unique(
        np.column_stack([pairs // len(passes), month_of_pass[pairs % len(passes)]]), axis=0, return_inverse=True
    )
    expected = np.bincount(group, weights=best)
    if per_month is not None:
        expected = np.minimum(expected, per_month)
    return CandidateCounts(pairs=len(pairs), chips=int(np.ceil(expected.sum())))
