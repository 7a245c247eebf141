"""Candidate looks: (cell, pass) pairs whose cell meets the footprint of a scene of the pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claylake.errors import SceneError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from claylake.scene import Scene


@dataclass(frozen=True)
class Candidates:
    """Counted before any pixel is read. `pairs` = distinct (cell, pass); `chips` = how many may be kept.

    `chips` weighs each pair by the clear share that the catalogue claims for its clearest scene.
    """

    pairs: int
    chips: int


def footprint_of(scene: Scene) -> Any:
    """The scene's footprint.

    Raises:
        SceneError: if it is not a polygon in lon/lat.
    """
    import shapely
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    try:
        footprint = shape(scene.footprint)
        if not shapely.is_valid(footprint):
            footprint = shapely.make_valid(footprint)
    except (ShapelyError, TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise SceneError(scene.id, "bad_footprint", f"its geometry cannot be read ({error})") from error
    if footprint.is_empty or footprint.area == 0:
        raise SceneError(scene.id, "bad_footprint", "its geometry is not a polygon")
    return footprint


def candidates_of(cells: pa.Table, scenes: Sequence[Scene], per_month: int | None) -> Candidates:
    """Count the pairs of `cells` (a table of `claylake.cells`) and the passes of `scenes`.

    `per_month` is the most chips of a cell and month, or None.
    """
    import numpy as np
    import shapely

    if not scenes:
        return Candidates(0, 0)
    polygons = shapely.from_wkb(cells["geometry"].to_numpy(zero_copy_only=False))
    footprints = np.array([footprint_of(scene) for scene in scenes], dtype=object)
    scene_index, cell_index = shapely.STRtree(polygons).query(footprints, predicate="intersects")

    passes, pass_of_scene = np.unique([scene.pass_id for scene in scenes], return_inverse=True)
    clear = np.array([1.0 - (scene.cloud_cover or 0.0) / 100.0 for scene in scenes]).clip(0.0, 1.0)
    pair = cell_index.astype(np.int64) * len(passes) + pass_of_scene[scene_index]
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
    return Candidates(len(pairs), int(np.ceil(expected.sum())))
