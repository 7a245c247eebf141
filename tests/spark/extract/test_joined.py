"""Two halves read side by side: every pixel by an oracle that knows which half it is of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from claylake.vocabulary import BANDS, BANDS_10M
from spark.chips.make import make_chips
from spark.chips.tensor import decode
from spark.reading.halves import JoinedCell, read_halves
from spark.reading.observe import observe
from spark.reading.scene import Unread, read_cells
from spark.reading.strips import CellIndex
from spark.sentinel2.halves import joined, joined_scl
from spark.sentinel2.radiometry import harmonise
from spark.sentinel2.scl import measures_of
from tests.spark.extract.imagery import Sheet, coordinates, paint

SIDE = 8
CODES = of_numpy.arrays(np.uint8, (SIDE, SIDE), elements=st.sampled_from([0, 0, 4, 9, 11]))
NUMBERS = of_numpy.arrays(np.uint16, (2, 2 * SIDE, 2 * SIDE), elements=st.sampled_from([0, 1, 900, 1001, 60_000]))
SHEET = Sheet(west=156 * 2560 - 300, north=1343 * 2560 + 300, side=2 * 2560 + 600)
CELLS = [CellIndex(col=156 + x, row=1341 + y) for x in range(2) for y in range(2)]


@given(CODES, CODES, NUMBERS, NUMBERS, st.sampled_from(["as_published", "minus_1000"]))
def test_each_pixel_is_of_the_first_where_it_has_data(
    first_scl: Any, second_scl: Any, first: Any, second: Any, radiometry: str
) -> None:
    before = [array.copy() for array in (first_scl, second_scl, first, second)]
    scl, raw = joined_scl(first_scl, second_scl), joined(first, second, first_scl)
    one, other = harmonise(first, radiometry), harmonise(second, radiometry)
    chip = harmonise(raw, radiometry)
    for row in range(2 * SIDE):
        for col in range(2 * SIDE):
            of_first = first_scl[row // 2, col // 2] != 0
            assert scl[row // 2, col // 2] == (first_scl if of_first else second_scl)[row // 2, col // 2]
            assert list(chip[:, row, col]) == list((one if of_first else other)[:, row, col])
    for array, held in zip((first_scl, second_scl, first, second), before, strict=True):
        np.testing.assert_array_equal(array, held)


def side(*, west: bool, lacking: str = "", lacking_up_to: int = 0) -> Any:
    """Paints data on one side of a line through the western cells; a band may end before the others."""

    def painted(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        fine = 2 if key in BANDS_10M else 1
        place = x // fine - (156 * 128 + 60) + 0 * y
        pixels = coordinates(key, x, y) + (0 if key == "scl" else 100 * west)
        there = place < -lacking_up_to * (key == lacking) if west else place >= lacking_up_to * (key == lacking)
        return np.where(there, pixels, 0).astype(pixels.dtype)

    return painted


@pytest.fixture
def halves(tmp_path: Path) -> Any:
    def make(**of_second: Any) -> Any:
        return (
            paint(tmp_path, SHEET, side(west=True), id="a"),
            paint(tmp_path, SHEET, side(west=False, **of_second), id="b"),
        )

    return make


def test_cells_of_two_halves_and_what_both_show(halves: Any) -> None:
    first, second = halves()
    alone = [{cell.index: cell for cell in read_cells(one, CELLS, may_be_empty=True)} for one in (first, second)]
    shown = {cell.index: cell.measures for cell in observe(first, CELLS, second)}
    read = list(read_halves(first, second, CELLS))
    assert [cell.index for cell in read] == [cell.index for cell in read_cells(first, CELLS, may_be_empty=True)]
    for cell in read:
        assert isinstance(cell, JoinedCell)
        one, other = (cells[cell.index] for cells in alone)
        if cell.index.col == 156:
            np.testing.assert_array_equal(cell.both.raw[:, :, :120], one.raw[:, :, :120])
            np.testing.assert_array_equal(cell.both.raw[:, :, 120:], other.raw[:, :, 120:])
        else:
            np.testing.assert_array_equal(cell.both.raw, other.raw)
        assert cell.both.raw.all()
        assert cell.both.scl.all()
        assert shown[cell.index] == measures_of(cell.both.scl[None])[0]
    # Halves in the other order: nothing overlaps here, so the pixels are the same.
    swapped = {cell.index: cell.both for cell in read_halves(second, first, CELLS)}
    for cell in read:
        np.testing.assert_array_equal(swapped[cell.index].raw, cell.both.raw)
    for made in make_chips(first, CELLS, "minus_1000", second):
        (cell,) = (cell for cell in read if cell.index == made.index)
        np.testing.assert_array_equal(decode(made.chip.clay_tensor), harmonise(cell.both.raw, "minus_1000"))
        parts = [int(np.count_nonzero(half.raw.any(axis=0))) for half in (cell.first, cell.second)]
        assert [made.evidence.clear_pixels, made.second_evidence.clear_pixels] == parts


@pytest.mark.parametrize(("lines", "is_chip"), [(1, True), (2, False)])
def test_that_a_band_is_empty_is_judged_by_both_together(halves: Any, lines: int, is_chip: bool) -> None:
    """One of 128 lines is less than 1 % of the cell, but more of what a half has of it may be."""
    first, second = halves(lacking="swir16", lacking_up_to=lines)
    for part in read_halves(first, second, CELLS):
        if part.index.col == 156:
            assert isinstance(part, JoinedCell) == is_chip
    unread = [part for part in read_halves(first, second, CELLS) if isinstance(part, Unread)]
    assert {part.error.reason for part in unread} == (set() if is_chip else {"band_empty"})
    for part in unread:
        assert str(part.error).startswith("swir16: ")
        assert all(one.assets["swir16"].href in str(part.error) for one in (first, second))
    alone = [part for part in read_cells(second, CELLS) if isinstance(part, Unread)]
    assert {part.index.col for part in alone} == {156}, "a half of a cell is judged harder when it is alone"


@pytest.mark.parametrize("key", ["scl", BANDS[0]])
def test_a_half_that_cannot_be_read_costs_all_cells_of_both(halves: Any, key: str) -> None:
    first, second = halves()
    Path(second.assets[key].href).write_bytes(b"not a file")
    for made in make_chips(first, CELLS, "minus_1000", second):
        assert made.chip is None
        assert made.error is not None
        assert made.error.reason == "unreadable"
        assert (made.evidence.clear_pixels, made.second_evidence.clear_pixels) == (0, 0)
    if key == "scl":
        assert {cell.error.reason for cell in observe(first, CELLS, second) if cell.error} == {"unreadable"}
