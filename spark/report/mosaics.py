"""The page's own pictures: small enough to be inside it, as data URIs."""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spark.report.layout import Layout

Array = np.ndarray[Any, Any]
LONGEST_PX = 1400
"""Of a mosaic's longer side; a cell has at most `TILE_PX` of it."""
TILE_PX = 128
QUALITY = 78
"""Of JPEG: above it the file grows faster than what is seen of a thumbnail."""
BRIGHTEST = 0.7
"""Least exponent on the values 0 to 1: the usual stretch of reflectance is dark on a page, but of deserts and snow."""
_MIDDLE = 0.45
_COLOUR_PX = 4


def tile_side(layout: Layout) -> int:
    """Pixels of a cell in the page's mosaic."""
    return max(1, min(TILE_PX, LONGEST_PX // max(layout.width, layout.height)))


def exponent(tiles: Iterable[Array]) -> float:
    """What brings the median of the tiles' means to the middle, from `BRIGHTEST` to 1; 1 without tiles."""
    means = [float(tile.mean()) / 255 for tile in tiles]
    if not means:
        return 1.0
    median = min(max(float(np.median(means)), 0.01), 0.99)
    return round(min(1.0, max(BRIGHTEST, math.log(_MIDDLE) / math.log(median))), 2)


def true_colour(layout: Layout, tiles: Mapping[int, Array]) -> str:
    """The tiles at their cells' places, brightened, as a JPEG's data URI; grey where there is none.

    Args:
        layout: of all cells.
        tiles: index of a cell to uint8 (n, n, 3), of any n.
    """
    side = tile_side(layout)
    canvas = np.full((layout.height * side, layout.width * side, 3), 128, np.uint8)
    curve = np.rint(255 * (np.arange(256) / 255) ** exponent(tiles.values())).astype(np.uint8)
    for index, tile in tiles.items():
        top, left = int(layout.y[index]) * side, int(layout.x[index]) * side
        small = Image.fromarray(tile).resize((side, side), Image.Resampling.BOX)
        canvas[top : top + side, left : left + side] = curve[np.asarray(small)]
    sink = io.BytesIO()
    Image.fromarray(canvas).save(sink, "JPEG", quality=QUALITY, optimize=True)
    return _uri("image/jpeg", sink.getvalue())


def jpeg(picture: Array) -> str:
    """A picture, uint8 (row, column, 3), as a JPEG's data URI."""
    sink = io.BytesIO()
    Image.fromarray(picture).save(sink, "JPEG", quality=80)
    return _uri("image/jpeg", sink.getvalue())


def colours(layout: Layout, of: Mapping[int, Array]) -> str:
    """One colour, uint8 (3,), for each cell, as a PNG's data URI; transparent where there is none."""
    canvas = np.zeros((layout.height, layout.width, 4), np.uint8)
    for index, colour in of.items():
        canvas[layout.y[index], layout.x[index]] = (*colour, 255)
    large = canvas.repeat(_COLOUR_PX, axis=0).repeat(_COLOUR_PX, axis=1)
    sink = io.BytesIO()
    Image.fromarray(large).save(sink, "PNG", optimize=True)
    return _uri("image/png", sink.getvalue())


def runs(layout: Layout, cells: Iterable[int]) -> str:
    """SVG path data that covers these cells, one rectangle for each run in a row; the unit is a cell."""
    rows: dict[int, list[int]] = {}
    for index in cells:
        rows.setdefault(int(layout.y[index]), []).append(int(layout.x[index]))
    parts = []
    for y, columns in sorted(rows.items()):
        columns.sort()
        start = columns[0]
        for here, following in zip(columns, [*columns[1:], None], strict=True):
            if following != here + 1:
                parts.append(f"M{start} {y}h{here + 1 - start}v1h{start - here - 1}z")
                start = following or 0
    return "".join(parts)


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
