"""Which cells of a grid exist, by each version of the ownership rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.area.ownership import existing_by_zone
from claylake.area.tile_ownership import existing_by_tile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from claylake.area.rule import Rule


def existing(rule: Rule, epsg: int, cols: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these cells of one grid exist.

    Args:
        rule: version of the rule.
        epsg: of the grid's UTM zone.
        cols: columns of the cells, one-dimensional.
        rows: rows of the same cells, in parallel.
    """
    by = {1: existing_by_zone, 2: existing_by_tile}
    return by[rule](epsg, cols, rows)
