"""Rule 2: every point that a tile holds has a cell that a tile wholly holds, and no other cells are there."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from claylake.area.aoi import Aoi
from claylake.area.cells import cells_of
from claylake.area.existence import existing
from claylake.area.grid import lonlat_to_grid
from claylake.area.ownership import existing_by_zone, points_of_cells, zones_of
from claylake.area.pieces import some_piece_owned
from claylake.area.rule import RULES
from claylake.area.tile_ownership import existing_by_tile, owners
from claylake.area.tiles import holds
from tests.dags.domain import tile_oracle
from tests.dags.domain.tile_oracle import CELL, owner_of
from tests.dags.domain.zones import zone_of

BORDERS = {
    "31 and 32 at 45 N": (6.0, 45.3),
    "31 and 32 at 20 S": (6.0, -20.0),
    "10 and 11 at 66 N": (-120.0, 66.0),
    "18 and 19 at 70 S": (-72.0, -70.3),
    "32V's western border": (3.0, 60.1),
    "32V's south-western corner": (3.0, 56.0),
    "32V's north-western corner": (3.0, 64.0),
    "32V's eastern border": (12.0, 62.5),
    "31X and 33X": (9.0, 78.0),
    "33X and 35X": (21.0, 77.6),
    "35X and 37X": (33.0, 80.2),
    "37X and 38X": (42.0, 81.0),
    "30X and 31X": (0.0, 75.0),
    "where 32W ends": (9.0, 72.0),
    "the equator inside a zone": (15.0, 0.0),
    "the equator at a border": (6.0, 0.0),
    "the equator at 180 degrees": (180.0, 0.0),
    "180 degrees, south": (-180.0, -17.0),
    "180 degrees, north": (180.0, 68.0),
    "the northern edge": (-30.0, 83.95),
    "the northern edge in band X": (33.0, 83.9),
    "the southern edge": (-72.0, -79.95),
}
"""A place of each kind (degrees)."""


def near(place, half=0.06):
    lon, lat = BORDERS[place]
    west, east = lon - half, lon + half
    south, north = max(lat - half, -80.0), min(lat + half, 84.0)
    return Aoi.from_bbox([west + 360 * (west < -180), south, east - 360 * (east > 180), north])


@st.composite
def points(draw):
    """Mostly near a line where the owner may change: a multiple of 3 degrees, a parallel of the MGRS, or an edge of UTM."""
    lat = draw(
        st.one_of(
            st.floats(-80, 84),
            st.floats(72, 84),
            st.sampled_from([-80.0, 0.0, 56.0, 64.0, 72.0, 84.0]).flatmap(lambda at: st.floats(at - 0.03, at + 0.03)),
        )
    )
    lat = min(84.0, max(-80.0, lat))
    spread = 0.5 / np.cos(np.radians(lat))
    line = draw(st.integers(-60, 60)) * 3.0
    lon = draw(st.one_of(st.floats(-180, 180), st.floats(line - spread, line + spread)))
    return (lon + 180.0) % 360.0 - 180.0, lat


@settings(deadline=None, max_examples=120)
@given(st.lists(points(), min_size=1, max_size=8))
@example([(0.0, -1e-9), (6.0, 0.0), (9.0, 72.0), (3.0, 56.0), (3.0, 64.0), (-180.0, 84.0), (180.0, -80.0)])
def test_every_point_has_an_owner_and_its_cell_exists(places):
    lon, lat = np.array(places).T
    found = owners(lon, lat)
    for x, y, epsg in zip(lon, lat, found.tolist(), strict=True):
        owner = owner_of(x, y)
        assert owner is not None, "some tile holds every place from 80 S to 84 N"
        assert owner[0] == epsg
        assert existing_by_tile(epsg, *np.array([owner[1:]]).T).all()


@pytest.mark.parametrize("place", BORDERS)
def test_every_cell_is_held_and_owns_something(place):
    """Points 54 m apart: the smallest piece for which a cell of these places exists is larger, or within the margin."""
    table = cells_of(near(place))
    epsg, col, row = (table[name].to_numpy() for name in ("epsg", "col", "row"))
    steps = np.linspace(-20, CELL + 20, 49)
    across, up = (axis.ravel() for axis in np.meshgrid(steps, steps))
    for grid, *cell in zip(epsg.tolist(), col.tolist(), row.tolist(), strict=True):
        assert tile_oracle.held(grid, *cell)
        x, y = cell[0] * CELL + across, cell[1] * CELL + up
        lon, lat = lonlat_to_grid(grid).transform(x, y, direction="INVERSE")
        assert (owners(lon, lat) == grid).any(), (grid, *cell)


@pytest.mark.parametrize("place", BORDERS)
def test_no_cell_near_a_border_is_missing(place):
    """Random points, more than a hundred a cell: the owner's cell at each is among the AOI's cells."""
    aoi = near(place)
    ids = set(cells_of(aoi)["cell_id"].to_pylist())
    rng = np.random.default_rng(8)
    west, south, east, north = aoi_bounds(aoi)
    lon, lat = rng.uniform(west, east, 20_000), rng.uniform(south, north, 20_000)
    found = owners(lon, lat)
    assert found.all()
    for epsg in np.unique(found):
        x, y = lonlat_to_grid(int(epsg)).transform(lon[found == epsg], lat[found == epsg])
        named = {f"{epsg}_{c}_{r}" for c, r in np.unique(np.floor(np.stack([x, y]) / CELL).astype(int), axis=1).T}
        assert named <= ids


def aoi_bounds(aoi):
    """West, south, east, north; past 180 degrees where the AOI crosses it."""
    rings = [
        part[0]
        for part in (
            [aoi.geometry["coordinates"]] if aoi.geometry["type"] == "Polygon" else aoi.geometry["coordinates"]
        )
    ]
    lon, lat = np.array([corner for ring in rings for corner in ring]).T
    lon = np.where((lon.max() - lon.min() > 180) & (lon < 0), lon + 360, lon)
    return lon.min(), lat.min(), lon.max(), lat.max()


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 119), st.integers(39, 355), st.integers(0, 3650), st.integers(1, 12))
def test_rules_do_not_depend_on_the_cells_beside(grid, col, row, side):
    epsg = 32601 + grid if grid < 60 else 32701 + grid - 60
    cols, rows = (axis.ravel() for axis in np.meshgrid(np.arange(col, col + side), np.arange(row, row + side)))
    mixed = np.random.default_rng(1).permutation(len(cols))
    for rule in RULES:
        every = existing(rule, epsg, cols, rows)
        assert (existing(rule, epsg, cols[mixed], rows[mixed]) == every[mixed]).all()
        assert existing(rule, epsg, cols[-1:], rows[-1:]).tolist() == every[-1:].tolist()


@pytest.mark.parametrize("rule", RULES)
def test_of_no_cells_none_exist(rule):
    nothing = np.zeros(0, dtype=np.int64)
    assert existing(rule, 32631, nothing, nothing).tolist() == []


@settings(deadline=None, max_examples=40)
@given(points())
def test_what_a_tile_holds_by_rule_1_stays_by_rule_2(place):
    """So moving an AOI on only adds cells that scenes can fill, and drops none that has any."""
    epsg = (32600 if place[1] >= 0 else 32700) + zone_of(*place)
    col, row = tile_oracle.cell_at(epsg, *place)
    cols, rows = (axis.ravel() for axis in np.meshgrid(np.arange(col - 2, col + 3), np.arange(row - 2, row + 3)))
    held = np.array([tile_oracle.held(epsg, *cell) for cell in zip(cols.tolist(), rows.tolist(), strict=True)])
    first, second = existing_by_zone(epsg, cols, rows), existing_by_tile(epsg, cols, rows)
    assert not (first & held & ~second).any()
    assert not (second & ~held).any()


@pytest.mark.parametrize("place", BORDERS)
def test_cut_into_pieces_the_same_cells_exist(place):
    """Most cells are decided by their centre or by nine points: cutting all of them gives the same ones."""
    table = cells_of(near(place))
    for epsg in {base + zone for zone in np.unique(table["epsg"].to_numpy() % 100) for base in (32600, 32700)}:
        x, y = lonlat_to_grid(int(epsg)).transform(table["lon"].to_numpy(), table["lat"].to_numpy())
        middle = [int(np.median(axis) // CELL) for axis in (x, y)]
        cols, rows = (axis.ravel() for axis in np.meshgrid(*(np.arange(at - 9, at + 10) for at in middle)))
        held = holds(int(epsg), cols, rows)
        cols, rows = cols[held], rows[held]
        assert (some_piece_owned(int(epsg), cols, rows) == existing_by_tile(int(epsg), cols, rows)).all()


def test_a_neighbour_that_no_tile_holds_brings_no_cell():
    """Western edge of zone 31's tiles at the equator: rows south of -1 are the southern grid's, which has a tile there."""
    cols, rows = np.full(3, 79), np.array([-3, -2, -1])
    assert existing_by_tile(32631, cols, rows).tolist() == [False, False, True]


@pytest.mark.parametrize("place", BORDERS)
def test_by_rule_1_nine_points_decide(place):
    """Only cells near a border have all nine tried: the others would not be decided otherwise."""
    table = cells_of(near(place), 1)
    for epsg in np.unique(table["epsg"].to_numpy()).tolist():
        here = table["epsg"].to_numpy() == epsg
        around = [
            (table[name].to_numpy()[here].min() - 9, table[name].to_numpy()[here].max() + 9) for name in ("col", "row")
        ]
        cols, rows = (axis.ravel() for axis in np.meshgrid(*(np.arange(*ends) for ends in around)))
        first, last = (-1, 10**6) if epsg < 32700 else (0, 3905)
        nine = (
            (zones_of(*points_of_cells(epsg, cols, rows)) == epsg % 100).any(axis=1) & (first <= rows) & (rows <= last)
        )
        assert (existing_by_zone(epsg, cols, rows) == nine).all()


def test_ground_without_a_tile_of_its_own_zone_has_a_cell_of_its_neighbours():
    """The strip east of 0 E at the equator: ESA's first tiles of zone 31 begin at easting 199,980."""
    aoi = Aoi.from_bbox([0.05, 0.1, 0.06, 0.11])
    assert set(cells_of(aoi, 1)["epsg"].to_pylist()) == {32631}
    assert set(cells_of(aoi, 2)["epsg"].to_pylist()) == {32630}
