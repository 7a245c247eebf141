"""The first look: a scene's classification over its cells, before any band is read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from claylake.vocabulary import SCL_ASSET
from spark.reading.errors import MissingAssetError, ReadError, UnreadableError
from spark.reading.scene import GIVE_UP_AFTER, open_band
from spark.reading.strips import Place, Strip, strips
from spark.scl import FRACTIONS, measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claylake.scene import Scene
    from spark.reading.band import Band

_log = logging.getLogger(__name__)
MEASURES = (*FRACTIONS, "clear_frac", "scl_mean")


def observe(scene: Scene, places: Iterable[Place]) -> Iterator[dict[str, Any]]:
    """What a scene shows of each cell, each once.

    Yields:
        `col`, `row`; each of `MEASURES` (fractions of all pixels, 0..1; None where the
        classification could not be read, and ``scl_mean`` None where nothing is valid); `problem`,
        a reason code for which the scene cannot supply the cell, or None; `detail`, its message.
    """
    places = list(places)
    problem = _missing(scene)
    try:
        with open_band(scene, SCL_ASSET) as band:
            lost = 0
            for strip in strips(places):
                for row in _strip(band, strip, problem, patient=lost < GIVE_UP_AFTER):
                    lost += row["clear_frac"] is None
                    yield row
    except ReadError as error:
        # Raised before the first cell: strips answer for themselves.
        _log.warning("scene %s: %s", scene.id, error)
        yield from (_unseen(place, error) for place in places)


def _strip(band: Band, strip: Strip, problem: ReadError | None, *, patient: bool) -> Iterator[dict[str, Any]]:
    try:
        codes = band.strip(col=strip.col, row=strip.row, cells=strip.cells)
    except UnreadableError as error:
        if strip.cells == 1 or not patient:
            yield from (_unseen(place, error) for place in strip.places)
            return
        for single in strip.single():
            yield from _strip(band, single, problem, patient=patient)
        return
    found = measure(codes)
    for index, place in enumerate(strip.places):
        values = {name: float(found[name][index]) for name in MEASURES}
        yield _row(place, problem) | {name: None if np.isnan(value) else value for name, value in values.items()}


def _missing(scene: Scene) -> ReadError | None:
    missing = scene.missing_assets
    return MissingAssetError(",".join(missing), f"{scene.id} has no such asset") if missing else None


def _unseen(place: Place, error: ReadError) -> dict[str, Any]:
    return _row(place, error) | dict.fromkeys(MEASURES)


def _row(place: Place, error: ReadError | None) -> dict[str, Any]:
    return {
        "col": place.col,
        "row": place.row,
        "problem": error.reason if error else None,
        "detail": str(error) if error else None,
    }
