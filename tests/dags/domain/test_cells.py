import io

import numpy as np
import pyarrow.parquet as pq
import pygeohash
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.geometry import shape

from claylake.area import cells as making
from claylake.area.aoi import Aoi
from claylake.area.cells import COLUMNS, cells_by_rule, cells_of, digest, write_parquet
from claylake.area.grid import Cell
from claylake.area.new_cells import NEW, new_among
from claylake.area.ownership import FIRST_NORTHERN_ROW, LAST_SOUTHERN_ROW
from claylake.area.rule import RULES
from tests.dags.domain.zones import epsg_of, zone_of


def polygons(table):
    return shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))


def hole_in(aoi, table):
    """What no cell covers. Edges straight in metres bend in degrees, by centimetres at most: slits are no holes."""
    left = shape(aoi.geometry).difference(shapely.union_all(polygons(table)))
    return left.buffer(-5e-7)


def around(lon, lat, half=0.02):
    south, north = max(-80.0, lat - half), min(84.0, lat + half)
    west, east = lon - half, lon + half
    if west < -180:
        west += 360
    if east > 180:
        east -= 360
    return Aoi.from_bbox([west, south, east, north])


borders = [
    (6.0, 45.3),  # between zones 31 and 32
    (3.0, 60.1),  # 32V's western border
    (12.0, 63.99),
    (5.0, 56.0),  # 32V's southern border
    (9.0, 75.0),  # 31X and 33X
    (21.0, 72.0),
    (180.0, -17.0),  # zones 60 and 1
    (-180.0, 65.0),
    (33.0, 0.0),  # equator and zone border at once
    (15.0, -0.003),
    (40.0, 83.98),
    (-75.0, -79.99),
]


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.floats(-179.9, 179.9), st.floats(-79.9, 83.9))
@example(6.0, 45.3)
@example(3.0, 60.1)
@example(33.0, 0.0)
@example(179.9, -17.0)
def test_cells_leave_no_gap(lon, lat):
    aoi = around(lon, lat)
    cells = cells_by_rule(aoi)
    for rule in RULES:
        assert hole_in(aoi, cells.by(rule)).is_empty


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("lon", "lat"), borders)
def test_borders_leave_no_gap(lon, lat, rule):
    aoi = around(lon, lat, 0.1)
    assert hole_in(aoi, cells_of(aoi, rule)).is_empty


@settings(deadline=None, max_examples=40)
@given(st.floats(-179.9, 179.9), st.floats(-79.9, 83.9))
def test_by_rule_1_every_cell_has_a_point_that_its_zone_owns(lon, lat):
    for cell_id in cells_of(around(lon, lat), 1)["cell_id"].to_pylist():
        cell = Cell.parse(cell_id)
        west, south, east, north = cell.bounds
        back = Transformer.from_crs(cell.epsg, 4326, always_xy=True)
        xs, ys = np.meshgrid(np.linspace(west - 20, east + 20, 9), np.linspace(south - 20, north + 20, 9))
        points = zip(*back.transform(xs.ravel(), ys.ravel()), strict=True)
        assert cell.epsg % 100 in {zone_of(x, min(84.0, max(-80.0, y))) for x, y in points}


@pytest.mark.parametrize(("lon", "lat"), borders)
def test_by_rule_1_the_cell_of_a_point_in_its_own_zone_is_there(lon, lat):
    aoi = around(lon, lat)
    epsg = epsg_of(lon, lat)
    cell = Cell.at(epsg, *Transformer.from_crs(4326, epsg, always_xy=True).transform(lon, lat))
    if epsg > 32700 and cell.row > LAST_SOUTHERN_ROW:
        cell = Cell(epsg=epsg - 100, col=cell.col, row=FIRST_NORTHERN_ROW)
    assert cell.id in cells_of(aoi, 1)["cell_id"].to_pylist()


def test_the_equators_strip_belongs_to_the_north():
    rows = {}
    for cell_id in cells_of(Aoi.from_bbox([15.0, -0.05, 15.05, 0.05]))["cell_id"].to_pylist():
        cell = Cell.parse(cell_id)
        rows.setdefault(cell.epsg, set()).add(cell.row)
    assert min(rows[32633]) == FIRST_NORTHERN_ROW
    assert max(rows[32733]) == LAST_SOUTHERN_ROW


@settings(deadline=None, max_examples=25)
@given(st.floats(-179.9, 179.9), st.floats(-79.9, 83.9))
def test_rows_agree_with_pyproj(lon, lat):
    table = cells_of(around(lon, lat))
    assert table.column_names == list(COLUMNS)
    for row, polygon in zip(table.to_pylist(), polygons(table), strict=True):
        west, south, east, north = Cell.parse(row["cell_id"]).bounds
        assert (row["epsg"], row["col"], row["row"]) == (row["epsg"], west // 2560, south // 2560)
        back = Transformer.from_crs(row["epsg"], 4326, always_xy=True)
        centre = back.transform((west + east) / 2, (south + north) / 2)
        assert (row["lon"], row["lat"]) == pytest.approx(centre)
        assert row["geohash"] == pygeohash.encode(centre[1], centre[0], precision=7)
        assert polygon.is_valid
        x, y = back.transform([west, east, east, west], [south, south, north, north])
        assert (row["ymin"], row["ymax"]) == pytest.approx((min(y), max(y)))
        if row["xmin"] <= row["xmax"]:
            assert (row["xmin"], row["xmax"]) == pytest.approx((min(x), max(x)))
            assert polygon.geom_type == "Polygon"


@pytest.mark.parametrize(("rule", "grids"), [(1, {32701, 32760}), (2, {32701})])  # ESA has no tiles of zone 60 there
def test_a_cell_across_the_antimeridian_is_split(rule, grids):
    table = cells_of(Aoi.from_bbox([179.99, -17.02, -179.99, -16.98]), rule)
    crossing = [
        (row, polygon)
        for row, polygon in zip(table.to_pylist(), polygons(table), strict=True)
        if row["xmin"] > row["xmax"]
    ]
    assert crossing
    for row, polygon in crossing:
        assert polygon.geom_type == "MultiPolygon"
        west, _, east, _ = polygon.bounds
        assert (west, east) == (-180.0, 180.0)
        assert row["xmin"] > 179
        assert row["xmax"] < -179
        assert polygon.area < 0.001
    assert {row["epsg"] for row in table.to_pylist()} == grids


def test_a_cell_that_only_touches_is_left_out():
    back = Transformer.from_crs(32633, 4326, always_xy=True)
    west, south, east, north = Cell(epsg=32633, col=190, row=1950).bounds
    ring = [
        back.transform(x, y) for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south))
    ]
    inner = shapely.Polygon(ring).buffer(-1e-6)
    aoi = Aoi.from_geojson("one", shapely.geometry.mapping(inner))
    assert cells_of(aoi)["cell_id"].to_pylist() == ["32633_190_1950"]


def test_the_whole_is_the_union_of_its_parts():
    whole = set(cells_of(Aoi.from_bbox([5.8, 45.0, 6.2, 45.2]))["cell_id"].to_pylist())
    parts = [
        cells_of(Aoi.from_bbox(box))["cell_id"].to_pylist() for box in ([5.8, 45, 6.0, 45.2], [6.0, 45, 6.2, 45.2])
    ]
    assert whole == {cell_id for part in parts for cell_id in part}


def test_ids_are_sorted_and_distinct():
    ids = cells_of(Aoi.from_bbox([5.8, 45.0, 6.2, 45.2]))["cell_id"].to_pylist()
    assert ids == sorted(set(ids))


def test_digest_knows_no_order():
    assert digest(["b", "a"]) == digest(["a", "b"]) != digest(["a"])
    assert len(digest([])) == 16


def test_parquet_round_trips(monkeypatch):
    monkeypatch.setattr(making, "CHUNK", 5)
    table, sink = cells_of(Aoi.from_bbox([15.0, 45.0, 15.05, 45.05])), io.BytesIO()
    write_parquet(table, sink)
    assert pq.read_table(io.BytesIO(sink.getvalue())).equals(table)
    assert max(pq.ParquetFile(sink).metadata.row_group(n).num_rows for n in range(2)) <= 5 < table.num_rows


def ring_with_holes(lon, lat, degrees, seed):
    """A disc with a ragged edge and a hole, whose parts are larger and smaller than blocks of cells."""
    rng = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    far = degrees * rng.uniform(0.6, 1.0, 90)
    disc = shapely.Polygon(np.column_stack([lon + far * np.cos(turn), lat + far * np.sin(turn)]))
    shown = disc.difference(shapely.Point(lon, lat).buffer(degrees / 4)).intersection(shapely.box(-180, -80, 180, 84))
    return Aoi.from_geojson("ragged", shapely.geometry.mapping(shown))


def one_by_one(epsg, lonlat_area):
    """Cells of a grid that overlap an area, each tried alone."""
    area = making._project(lonlat_area, Transformer.from_crs(4326, epsg, always_xy=True))
    west, south, east, north = (bound / 2560 for bound in area.bounds)
    found = set()
    for col in range(int(np.floor(west)), int(np.ceil(east))):
        for row in range(int(np.floor(south)), int(np.ceil(north))):
            box = shapely.box(*Cell(epsg=epsg, col=col, row=row).bounds)
            if area.intersects(box) and not area.touches(box):
                found.add((col, row))
    return found


@settings(deadline=None, max_examples=8)
@given(st.floats(-2.0, 2.0), st.floats(-60, 60), st.floats(0.1, 0.7), st.integers(0, 99), st.sampled_from([1, 4, 32]))
def test_blocks_find_what_each_cell_alone_does(lon, lat, degrees, seed, block):
    aoi = ring_with_holes(lon + 15.0, lat, degrees, seed)
    area = making._project(shape(aoi.geometry), Transformer.from_crs(4326, 32633, always_xy=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "BLOCK", block)
        cols, rows = making._overlapping(area)
    assert len(set(zip(cols.tolist(), rows.tolist(), strict=True))) == len(cols)
    assert set(zip(cols.tolist(), rows.tolist(), strict=True)) == one_by_one(32633, shape(aoi.geometry))


@pytest.mark.parametrize("box", [[5.5, 59.5, 7.5, 60.5], [179.5, -0.4, -179.5, 0.4], [20.0, 72.5, 22.0, 73.0]])
def test_chunks_change_nothing(monkeypatch, box):
    whole = cells_of(Aoi.from_bbox(box))
    monkeypatch.setattr(making, "CHUNK", 100)
    parts = cells_of(Aoi.from_bbox(box))
    assert parts["cell_id"].num_chunks > whole["cell_id"].num_chunks
    assert parts.equals(whole)
    ids = whole["cell_id"].to_pylist()
    assert ids == sorted(ids)
    assert polygons(whole).tolist() == polygons(parts).tolist()


@pytest.mark.parametrize(
    ("box", "cells", "known"),
    [
        ([14.6, 45.0, 15.4, 46.0], 1101, "17ed07baa13af3c8"),
        ([-64.0, -33.5, -62.5, -32.5], 2461, "0dad849eef6dfdee"),
    ],
)
def test_the_digests_of_published_months_stay(box, cells, known):
    table = cells_of(Aoi.from_bbox(box))
    assert (table.num_rows, digest(table["cell_id"].to_pylist())) == (cells, known)


def test_the_digest_of_rule_1_stays_what_it_was():
    """Scenes that are published name it."""
    assert digest(["32633_190_1950", "32633_190_1951"]) == "e02f3ba8e83128b2"


def test_a_later_rule_is_part_of_the_digest():
    assert len({digest(["a", "b"], rule) for rule in RULES}) == len(RULES)


def test_where_the_rules_agree_the_digest_is_one():
    inland, border = (cells_by_rule(Aoi.from_bbox(box)) for box in ([15.0, 45.0, 15.05, 45.05], [5.8, 45.0, 6.2, 45.2]))
    assert inland.by(1).equals(inland.by(2))
    assert inland.by(2).column_names == list(COLUMNS)
    assert inland.digests[2] == inland.digests[1] == digest(inland.by(1)["cell_id"].to_pylist())
    assert not border.by(1).equals(border.by(2))
    assert border.digests[1] == digest(border.by(1)["cell_id"].to_pylist())
    assert border.digests[2] == digest(border.by(2)["cell_id"].to_pylist(), 2)


def test_new_cells_are_those_that_no_other_rule_has():
    border = cells_by_rule(Aoi.from_bbox([5.8, 45.0, 6.2, 45.2]))
    ids = {rule: border.by(rule)["cell_id"].to_pylist() for rule in RULES}
    for rule, other in ((1, 2), (2, 1)):
        table = border.by(rule)
        assert table["cell_id"].filter(table[NEW]).to_pylist() == sorted(set(ids[rule]) - set(ids[other]))
        assert new_among(table).tolist() == table[NEW].to_pylist()
    everywhere = cells_of(Aoi.from_bbox([5.8, 45.0, 6.2, 45.2]))
    assert everywhere.column_names == list(COLUMNS)
    assert new_among(everywhere).all()
