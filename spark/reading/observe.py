"""Observing: a scene's classification over its cells, before any band is read."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from claylake.vocabulary import SCL_ASSET
from spark.reading.errors import MissingAssetError, ReadError, UnreadableError
from spark.reading.scene import GIVE_UP_AFTER, open_band
from spark.reading.strips import CellIndex, Strip, strips
from spark.sentinel2.halves import joined_scl
from spark.sentinel2.scl import Measures, measures_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from claylake.catalogue.scene import Scene
    from spark.reading.band import Band

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ObservedCell:
    """What a scene shows of a cell, or two halves together.

    `measures`: None where the classification could not be read. `error`: why the scene cannot
    supply the cell, or None.
    """

    index: CellIndex
    measures: Measures | None
    error: ReadError | None


def observe(scene: Scene, indices: Iterable[CellIndex], second: Scene | None = None) -> Iterator[ObservedCell]:
    """What a scene shows of each cell, each once; or what two halves of a tile-date show together.

    Args:
        scene: the only or the first one.
        indices: of the cells.
        second: another half.
    """
    indices = list(indices)
    scenes = [scene] if second is None else [scene, second]
    missing = next(filter(None, map(_missing, scenes)), None)
    try:
        with ExitStack() as files:
            bands = [files.enter_context(open_band(one, SCL_ASSET)) for one in scenes]
            lost = 0
            announced = list(strips(indices))
            for band in bands:
                band.expect(announced)
            for strip in announced:
                for cell in _strip(bands, strip, missing, singly=lost < GIVE_UP_AFTER):
                    lost += isinstance(cell.error, UnreadableError)
                    yield cell
    except ReadError as error:
        # Raised before the first cell: strips answer for themselves.
        _log.warning("scene %s: %s", " and ".join(one.id for one in scenes), error)
        yield from (ObservedCell(index=index, measures=None, error=error) for index in indices)


def _strip(bands: Sequence[Band], strip: Strip, missing: ReadError | None, *, singly: bool) -> Iterator[ObservedCell]:
    try:
        codes = reduce(joined_scl, [band.strip(col=strip.col, row=strip.row, cells=strip.cells) for band in bands])
    except ReadError as error:
        if strip.cells == 1 or not singly:
            yield from (ObservedCell(index=index, measures=None, error=error) for index in strip.indices)
            return
        for single in strip.single():
            yield from _strip(bands, single, missing, singly=singly)
        return
    for index, measures in zip(strip.indices, measures_of(codes), strict=True):
        yield ObservedCell(index=index, measures=measures, error=missing)


def _missing(scene: Scene) -> ReadError | None:
    missing = scene.missing_assets
    return MissingAssetError(",".join(missing), f"{scene.id} has no such asset") if missing else None
