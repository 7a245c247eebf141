"""Halves of one tile-date: scenes of one tile in one pass, by one processing, each with data in a part of the tile.

Earth Search publishes a product for each part of a pass that was received on its own. A cell on the seam between two of
them is whole only in both together.
"""

from __future__ import annotations

import hashlib
from itertools import combinations
from typing import TYPE_CHECKING

from claylake.vocabulary import SCL_ASSET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claylake.catalogue.packed import PackedScene
    from claylake.catalogue.scene import Scene


def half_of(scene: Scene) -> str | None:
    """The name of what a scene may be half of: equal for scenes of one tile, pass, zone, collection and baseline.

    A tile is known by the raster of its files: no two tiles of a zone have the same corner. None where the item does
    not say the raster or the baseline. Whether radiometries are equal is decided when scenes are read.
    """
    scl = scene.assets.get(SCL_ASSET)
    if scl is None or scl.transform is None or scl.shape is None or scene.baseline is None:
        return None
    same = (scene.pass_id, scene.epsg, scene.collection, scene.baseline, scl.transform, scl.shape)
    return hashlib.sha256(repr(same).encode()).hexdigest()[:16]


def pairs_of(scenes: Iterable[Scene]) -> list[tuple[Scene, Scene]]:
    """Every two halves of a tile-date, the first with the lower id; whatever the order of `scenes`."""
    grouped: dict[str, list[Scene]] = {}
    for scene in sorted(scenes, key=lambda scene: scene.id):
        name = half_of(scene)
        if name is not None:
            grouped.setdefault(name, []).append(scene)
    return [pair for _, members in sorted(grouped.items()) for pair in combinations(members, 2)]


def with_partners(scenes: Iterable[PackedScene]) -> list[PackedScene]:
    """The scenes, in order; settled ones only where another half is not, so that there may be cells to complete."""
    scenes = list(scenes)
    awaited = {scene.half for scene in scenes if not scene.settled and scene.half is not None}
    return [scene for scene in scenes if not scene.settled or scene.half in awaited]
