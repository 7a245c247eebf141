"""Every measurement of extraction, in one run."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from spark.bench.extract import age, array, fetched, step
from spark.bench.extract.scene import cells as cells_of
from spark.bench.extract.scene import scene as painted
from spark.bench.extract.server import remote, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spark.bench.extract.row import Row

_log = logging.getLogger(__name__)
SMALL_PX = 1_024
"""Side of a small scene, at 10 m: one block a band."""


def measure(
    *,
    folder: Path | None,
    jars: Path,
    side: int,
    most: int | None,
    rounds: int,
    scenes: int,
    steps: Sequence[int],
) -> Iterator[Row]:
    """Rows as they are measured.

    Args:
        folder: keeps the generated scene; a temporary one if not given.
        jars: folder of the jars that Spark needs.
        side: of the scene, pixels at 10 m.
        most: cells read at most, from the north; all if not given.
        rounds: turns of each way that rates are compared of.
        scenes: small scenes that one worker reads.
        steps: scenes of each whole step in Spark.
    """
    with tempfile.TemporaryDirectory() as temporary:
        root = folder or Path(temporary)
        _log.info("painting the scenes in %s", root)
        scene, cells = painted(root / f"scene_{side}", side), cells_of(side, most)
        small = painted(root / f"scene_{SMALL_PX}", SMALL_PX)
        _log.info("reading %d cells from disk", len(cells))
        yield from array.rows(scene, cells, rounds=rounds)
        _log.info("reading %d cells over HTTP", len(cells))
        with serving(root / f"scene_{side}") as address:
            yield from fetched.rows(scene, remote(scene, address), cells)
        if steps:
            _log.info("whole steps of %d cells", len(cells))
            yield from step.rows(scene, cells, Path(temporary) / "lake", jars, scenes=steps)
        _log.info("reading %d small scenes over HTTP", scenes)
        with serving(root / f"scene_{SMALL_PX}") as address:
            yield age.row(small, address, cells_of(SMALL_PX), scenes=scenes)
