from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spark.extraction.batches import FEWEST_CHIPS, FEWEST_ROWS, CellToRead, batches, by_scene, tasks
from spark.sentinel2.scl import measures_of

MEASURES = measures_of(np.zeros((1, 2, 2), np.uint8))[0]


def cell(col: int, row: int, scene_id: str = "a") -> CellToRead:
    bounds = dict.fromkeys(("xmin", "ymin", "xmax", "ymax"), 0.0)
    place = {"cell_id": f"32629_{col}_{row}", "epsg": 32629, "col": col, "row": row, "geohash": "", "geometry": b""}
    return CellToRead(scene_id=scene_id, measures=MEASURES, **place, **bounds)


PLACES = st.sets(st.tuples(st.integers(0, 20), st.integers(0, 40)), min_size=1, max_size=200)


@given(st.dictionaries(st.text("ab", min_size=1, max_size=4), st.integers(1, 50), max_size=12), st.integers(1, 80))
def test_batches_hold_whole_scenes(wanted: dict[str, int], most: int) -> None:
    made = list(batches(wanted, most))
    assert [scene for batch in made for scene in batch.scene_ids] == sorted(wanted)
    for batch in made:
        assert batch.chips == sum(wanted[scene] for scene in batch.scene_ids)
        assert batch.chips <= most or len(batch.scene_ids) == 1


@given(PLACES, st.integers(1, 12))
def test_tasks_hold_each_cell_once_in_whole_rows(places: set[tuple[int, int]], slots: int) -> None:
    cells = [cell(col, row) for col, row in places]
    made = list(tasks(cells, slots))
    flat = [(cell.col, cell.row) for part in made for cell in part]
    assert flat == sorted(places, key=lambda place: (-place[1], place[0]))
    rows = [{cell.row for cell in part} for part in made]
    assert sum(map(len, rows)) == len(set().union(*rows))
    assert all(
        len(part) >= FEWEST_CHIPS and len(some) >= FEWEST_ROWS for part, some in zip(made[:-1], rows, strict=False)
    )
    assert len(made) <= slots


def test_by_scene() -> None:
    cells = [cell(1, 0, "b"), cell(2, 0, "a"), cell(3, 0, "b")]
    assert {key: [cell.col for cell in value] for key, value in by_scene(cells).items()} == {"a": [2], "b": [1, 3]}
