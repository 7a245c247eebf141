"""From a scene and its cells to chips: read, harmonise, encode, picture. One row a cell, whatever happens."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from claylake.grid import Cell
from spark import radiometry
from spark.chips import preview, tensor
from spark.reading.errors import ReadError
from spark.reading.gdal import traffic
from spark.reading.scene import CellPixels, read_cells
from spark.reading.strips import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claylake.scene import Scene

_log = logging.getLogger(__name__)


def make_chips(scene: Scene, cells: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Chips of one scene.

    Args:
        scene: where the pixels come from.
        cells: a row a cell: `cell_id`, `col`, `row` and whatever a chip's row repeats of them.

    Yields:
        Each cell's row and, of its chip: `id`, `clay_tensor`, `geotiff`, `content_digest` (None
        where there is none, `problem` then being a reason code and `detail` a message);
        `clear_pixels` and `below_1000` (see `radiometry.Evidence`); `requests`, `downloaded`
        (bytes) and `seconds` spent since the row before.
    """
    decision = radiometry.decide(scene)
    by_place = {Place(cell["col"], cell["row"]): cell for cell in cells}
    constant = {
        "scene_id": scene.id,
        "datetime": scene.datetime,
        "pass": scene.pass_id,
        "collection": scene.collection,
        "baseline": scene.baseline,
        "radiometry": decision.radiometry,
    }
    fetched, clock = traffic(), time.monotonic()
    for place, made in _made(scene, decision, list(by_place)):
        cell = by_place[place]
        now, moment = traffic(), time.monotonic()
        spent = {
            "requests": (now - fetched).requests,
            "downloaded": (now - fetched).downloaded,
            "seconds": moment - clock,
        }
        fetched, clock = now, moment
        yield cell | constant | {"id": f"{cell['cell_id']}_{scene.pass_id}"} | made | spent


def _made(
    scene: Scene, decision: radiometry.Decision, places: Sequence[Place]
) -> Iterator[tuple[Place, dict[str, Any]]]:
    try:
        for part in read_cells(scene, places):
            if isinstance(part, CellPixels):
                yield part.place, _chip(part, decision, Cell(epsg=scene.epsg, col=part.place.col, row=part.place.row))
            else:
                yield part.place, _nothing(part.error)
    except ReadError as error:
        # Raised before the first cell: later ones answer for themselves.
        _log.warning("scene %s: %s", scene.id, error)
        yield from ((place, _nothing(error)) for place in places)


def _chip(pixels: CellPixels, decision: radiometry.Decision, cell: Cell) -> dict[str, Any]:
    harmonised = radiometry.harmonise(pixels.raw, decision)
    evidence = radiometry.look(pixels.raw, pixels.scl)
    return {
        "clay_tensor": tensor.encode(harmonised),
        "geotiff": preview.geotiff(harmonised, cell),
        "content_digest": tensor.digest(harmonised),
        "problem": None,
        "detail": None,
        "clear_pixels": evidence.clear_pixels,
        "below_1000": evidence.below_1000,
    }


def _nothing(error: ReadError) -> dict[str, Any]:
    return {
        "clay_tensor": None,
        "geotiff": None,
        "content_digest": None,
        "problem": error.reason,
        "detail": str(error),
        "clear_pixels": 0,
        "below_1000": 0,
    }
