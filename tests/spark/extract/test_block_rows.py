"""Rows of blocks give what the file has, read each block once, and hold few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark.reading.block_rows import BlockRows
from spark.reading.errors import PixelValueError, UnreadableError
from spark.reading.raster import Window

CELL = 8
TYPE = np.dtype(np.uint16)
BLOCKS = st.tuples(st.integers(1, 40), st.integers(1, 40))
SHAPES = st.tuples(st.integers(1, 90), st.integers(1, 90))
OFFSETS = st.tuples(st.integers(0, CELL - 1), st.integers(0, CELL - 1))
PLACES = st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=40)


class File:
    """Pixels, and how often each was read; some cannot be read."""

    def __init__(self, shape: tuple[int, int], bad: tuple[int, int] | None = None) -> None:
        self.pixels = np.arange(shape[0] * shape[1], dtype=np.uint16).reshape(shape)
        self.reads = np.zeros(shape, int)
        self.bad = bad

    def read(self, window: Window, into: np.ndarray) -> None:
        part = np.s_[window.row : window.row + window.height, window.col : window.col + window.width]
        found = self.pixels[part]
        assert found.shape == (window.height, window.width), "a window beyond the file"
        if self.bad and holds(window, self.bad):
            raise UnreadableError("red", "bad block")
        self.reads[part] += 1
        into[:] = found


def holds(window: Window, place: tuple[int, int]) -> bool:
    row, col = place
    return window.row <= row < window.row + window.height and window.col <= col < window.col + window.width


def windows(shape: tuple[int, int], offset: tuple[int, int], places: set[tuple[int, int]]) -> list[Window]:
    """Cells of a grid that begins off the file's corner, cut at the file's edges, north to south."""
    found = []
    for row, col in sorted(places):
        top, left = row * CELL - offset[0], col * CELL - offset[1]
        first, west = max(top, 0), max(left, 0)
        height, width = min(top + CELL, shape[0]) - first, min(left + CELL, shape[1]) - west
        if height > 0 and width > 0:
            found.append(Window(row=first, col=west, height=height, width=width))
    return found


@settings(max_examples=150, deadline=None)
@given(block=BLOCKS, shape=SHAPES, offset=OFFSETS, places=PLACES)
def test_every_window_is_the_file_s_and_every_pixel_is_read_once_at_most(
    block: tuple[int, int], shape: tuple[int, int], offset: tuple[int, int], places: set[tuple[int, int]]
) -> None:
    file, wanted = File(shape), windows(shape, offset, places)
    rows = BlockRows(block=block, shape=shape, pixel_type=TYPE, least=CELL, windows=wanted)
    height = -(-CELL // block[0]) * block[0]
    for window in wanted:
        part = np.s_[window.row : window.row + window.height, window.col : window.col + window.width]
        np.testing.assert_array_equal(rows.window(window, file.read), file.pixels[part])
        held = [part for parts in rows._held.values() for part in parts]
        assert len({part.row for part in held}) <= 2
        assert sum(part.pixels.shape[0] for part in held if part.col == held[0].col) <= height + CELL
    assert file.reads.max(initial=0) <= 1
    needed = np.zeros(shape, bool)
    for window in wanted:
        top = window.row // height * height
        bottom = -(-(window.row + window.height) // height) * height
        left, right = window.col // block[1] * block[1], -(-(window.col + window.width) // block[1]) * block[1]
        needed[top:bottom, left:right] = True
    assert not file.reads[~needed].any(), "blocks that no window meets are not read"


@settings(max_examples=60, deadline=None)
@given(block=BLOCKS, shape=SHAPES, places=PLACES, bad=st.tuples(st.integers(0, 89), st.integers(0, 89)))
def test_a_bad_block_costs_the_windows_that_hold_it(
    block: tuple[int, int], shape: tuple[int, int], places: set[tuple[int, int]], bad: tuple[int, int]
) -> None:
    file, wanted = File(shape, bad), windows(shape, (0, 0), places)
    rows = BlockRows(block=block, shape=shape, pixel_type=TYPE, least=CELL, windows=wanted)
    for window in wanted:
        holds = window.row <= bad[0] < window.row + window.height and window.col <= bad[1] < window.col + window.width
        if holds:
            with pytest.raises(UnreadableError):
                rows.window(window, file.read)
            continue
        part = np.s_[window.row : window.row + window.height, window.col : window.col + window.width]
        np.testing.assert_array_equal(rows.window(window, file.read), file.pixels[part])


def test_other_errors_are_not_taken_for_bad_blocks() -> None:
    window = Window(row=0, col=0, height=CELL, width=CELL)

    def read(_: Window, into: np.ndarray) -> None:
        raise PixelValueError("red", file="red.tif", found="-1", expected="0")

    with pytest.raises(PixelValueError):
        BlockRows(block=(8, 8), shape=(16, 16), pixel_type=TYPE, least=CELL, windows=[window]).window(window, read)
