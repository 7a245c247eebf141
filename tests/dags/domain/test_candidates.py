import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from claylake.catalogue import candidates
from claylake.catalogue.candidates import CandidateCounts, find_candidates
from claylake.catalogue.footprint import footprint
from claylake.catalogue.packed import PackedScene
from claylake.errors import FootprintError
from tests.shared import all_zones

ZONE = 32633


def count_candidates(cells, scenes, per_month):
    return candidates.count_candidates(cells, [PackedScene.of(one) for one in scenes], per_month)


def found_pairs(cells, scenes):
    parts = find_candidates(cells, [PackedScene.of(one) for one in scenes])
    return [pair for part in parts for pair in zip(*(indices.tolist() for indices in part), strict=True)]


def counts(pairs, chips):
    return CandidateCounts(pairs=pairs, chips=chips)


def cells(*corners):
    """Cells of 0.1 degrees with the given south-west corners (in tenths of a degree)."""
    boxes = [shapely.box(x / 10, y / 10, (x + 1) / 10, (y + 1) / 10) for x, y in corners]
    zone = pa.array([ZONE] * len(boxes), pa.int32())
    return pa.table({"epsg": zone, "geometry": pa.array(shapely.to_wkb(boxes), pa.binary())})


def scene(name, day, box, cloud=0.0, hour="10"):
    area = shapely.geometry.mapping(shapely.box(*(value / 10 for value in box)))
    changes = {"pass_id": f"S2A_2024{day}T{hour}0000", "cloud_cover": cloud}
    return all_zones.scene(name, ZONE, area).model_copy(update=changes)


GRID = cells((0, 0), (1, 0), (2, 0), (3, 0))


def test_overlapping_tiles_of_one_pass_count_once():
    west, east = scene("a", "0701", (0.1, 0.1, 2.5, 0.9)), scene("b", "0701", (1.5, 0.1, 3.9, 0.9))
    assert count_candidates(GRID, [west, east], None) == counts(4, 4)


def test_passes_count_apart():
    one, two = scene("a", "0701", (0.1, 0.1, 0.9, 0.9)), scene("b", "0702", (0.1, 0.1, 1.9, 0.9))
    assert count_candidates(GRID, [one, two], None) == counts(3, 3)


def test_clouds_lower_the_chips_not_the_pairs():
    assert count_candidates(GRID, [scene("a", "0701", (0.1, 0.1, 3.9, 0.9), 75.0)], None) == counts(4, 1)
    unknown = scene("a", "0701", (0.1, 0.1, 3.9, 0.9), None)
    assert count_candidates(GRID, [unknown], None) == counts(4, 4)


def test_the_clearest_scene_of_a_pass_counts():
    scenes = [scene(str(cloud), "0701", (0.1, 0.1, 0.9, 0.9), cloud) for cloud in (90.0, 20.0, 50.0)]
    assert count_candidates(cells((0, 0), (0, 0)), scenes, None).chips == 2  # 2 x 0.8, rounded up


def test_passes_per_month_limits_each_cell_and_month():
    days = [scene(day, day, (0.1, 0.1, 1.9, 0.9)) for day in ("0701", "0711", "0721", "0801")]
    assert count_candidates(GRID, days, None).chips == 8
    assert count_candidates(GRID, days, 2).chips == 6
    assert count_candidates(GRID, days, 1).chips == 4


def test_a_scene_of_another_zone_shows_no_cell():
    there = scene("a", "0701", (0.1, 0.1, 3.9, 0.9)).model_copy(update={"epsg": 32632})
    assert count_candidates(GRID, [there], None) == counts(0, 0)


def test_no_scenes_no_pairs():
    assert count_candidates(GRID, [], None) == counts(0, 0)
    assert count_candidates(GRID, [scene("far", "0701", (50, 50, 60, 60))], None) == counts(0, 0)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.floats(0, 3), st.floats(0.2, 2), st.one_of(st.none(), st.floats(0, 100))),
        max_size=8,
    ),
    st.one_of(st.none(), st.integers(1, 3)),
)
def test_agrees_with_counting_one_by_one(rows, per_month):
    scenes = [scene(str(n), f"070{day}", (x, 0.1, x + w, 0.9), cloud) for n, (day, x, w, cloud) in enumerate(rows)]
    shown = {}
    for one in scenes:
        for index in range(4):
            if shapely.intersects(footprint(one.footprint), shapely.box(index / 10, 0, (index + 1) / 10, 0.1)):
                key = (index, one.pass_id)
                shown[key] = max(shown.get(key, 0), 1 - (one.cloud_cover or 0) / 100)
    chips = 0.0
    for index in range(4):
        each = sum(clear for (cell, _), clear in shown.items() if cell == index)
        chips += each if per_month is None else min(each, per_month)
    found = count_candidates(GRID, scenes, per_month)
    assert found.pairs == len(shown)
    assert found.chips - 1e-6 - 1 <= chips <= found.chips + 1e-6


def test_a_scene_without_a_footprint_is_named_by_what_is_wrong():
    point = scene("a", "0701", (0, 0, 1, 1)).model_copy(update={"footprint": {"type": "Point", "coordinates": [0, 0]}})
    with pytest.raises(FootprintError, match="not a polygon"):
        count_candidates(GRID, [point], None)


def assert_shown(cells, scenes, shown):
    """What is found is what overlaps in metres of one zone; pairs are counted by pass."""
    ids = cells["cell_id"].to_pylist()
    found = {(ids[cell], scenes[place].id) for cell, place in found_pairs(cells, scenes)}
    assert found == shown
    pass_of = {scene.id: scene.pass_id for scene in scenes}
    assert count_candidates(cells, scenes, None).pairs == len({(cell_id, pass_of[name]) for cell_id, name in shown})


def test_both_sides_of_180_degrees_from_84_n_to_80_s():
    cells = all_zones.cells_at_borders([1])
    assert set(cells["epsg"].to_pylist()) == {32601, 32660, 32701, 32760}
    assert_shown(cells, *all_zones.scenes_over(cells))


@pytest.mark.slow
def test_every_zone_in_both_hemispheres():
    cells = all_zones.cells_at_borders()
    assert set(cells["epsg"].to_pylist()) == {base + zone for base in (32600, 32700) for zone in all_zones.ZONES}
    assert_shown(cells, *all_zones.scenes_over(cells))


@pytest.mark.parametrize("at_once", [1, 3, 7])
@pytest.mark.parametrize("per_month", [None, 1])
def test_cells_counted_some_at_a_time_add_up(monkeypatch, at_once, per_month):
    table = pa.concat_tables([cells((0, 0), (1, 0)), cells((2, 0), (3, 0), (4, 0)), cells((5, 0))])
    scenes = [
        scene(day, day, (0.1, 0.1, 2.3 + n, 0.9), 10.0 * n) for n, day in enumerate(("0701", "0711", "0721", "0801"))
    ]
    scenes += [scene("again", "0711", (2.5, 0.1, 5.9, 0.9), 35.0)]
    whole, found = count_candidates(table, scenes, per_month), found_pairs(table, scenes)
    monkeypatch.setattr(candidates, "CELLS_AT_ONCE", at_once)
    assert count_candidates(table, scenes, per_month) == whole
    assert sorted(found_pairs(table, scenes)) == sorted(found)


def test_a_whole_number_of_chips_is_not_rounded_up_by_arithmetic():
    scenes = [
        scene(day, f"070{day}", (0.1, 0.1, 3.9, 0.9), cloud) for day, cloud in (("1", 90.0), ("2", 80.0), ("3", 70.0))
    ]
    assert count_candidates(cells((0, 0), (1, 0), (2, 0), (3, 0), (0, 0)), scenes, None).chips == 3
