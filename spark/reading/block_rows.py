"""Pixels by rows of a file's blocks: each block that is needed is fetched and decoded once, few are held at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spark.reading.errors import UnreadableError
from spark.reading.raster import Window

LARGEST_BYTES = 96 * 1024 * 1024
"""Of a row of blocks of one file: those of a file that is a single block, or has huge ones, are not held."""
BLOCKS_AT_ONCE = 6
"""Neighbours of a row that are requested together: all at once, their bytes would be as much as their pixels."""
Read = Callable[[Window, NDArray[Any]], None]
"""Reads a window into an array."""


@dataclass(frozen=True, kw_only=True)
class _Held:
    """Pixels of a row of blocks, or what is still needed of them."""

    row: int
    col: int
    pixels: NDArray[Any]


class BlockRows:
    """Windows of a file, from rows of its blocks that are kept while they are needed.

    Args:
        block: (rows, columns) of a block.
        shape: (rows, columns) of the file.
        pixel_type: of the file.
        least: rows of a window; lower blocks are read several rows at once.
        windows: that will be wanted, all within the file.
    """

    def __init__(
        self,
        *,
        block: tuple[int, int],
        shape: tuple[int, int],
        pixel_type: np.dtype[Any],
        least: int,
        windows: Iterable[Window],
    ) -> None:
        self._shape, self._type = shape, pixel_type
        self._width = block[1]
        self._height = -(-least // block[0]) * block[0]
        needed: dict[int, set[int]] = defaultdict(set)
        for window in windows:
            for row in self._rows(window):
                needed[row].update(range(window.col // block[1], (window.col + window.width - 1) // block[1] + 1))
        self._runs = {row: list(_runs(columns, block[1], shape[1])) for row, columns in needed.items()}
        self._held: dict[int, list[_Held]] = {}
        self._lost: set[int] = set()

    def window(self, window: Window, read: Read) -> NDArray[Any]:
        """Its pixels, maybe as a view; windows come from north to south, else blocks are read again.

        Args:
            window: one of those that were announced, or a part of one.
            read: reads any window of the file.

        Raises:
            ReadError: as `read` does, for this window alone: a row of blocks that cannot be read as a whole is not
                held, and its windows are read one by one.
        """
        rows = self._rows(window)
        for row in [row for row in self._held if row < rows.start]:
            del self._held[row]
        parts = [self._part(row, window, read) for row in rows]
        if any(part is None for part in parts):
            pixels = np.empty((window.height, window.width), dtype=self._type)
            read(window, pixels)
            return pixels
        found = [part for part in parts if part is not None]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _rows(self, window: Window) -> range:
        return range(window.row // self._height, (window.row + window.height - 1) // self._height + 1)

    def _part(self, row: int, window: Window, read: Read) -> NDArray[Any] | None:
        """The lines of a window that lie in a row of blocks; None where these cannot be held."""
        if row not in self._held and row not in self._lost:
            self._shorten(window.row)
            try:
                self._held[row] = list(self._read(row, read))
            except UnreadableError:
                self._lost.add(row)
        for held in self._held.get(row, ()):
            left = window.col - held.col
            if left >= 0 and left + window.width <= held.pixels.shape[1]:
                top = max(window.row - held.row, 0)
                bottom = window.row + window.height - held.row
                return held.pixels[top:bottom, left : left + window.width]
        return None

    def _shorten(self, row: int) -> None:
        """Let go of lines north of one, before there are more."""
        for number, parts in self._held.items():
            self._held[number] = [
                _Held(row=row, col=held.col, pixels=held.pixels[row - held.row :].copy()) if held.row < row else held
                for held in parts
            ]

    def _read(self, row: int, read: Read) -> Iterable[_Held]:
        top = row * self._height
        height = min(self._height, self._shape[0] - top)
        for left, width in self._runs.get(row, ()):
            pixels = np.empty((height, width), dtype=self._type)
            step = self._width * BLOCKS_AT_ONCE
            for start in range(0, width, step):
                part = pixels[:, start : start + step]
                read(Window(row=top, col=left + start, height=height, width=part.shape[1]), part)
            yield _Held(row=top, col=left, pixels=pixels)


def _runs(columns: set[int], width: int, most: int) -> Iterable[tuple[int, int]]:
    """(first pixel, pixels) of each run of neighbouring blocks.

    Args:
        columns: numbers of blocks.
        width: of a block, pixels.
        most: pixels of the file's rows.
    """
    for column in sorted(columns):
        if column - 1 in columns:
            continue
        last = column
        while last + 1 in columns:
            last += 1
        yield column * width, min((last + 1) * width, most) - column * width
