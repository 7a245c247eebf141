from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spark.extraction.batches import FEWEST_CHIPS, FEWEST_ROWS, batches, by_scene, tasks

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
    cells = [{"col": col, "row": row} for col, row in places]
    made = list(tasks(cells, slots))
    flat = [(cell["col"], cell["row"]) for part in made for cell in part]
    assert flat == sorted(places, key=lambda place: (-place[1], place[0]))
    rows = [{cell["row"] for cell in part} for part in made]
    assert sum(map(len, rows)) == len(set().union(*rows))
    assert all(
        len(part) >= FEWEST_CHIPS and len(some) >= FEWEST_ROWS for part, some in zip(made[:-1], rows, strict=False)
    )
    assert len(made) <= slots


def test_by_scene() -> None:
    rows = [{"scene_id": "b", "n": 1}, {"scene_id": "a", "n": 2}, {"scene_id": "b", "n": 3}]
    assert {key: [row["n"] for row in value] for key, value in by_scene(rows).items()} == {"a": [2], "b": [1, 3]}
