"""All bands of a scene, read together: cells as raw DN, with their SCL."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from claylake.catalogue.hrefs import is_remote
from claylake.vocabulary import BANDS, CHIP_PX, SCL_ASSET
from spark.reading.band import Band
from spark.reading.errors import EmptyBandError, MisalignedError, MissingAssetError, ReadError, UnreadableError
from spark.reading.strips import CellIndex, Strip, strips
from spark.sentinel2.emptiness import LARGEST_EMPTY_FRACTION, empty_shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from claylake.catalogue.scene import Scene

GIVE_UP_AFTER = 64
"""Cells lost, after which a failing strip is no longer tried cell by cell: each try waits for GDAL's retries."""

READ_AT_ONCE = 4
"""Files of which rows of blocks are fetched side by side: more would cost memory (30 MB each), and a core decodes less
than four streams bring."""


@dataclass(frozen=True, kw_only=True)
class CellPixels:
    """One cell as the files have it.

    `raw`: uint16 (band, row, col) = (10, 256, 256), DN as stored, `BANDS` in order, 20 m bands
    repeated 2 x 2. `scl`: uint8 (row, col) = (128, 128), at 20 m. Both are 0 beyond the raster.
    """

    index: CellIndex
    raw: NDArray[np.uint16]
    scl: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A cell that could not be had, and why."""

    index: CellIndex
    error: ReadError


def open_band(scene: Scene, key: str) -> Band:
    """One of a scene's bands, not yet entered.

    Raises:
        MissingAssetError: the item does not offer it.
    """
    if key not in scene.assets:
        raise MissingAssetError(key, f"{scene.id} has no such asset")
    return Band(key, scene.assets[key], epsg=scene.epsg)


def read_cells(
    scene: Scene, indices: Iterable[CellIndex], *, may_be_empty: bool = False
) -> Generator[CellPixels | Unread]:
    """Each cell once, in reading order. A bad block costs only the cells that need it.

    Args:
        scene: that supplies the cells.
        indices: of the cells, in the grid of the scene's UTM zone.
        may_be_empty: whether a cell counts as read if a band is empty where the classification has data.

    Raises:
        ReadError: the scene as a whole cannot supply cells (an asset is missing, cannot be
            opened, or does not align); raised before the first cell.
    """
    bands = [open_band(scene, key) for key in (*BANDS, SCL_ASSET)]
    remote = any(is_remote(scene.assets[band.key].href) for band in bands)
    with ExitStack() as files:
        with _threads(len(bands) if remote else 1) as each:
            opened = list(each(files.enter_context, bands))
        _require_same_ground(opened)
        # The pool ends before the files close.
        each = files.enter_context(_threads(READ_AT_ONCE if remote else 1))
        lost = 0
        announced = list(strips(indices))
        for band in opened:
            band.expect(announced)
        for strip in announced:
            for part in _readable(strip, opened, each, singly=lost < GIVE_UP_AFTER):
                lost += isinstance(part, Unread) and isinstance(part.error, UnreadableError)
                yield part if may_be_empty or isinstance(part, Unread) else _filled(part, opened)


def _require_same_ground(bands: list[Band]) -> None:
    """Bands cover what the classification covers: it speaks for all of them.

    Raises:
        MisalignedError: one covers more, less or something else.
    """
    *others, scl = bands
    for band in others:
        if band.raster.bounds != scl.raster.bounds:
            found = f"covers {band.raster.bounds} m (west, south, east, north)"
            expected = f"{scl.raster.bounds}, as the classification ({scl.file})"
            raise MisalignedError(band.key, file=band.file, found=found, expected=expected)


def _readable(strip: Strip, bands: list[Band], each: _BandMap, *, singly: bool) -> Iterator[CellPixels | Unread]:
    """A strip's cells; after a failure one by one, so that only the cells concerned are lost."""
    try:
        yield from _cells(strip, bands, each)
    except ReadError as error:
        if strip.cells == 1 or not singly:
            yield from (Unread(index=index, error=error) for index in strip.indices)
            return
        for single in strip.single():
            yield from _readable(single, bands, each, singly=singly)


def _cells(strip: Strip, bands: list[Band], each: _BandMap) -> list[CellPixels]:
    parts = each(lambda band: band.strip(col=strip.col, row=strip.row, cells=strip.cells), bands)
    raw = np.empty((strip.cells, len(BANDS), CHIP_PX, CHIP_PX), dtype=np.uint16)
    for band in range(len(BANDS)):
        part = next(parts)
        if part.shape[-1] < CHIP_PX:
            double(part, raw[:, band])
        else:
            raw[:, band] = part
    scl = np.ascontiguousarray(next(parts))  # no view: cells may be kept
    return [CellPixels(index=index, raw=raw[i], scl=scl[i]) for i, index in enumerate(strip.indices)]


def _filled(cell: CellPixels, bands: list[Band]) -> CellPixels | Unread:
    """A cell's pixels, unless a band is empty where the classification has data."""
    error = empty_band(cell, {band.key: band.file for band in bands})
    return cell if error is None else Unread(index=cell.index, error=error)


def empty_band(cell: CellPixels, files: Mapping[str, str]) -> EmptyBandError | None:
    """What is wrong with a cell of which a band is empty where the classification has data; None where none is.

    Args:
        cell: its pixels.
        files: where each band was read, by its key.
    """
    share = empty_shares(cell.raw, cell.scl)
    empty = [number for number, value in enumerate(share) if value > LARGEST_EMPTY_FRACTION]
    if not empty:
        return None
    most = max(empty, key=lambda number: share[number])
    found = f"{share[most]:.2%} of the pixels where the classification has data are 0"
    expected = f"at most {LARGEST_EMPTY_FRACTION:.0%}"
    keys = ",".join(BANDS[number] for number in empty)
    return EmptyBandError(keys, file=files[BANDS[most]], found=found, expected=expected)


def double(cells: NDArray[Any], into: NDArray[Any]) -> None:
    """Each pixel of (cell, row, col) repeated 2 x 2: nearest, without a shift, as 20 m pixels are cut by 10 m lines.

    Args:
        cells: pixels at 20 m.
        into: the same cells at 10 m, written.
    """
    into[:, ::2, ::2] = cells
    into[:, ::2, 1::2] = cells
    into[:, 1::2] = into[:, ::2]


_BandMap = Callable[[Callable[[Band], Any], list[Band]], Iterator[Any]]


@contextmanager
def _threads(number: int) -> Iterator[_BandMap]:
    """A `map` over bands: side by side where reading waits for a network. One thread per file at a time."""
    if number == 1:
        yield map
        return
    with ThreadPoolExecutor(number) as pool:
        yield pool.map
