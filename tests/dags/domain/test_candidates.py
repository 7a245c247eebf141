import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from claylake.candidates import Candidates, candidates_of, footprint_of
from claylake.errors import SceneError
from claylake.scene import Scene


def cells(*corners):
    """Cells of 0.1 degrees with the given south-west corners (in tenths of a degree)."""
    boxes = [shapely.box(x / 10, y / 10, (x + 1) / 10, (y + 1) / 10) for x, y in corners]
    return pa.table({"geometry": pa.array(shapely.to_wkb(boxes), pa.binary())})


def scene(name, day, box, cloud=0.0, hour="10"):
    return Scene(
        id=name,
        collection="sentinel-2-l2a",
        pass_id=f"S2A_2024{day}T{hour}0000",
        datetime="2024-07-01T00:00:00Z",
        updated=None,
        platform="",
        mgrs_tile="33TWN",
        epsg=32633,
        baseline=None,
        cloud_cover=cloud,
        boa_offset_applied=None,
        sequence=None,
        footprint=shapely.geometry.mapping(shapely.box(*(value / 10 for value in box))),
        assets={},
    )


GRID = cells((0, 0), (1, 0), (2, 0), (3, 0))


def test_overlapping_tiles_of_one_pass_count_once():
    west, east = scene("a", "0701", (0.1, 0.1, 2.5, 0.9)), scene("b", "0701", (1.5, 0.1, 3.9, 0.9))
    assert candidates_of(GRID, [west, east], None) == Candidates(4, 4)


def test_passes_count_apart():
    one, two = scene("a", "0701", (0.1, 0.1, 0.9, 0.9)), scene("b", "0702", (0.1, 0.1, 1.9, 0.9))
    assert candidates_of(GRID, [one, two], None) == Candidates(3, 3)


def test_clouds_lower_the_chips_not_the_pairs():
    assert candidates_of(GRID, [scene("a", "0701", (0.1, 0.1, 3.9, 0.9), 75.0)], None) == Candidates(4, 1)
    unknown = scene("a", "0701", (0.1, 0.1, 3.9, 0.9), None)
    assert candidates_of(GRID, [unknown], None) == Candidates(4, 4)


def test_the_clearest_scene_of_a_pass_counts():
    scenes = [scene(str(cloud), "0701", (0.1, 0.1, 0.9, 0.9), cloud) for cloud in (90.0, 20.0, 50.0)]
    assert candidates_of(cells((0, 0), (0, 0)), scenes, None).chips == 2  # 2 x 0.8, rounded up


def test_passes_per_month_limits_each_cell_and_month():
    days = [scene(day, day, (0.1, 0.1, 1.9, 0.9)) for day in ("0701", "0711", "0721", "0801")]
    assert candidates_of(GRID, days, None).chips == 8
    assert candidates_of(GRID, days, 2).chips == 6
    assert candidates_of(GRID, days, 1).chips == 4


def test_no_scenes_no_looks():
    assert candidates_of(GRID, [], None) == Candidates(0, 0)
    assert candidates_of(GRID, [scene("far", "0701", (50, 50, 60, 60))], None) == Candidates(0, 0)


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
    looks = {}
    for one in scenes:
        for index in range(4):
            if shapely.intersects(footprint_of(one), shapely.box(index / 10, 0, (index + 1) / 10, 0.1)):
                key = (index, one.pass_id)
                looks[key] = max(looks.get(key, 0), 1 - (one.cloud_cover or 0) / 100)
    chips = 0.0
    for index in range(4):
        each = sum(clear for (cell, _), clear in looks.items() if cell == index)
        chips += each if per_month is None else min(each, per_month)
    found = candidates_of(GRID, scenes, per_month)
    assert found.pairs == len(looks)
    assert found.chips - 1e-6 - 1 <= chips <= found.chips + 1e-6


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [0, 0]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon"},
        {"type": "Blob", "coordinates": []},
        {},
    ],
)
def test_a_footprint_that_is_none_is_told(geometry):
    bad = scene("a", "0701", (0, 0, 1, 1)).model_copy(update={"footprint": geometry})
    with pytest.raises(SceneError, match="scene a: its geometry") as caught:
        footprint_of(bad)
    assert caught.value.reason == "bad_footprint"


def test_a_crossing_footprint_is_mended():
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    assert footprint_of(scene("a", "0701", (0, 0, 1, 1)).model_copy(update={"footprint": bow})).is_valid
