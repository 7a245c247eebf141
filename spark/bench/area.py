"""Areas of a size, for benchmarks."""

from __future__ import annotations

import math
from typing import Final

from claylake.area.aoi import Aoi
from claylake.vocabulary import CELL_M

SOUTH: Final = 42.0


def area_of(cells: int) -> Aoi:
    """A box with about that many cells, from 42 N on, twice as wide as high at most."""
    kilometres = math.sqrt(cells) * CELL_M / 1000
    high = min(kilometres, 2_000.0)
    across = cells * (CELL_M / 1000) ** 2 / high
    north = SOUTH + high / 111.2
    middle = math.cos(math.radians((SOUTH + north) / 2))
    return Aoi.from_bbox([0.0, SOUTH, round(across / (111.2 * middle), 3), round(north, 3)])
