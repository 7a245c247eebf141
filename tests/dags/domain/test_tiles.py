"""ESA's list of tiles: the file is what its header says, and tells which cells tiles hold."""

import json
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claylake.area import tiles
from claylake.area.tiles import EASTINGS, GridSquares, TileListError, bounds_of_tile, holds, tile_list, to_json
from tests.dags.domain import tile_oracle


def test_the_file_is_the_whole_list():
    found = tile_list()
    assert (found.version, found.tiles) == (1, 56_686)
    # Another list gives other cells: a rule of its own, with its own file, or AOIs would begin anew unasked.
    assert found.sha256 == "0e2cfad25f9afbb7b84266ab70f8278a7cdd539a517dd01979251ae7cb14a11f"
    assert sum(len(grid.squares()) for grid in found.grids.values()) == found.tiles
    assert sorted(found.grids) == [*range(32601, 32661), *range(32701, 32761)]
    assert tiles.digest_of(found.grids) == found.sha256
    text = resources.files("claylake.area").joinpath(tiles.FACTS).read_text()
    assert to_json(found) == text
    assert len(text) < 100_000


@pytest.mark.parametrize(
    ("epsg", "square", "listed"),
    [
        (32632, (600_000, 5_000_000), True),  # 32TPR
        (32631, (100_000, 0), False),  # 31NAA: what lacks at the western border
        (32601, (100_000, 0), True),  # 01NAA
        (32632, (400_000, 8_000_000), False),  # zone 32 ends with band W
        (32633, (400_000, 8_900_000), True),
        (32760, (700_000, 700_000), False),
    ],
)
def test_some_squares(epsg, square, listed):
    assert (square in tile_list().grids[epsg].squares()) is listed


def test_tiles_reach_over_the_equator_from_the_north_alone():
    assert bounds_of_tile(32600, 600_000, 0) == (600_000, -9_780, 709_800, 100_020)
    assert bounds_of_tile(32700, 300_000, 9_900_000) == (300_000, 9_890_200, 409_800, 10_000_000)
    assert bounds_of_tile(32600, 400_000, 4_800_000) == (399_960, 4_790_220, 509_760, 4_900_020)


def test_corners_of_tiles_are_whole_pixels_of_20_m():
    for epsg, grid in tile_list().grids.items():
        corners = np.array([bounds_of_tile(epsg // 100 * 100, *square) for square in grid.squares()])
        assert not (corners % 20).any()
        assert EASTINGS[0] <= corners[:, 0].min() < corners[:, 2].max() <= EASTINGS[1]


@given(
    st.sampled_from(sorted(tile_list().grids)),
    st.lists(st.tuples(st.integers(-50, 600), st.integers(-50, 4000)), min_size=1, max_size=20),
)
def test_cells_held_agree_with_rectangles(epsg, cells):
    cols, rows = np.array(cells).T
    assert holds(epsg, cols, rows).tolist() == [tile_oracle.held(epsg, *cell) for cell in cells]


@given(st.sets(st.tuples(st.integers(1, 8), st.integers(0, 98)), min_size=1))
def test_squares_round_trip(steps):
    squares = {(east * 100_000, north * 100_000) for east, north in steps}
    assert set(GridSquares.of(squares).squares()) == squares


def test_a_changed_file_is_refused(monkeypatch, tmp_path):
    document = json.loads(resources.files("claylake.area").joinpath(tiles.FACTS).read_text())
    rows = document["grids"]["32601"]["rows"]
    document["grids"]["32601"]["rows"] = ("0" if rows[0] != "0" else "f") + rows[1:]
    (tmp_path / tiles.FACTS).write_text(json.dumps(document))
    monkeypatch.setattr(tiles.resources, "files", lambda _package: tmp_path)
    with pytest.raises(TileListError, match=r"do not have the digest .* make tiles"):
        tile_list.__wrapped__()
