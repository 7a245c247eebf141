from __future__ import annotations

import itertools

import numpy as np
import pygeohash
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from claylake.cluster.estimate import EXTRACT_CHIPS_S_VCPU
from claylake.cluster.interruptions import EMBED_COMMIT_CHIPS, EXTRACT_COMMIT_H
from spark.embedding.pending import CHIPS_PER_COMMIT
from spark.extraction import batches as module
from spark.extraction.batches import (
    BYTES_PER_SLOT,
    CHIP_BYTES,
    FEWEST_CHIPS,
    CellToRead,
    batches,
    by_scene,
    deal,
    parts,
)
from spark.sentinel2.scl import measures_of

MEASURES = measures_of(np.zeros((1, 2, 2), np.uint8))[0]
BACK = Transformer.from_crs(32629, 4326, always_xy=True)


def cell(col: int, row: int, scene_id: str = "a") -> CellToRead:
    lon, lat = BACK.transform((150 + col + 0.5) * 2560, (1340 + row + 0.5) * 2560)
    bounds = dict.fromkeys(("xmin", "ymin", "xmax", "ymax"), 0.0)
    place = {"cell_id": f"32629_{col}_{row}", "epsg": 32629, "col": col, "row": row, "geometry": b""}
    geohash = pygeohash.encode(lat, lon, precision=7)
    return CellToRead(scene_id=scene_id, measures=MEASURES, geohash=geohash, **place, **bounds)


PLACES = st.sets(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=400)
SCENES = st.dictionaries(st.text("ab", min_size=1, max_size=4), st.integers(1, 50), max_size=12)


@given(SCENES, st.integers(1, 8), st.integers(1, 40))
def test_batches_hold_whole_scenes(wanted: dict[str, int], slots: int, chips_per_slot: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BYTES_PER_SLOT", chips_per_slot * CHIP_BYTES)
        patch.setattr(module, "MOST_BYTES", 120 * CHIP_BYTES)
        made = list(batches(wanted, slots))
    assert [scene for batch in made for scene in batch.scene_ids] == sorted(wanted)
    most = min(chips_per_slot * slots, 120)
    for batch in made:
        assert batch.chips == sum(wanted[scene] for scene in batch.scene_ids)
        assert batch.chips <= most or len(batch.scene_ids) == 1
    for batch, after in itertools.pairwise(made):
        assert batch.chips + wanted[after.scene_ids[0]] > most, "no smaller than need be"


@given(PLACES, st.integers(1, 12))
def test_parts_hold_each_cell_once_and_share_no_partition(places: set[tuple[int, int]], pieces: int) -> None:
    cells = [cell(col, row) for col, row in places]
    made = list(parts(cells, pieces))
    assert sorted((cell.col, cell.row) for part in made for cell in part) == sorted(places)
    prefixes = [{cell.geohash[:4] for cell in part} for part in made]
    assert sum(map(len, prefixes)) == len(set().union(*prefixes))
    lowest = [min(pygeohash.decode(prefix)[0] for prefix in some) for some in prefixes]
    assert lowest == sorted(lowest, reverse=True), "north to south"
    if pieces == 1 or len(cells) < FEWEST_CHIPS:
        assert len(made) == 1
    assert len(made) <= 2 * pieces


@given(SCENES, st.integers(1, 12))
def test_a_scene_is_cut_only_where_there_are_more_slots(wanted: dict[str, int], slots: int) -> None:
    grouped = {key: [cell(n % 7, n // 7, key) for n in range(number)] for key, number in wanted.items()}
    dealt = deal(grouped, slots)
    assert sorted((key, cell.col, cell.row) for key, part in dealt for cell in part) == sorted(
        (key, cell.col, cell.row) for key, cells in grouped.items() for cell in cells
    )
    sizes = [len(part) for _, part in dealt]
    assert sizes == sorted(sizes, reverse=True)
    if len(wanted) >= slots:
        assert len(dealt) == len(wanted)


def test_a_full_scene_is_dealt_evenly() -> None:
    """42 x 42 cells are 24 partitions in six or seven rows: a part may be one row larger than another."""
    cells = [cell(col, row) for col in range(42) for row in range(42)]
    for pieces in (2, 3):
        sizes = [len(part) for part in parts(cells, pieces)]
        assert len(sizes) == pieces
        assert max(sizes) <= len(cells) / pieces + 42 * 8


def test_by_scene() -> None:
    cells = [cell(1, 0, "b"), cell(2, 0, "a"), cell(3, 0, "b")]
    assert {key: [cell.col for cell in value] for key, value in by_scene(cells).items()} == {"a": [2], "b": [1, 3]}


def test_the_estimate_of_lost_work_knows_how_much_is_committed_at_a_time():
    assert BYTES_PER_SLOT / CHIP_BYTES / EXTRACT_CHIPS_S_VCPU == pytest.approx(3600 * EXTRACT_COMMIT_H)
    assert CHIPS_PER_COMMIT == EMBED_COMMIT_CHIPS
