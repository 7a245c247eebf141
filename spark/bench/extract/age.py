"""Whether a worker gets slower with the scenes that it has read."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

from spark.bench.extract.array import chips
from spark.bench.extract.process import NEW
from spark.bench.extract.row import Row
from spark.bench.extract.server import remote

if TYPE_CHECKING:
    from claylake.catalogue.scene import Scene
    from spark.reading.strips import CellIndex


def row(scene: Scene, root: str, cells: list[CellIndex], *, scenes: int) -> Row:
    """Small scenes per second of the processor: the last twentieth of many over the first one, in one process.

    Args:
        scene: a small one, on disk.
        root: the address of the server of its files.
        cells: of it.
        scenes: how many; the same files under as many addresses.
    """
    with ProcessPoolExecutor(1, mp_context=NEW) as pool:
        seconds = pool.submit(_seconds, scene, root, cells, scenes).result()
    count = max(1, scenes // 20)
    # The very first one loads libraries.
    fresh, old = sum(seconds[1 : 1 + count]), sum(seconds[-count:])
    details = {"fresh, ms a scene": 1000 * fresh / count, "then": 1000 * old / count}
    return Row(what=f"worker after {scenes} scenes over fresh", value=fresh / old, goal=">= 0.95", details=details)


def _seconds(scene: Scene, root: str, cells: list[CellIndex], scenes: int) -> list[float]:
    found = []
    for number in range(scenes + 1):
        began = time.process_time()
        chips(remote(scene, root, f"?{number}"), cells)
        found.append(time.process_time() - began)
    return found
