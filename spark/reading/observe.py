"""Observing: a scene's classification over its cells, before any band is read."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake.vocabulary import SCL_ASSET
from spark.reading.errors import MissingAssetError, ReadError, UnreadableError
from spark.reading.scene import GIVE_UP_AFTER, open_band
from spark.reading.strips import CellIndex, Strip, strips
from spark.sentinel2.scl import Measures, measures_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claylake.catalogue.scene import Scene
    from spark.reading.band import Band

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ObservedCell:
    """What a scene shows of a cell.

    `measures`: None where the classification could not be read. `error`: why the scene cannot
    supply the cell, or None.
    """

    index: CellIndex
    measures: Measures | None
    error: ReadError | None


def observe(scene: Scene, indices: Iterable[CellIndex]) -> Iterator[ObservedCell]:
    """What a scene shows of each cell, each once."""
    indices = list(indices)
    missing = _missing(scene)
    try:
        with open_band(scene, SCL_ASSET) as band:
            lost = 0
            announced = list(strips(indices))
            band.expect(announced)
            for strip in announced:
                for cell in _strip(band, strip, missing, singly=lost < GIVE_UP_AFTER):
                    lost += isinstance(cell.error, UnreadableError)
                    yield cell
    except ReadError as error:
        # Raised before the first cell: strips answer for themselves.
        _log.warning("scene %s: %s", scene.id, error)
        yield from (ObservedCell(index=index, measures=None, error=error) for index in indices)


def _strip(band: Band, strip: Strip, missing: ReadError | None, *, singly: bool) -> Iterator[ObservedCell]:
    try:
        codes = band.strip(col=strip.col, row=strip.row, cells=strip.cells)
    except ReadError as error:
        if strip.cells == 1 or not singly:
            yield from (ObservedCell(index=index, measures=None, error=error) for index in strip.indices)
            return
        for single in strip.single():
            yield from _strip(band, single, missing, singly=singly)
        return
    for index, measures in zip(strip.indices, measures_of(codes), strict=True):
        yield ObservedCell(index=index, measures=measures, error=missing)


def _missing(scene: Scene) -> ReadError | None:
    missing = scene.missing_assets
    return MissingAssetError(",".join(missing), f"{scene.id} has no such asset") if missing else None
