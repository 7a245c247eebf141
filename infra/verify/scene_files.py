"""A scene's cells, by rasterio alone: each file opened anew, and the window of each cell read from it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from infra.verify.errors import UnreadableError
from infra.verify.place import bounds
from infra.verify.rules import BANDS, LARGEST_CODE, LARGEST_DN, SCL

Place = tuple[int, int]
"""Column and row of a cell."""
_ENVIRONMENT = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MAX_RETRY": "5",
    "GDAL_HTTP_RETRY_DELAY": "1",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "120",
    # A file that is closed is forgotten: opening it again fetches it again, after a cut connection, too.
    "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/:/vsis3/",
}
_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Source:
    """A STAC item: where the bands of a scene are, and what is said of their numbers."""

    id: str
    collection: str
    baseline: str | None
    flag: bool | None
    datetime: str
    hrefs: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class CellFiles:
    """One cell as the files have it: `raw` (10, 256, 256) DN, bands of 20 m repeated 2 x 2; `scl` (128, 128)."""

    raw: NDArray[Any]
    scl: NDArray[Any]


def read(source: Source, places: Iterable[Place]) -> dict[Place, CellFiles | UnreadableError]:
    """Cells of one scene; all files side by side."""
    wanted = sorted(set(places))
    with ThreadPoolExecutor(len(BANDS) + 1) as pool:
        bands = list(pool.map(lambda key: _band(source, key, wanted), (*BANDS, SCL)))
    return {place: _cell([band[place] for band in bands]) for place in wanted}


def _cell(parts: list[NDArray[Any] | UnreadableError]) -> CellFiles | UnreadableError:
    arrays = []
    for part in parts:
        if isinstance(part, UnreadableError):
            return part
        arrays.append(part)
    *bands, scl = arrays
    for key, array in zip((*BANDS, SCL), arrays, strict=True):
        if (
            array.dtype.kind not in "iu"
            or array.min() < 0
            or array.max() > (LARGEST_DN if key != SCL else LARGEST_CODE)
        ):
            return UnreadableError(f"{key} holds {array.dtype} from {array.min()} to {array.max()}: no DN, no SCL code")
    fine = max(band.shape[0] for band in bands)
    # In integers that hold all of them, whatever a file has.
    raw = np.stack([np.kron(band.astype(np.int64), np.ones((fine // len(band),) * 2, np.int64)) for band in bands])
    return CellFiles(raw=raw, scl=scl)


def _band(source: Source, key: str, places: list[Place]) -> dict[Place, NDArray[Any] | UnreadableError]:
    """A file's part of every cell. A file that fails is opened again, as a connection may have been cut."""
    found: dict[Place, NDArray[Any] | UnreadableError] = {}
    if key not in source.hrefs:
        return dict.fromkeys(places, UnreadableError(f"{source.id} names no asset {key!r}"))
    for _ in range(_TRIES):
        left = [place for place in places if not isinstance(found.get(place), np.ndarray)]
        if not left:
            break
        try:
            with rasterio.Env(**_ENVIRONMENT), rasterio.open(address(source.hrefs[key])) as file:
                for place in left:
                    found[place] = _window(file, key, place)
        except RasterioError as error:
            why = UnreadableError(f"{key} of {source.id}: {error}")
            found |= {place: why for place in left if not isinstance(found.get(place), np.ndarray)}
    return found


def _window(file: Any, key: str, place: Place) -> NDArray[Any] | UnreadableError:
    """The pixels between a cell's bounds; 0 beyond the file."""
    west, south, east, north = bounds(*place)
    pixel, _, left, _, down, top = tuple(file.transform)[:6]
    edges = [(west - left) / pixel, (top - north) / pixel, (east - left) / pixel, (top - south) / pixel]
    if down != -pixel or any(edge != round(edge) for edge in edges):
        return UnreadableError(f"{key}: the cell's edges do not fall between pixels of {file.name}")
    col, row, last_col, last_row = map(round, edges)
    pixels: NDArray[Any] = np.zeros((last_row - row, last_col - col), file.dtypes[0])
    rows = slice(max(row, 0), min(last_row, file.height))
    cols = slice(max(col, 0), min(last_col, file.width))
    if rows.start < rows.stop and cols.start < cols.stop:
        try:
            part = file.read(1, window=Window.from_slices(rows, cols))
        except RasterioError as error:
            return UnreadableError(f"{key}: {error.__cause__ or error}")
        pixels[rows.start - row : rows.stop - row, cols.start - col : cols.stop - col] = part
    return pixels


def address(href: str) -> str:
    """An href as rasterio opens it: without a fragment, and file URLs as paths."""
    parts = urlsplit(href)
    if parts.scheme == "file":
        return unquote(parts.path)
    return urlunsplit(parts._replace(fragment="")).replace(" ", "%20") if parts.scheme else href
