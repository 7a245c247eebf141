"""The versions of the ownership rule: which cells of a grid exist.

An AOI keeps the rule that it began with: other cells are other work, so published months would be planned again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Rule = Literal[1, 2]
RULES: Final[tuple[Rule, ...]] = (1, 2)
"""1: a zone owns its points. 2: a zone owns its points where ESA has tiles of it, else the nearest zone that has."""
NEWEST: Final[Rule] = 2


def existing(rule: Rule, epsg: int, cols: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these cells of one grid exist.

    Args:
        rule: version of the rule.
        epsg: of the grid's UTM zone.
        cols: columns of the cells, one-dimensional.
        rows: rows of the same cells, in parallel.
    """
    from claylake.area.ownership import existing_by_zone
    from claylake.area.tile_ownership import existing_by_tile

    by = {1: existing_by_zone, 2: existing_by_tile}
    return by[rule](epsg, cols, rows)
