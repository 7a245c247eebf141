"""From a scene, or two halves, to chips: read, harmonise, encode, picture. One result a cell, whatever happens."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake.area.grid import Cell
from spark.chips import preview, tensor
from spark.reading.errors import ReadError
from spark.reading.gdal import Traffic, traffic
from spark.reading.halves import JoinedCell, read_halves
from spark.reading.scene import CellPixels, Unread, read_cells
from spark.sentinel2.radiometry import Evidence, evidence_of, harmonise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claylake.catalogue.scene import Scene
    from spark.reading.strips import CellIndex

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A chip's blobs: `spark.chips.tensor`'s frame and digest, and the picture of `spark.chips.preview`."""

    clay_tensor: bytes
    geotiff: bytes
    content_digest: str


@dataclass(frozen=True, kw_only=True)
class ReadCell:
    """What reading a cell gave: a chip, or the error that left none.

    `evidence` is of the scene's pixels in the cell, `second_evidence` of those of a second half. `seconds` were spent
    since the cell before. `traffic` is of all cells read with it, and stands on the last of them.
    """

    index: CellIndex
    chip: Chip | None
    error: ReadError | None
    evidence: Evidence
    second_evidence: Evidence
    traffic: Traffic
    seconds: float


def make_chips(
    scene: Scene, indices: Iterable[CellIndex], radiometry: str, second: Scene | None = None
) -> Iterator[ReadCell]:
    """Chips of one scene, or of two halves of a tile-date: one result for each of the cells.

    Args:
        scene: that supplies the cells.
        indices: of the cells, in the grid of the scene's UTM zone.
        radiometry: what is done to its DN, ``as_published`` or ``minus_1000``.
        second: that supplies the pixels that `scene` does not have, by the same radiometry.
    """
    wanted = list(dict.fromkeys(indices))
    fetched, clock = traffic(), time.monotonic()
    for number, (index, cell) in enumerate(_cells(scene, second, wanted), start=1):
        chip, evidence, second_evidence, error = None, Evidence(), Evidence(), None
        place = Cell(epsg=scene.epsg, col=index.col, row=index.row)
        if isinstance(cell, CellPixels):
            chip, evidence = _chip(cell, radiometry, place), evidence_of(cell.raw, cell.scl)
        elif isinstance(cell, JoinedCell):
            chip = _chip(cell.both, radiometry, place)
            evidence, second_evidence = (evidence_of(half.raw, half.scl) for half in (cell.first, cell.second))
        else:
            error = cell
        # Once a scene: GDAL writes all its counters as one text.
        spent = traffic() - fetched if number == len(wanted) else Traffic()
        moment = time.monotonic()
        yield ReadCell(
            index=index,
            chip=chip,
            error=error,
            evidence=evidence,
            second_evidence=second_evidence,
            traffic=spent,
            seconds=moment - clock,
        )
        clock = moment


def _cells(
    scene: Scene, second: Scene | None, indices: list[CellIndex]
) -> Iterator[tuple[CellIndex, CellPixels | JoinedCell | ReadError]]:
    try:
        for part in read_cells(scene, indices) if second is None else read_halves(scene, second, indices):
            yield part.index, part.error if isinstance(part, Unread) else part
    except ReadError as error:
        # Raised before the first cell: later ones answer for themselves.
        _log.warning("scene %s: %s", scene.id, error)
        yield from ((index, error) for index in indices)


def _chip(pixels: CellPixels, radiometry: str, cell: Cell) -> Chip:
    harmonised = harmonise(pixels.raw, radiometry)
    return Chip(
        clay_tensor=tensor.encode(harmonised),
        geotiff=preview.geotiff(harmonised, cell),
        content_digest=tensor.digest(harmonised),
    )
