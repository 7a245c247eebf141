"""The whole globe, from 80 S to 84 N: no hole by ownership rule 2. Prints a table; `make test-globe` shows it."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from multiprocessing import get_context

import pytest

from tests.globe.census import EDGES, GRIDS, census, count_anywhere, count_at_edges

ANYWHERE, CHUNK = 2_000_000, 100_000
AT_EDGES = 20_000
"""Points for each grid."""


def total(parts):
    return sum(parts[1:], start=parts[0])


def line(name, *values):
    print(f"{name:<34}" + "".join(f"{value:>14}" for value in values))


def by_band(title, points, counted):
    print(f"\n{title}: {total([part.points for part in counted]).sum():,} points")
    bands = [f"{south}..{north}" for south, north in pairwise(EDGES)]
    line("latitudes", *bands, "all")
    rows = [
        (f"{name} by rule {rule}", [getattr(part, name)[rule] for part in counted])
        for name in ("holes", "doubles")
        for rule in (1, 2)
    ]
    for name, parts in [("in no cell that a tile holds", [part.unheld for part in counted]), *rows]:
        numbers = total(parts)
        shares = [
            f"{100 * number / max(1, of):.3f} %"
            for number, of in zip([*numbers, numbers.sum()], [*points, points.sum()], strict=True)
        ]
        line(name, *shares)


@pytest.mark.timeout(3600)
def test_the_globe_has_no_hole_by_rule_2(tmp_path):
    started = time.monotonic()
    # Fresh processes: pyproj's context must not be shared with a fork.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        cells = list(pool.map(partial(census, folder=tmp_path), GRIDS))
        counted_cells = time.monotonic()
        seeds = range(ANYWHERE // CHUNK)
        anywhere = list(pool.map(partial(count_anywhere, number=CHUNK, folder=tmp_path), seeds))
        edges = list(pool.map(partial(count_at_edges, number=AT_EDGES, folder=tmp_path), GRIDS))
    seconds = time.monotonic() - started

    print("\ncells whose centre lies from 80 S to 84 N")
    bands = [f"{south}..{north}" for south, north in pairwise(EDGES)]
    line("latitudes", *bands, "all")
    for name, numbers in (
        ("cells by rule 1", total([grid.by_rule[1] for grid in cells])),
        ("of them in no tile", total([grid.without_tile for grid in cells])),
        ("cells by rule 2", total([grid.by_rule[2] for grid in cells])),
    ):
        line(name, *(f"{number:,}" for number in [*numbers, numbers.sum()]))
    for title, counted in (("anywhere", anywhere), ("within 30 m of corners of cells that no tile holds", edges)):
        by_band(title, total([part.points for part in counted]), counted)
    print(f"\n{seconds:.0f} s, {counted_cells - started:.0f} s of them for the cells, {os.cpu_count()} processors")

    for counted in (anywhere, edges):
        assert not total([part.unheld for part in counted]).any(), "some tile holds a cell at every point"
        holes = total([part.holes[2] for part in counted])
        assert not holes.any(), [place for part in counted for place in part.examples][:5]
    share = (
        total([part.holes[1] for part in anywhere])[2:7].sum() / total([part.points for part in anywhere])[2:7].sum()
    )
    assert 0.025 < share < 0.035, "rule 1 leaves 3 % from 56 S to 83 N"
    doubles = total([part.doubles[2] for part in anywhere]).sum() / ANYWHERE
    assert doubles < 0.006, "cells overlap at borders alone"
