from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.catalog.sql import SqlCatalog

from claylake.errors import StoreError
from claylake.month import Month
from claylake.run import published
from claylake.run.published import RunScope, missing_vectors, prefix_groups, settled_scenes

DATABASE = "claylake"
WORK = RunScope(
    cell_ids=pa.chunked_array([["32633_190_1950"], ["32633_191_1950"]]),
    geohashes=pa.chunked_array([["u21abcd"], ["u21abce"]]),
    cells_digest="c1",
    selection_digest="s1",
    months=(Month(2024, 7),),
    model_version="m1",
    convention="tutorial",
)
SCENES = pa.schema(
    [
        *((name, pa.string()) for name in ("scene_id", "updated", "cells_digest", "selection_digest", "status")),
        ("datetime", pa.timestamp("us", "UTC")),
    ]
)


def key_fields(zone):
    return [
        ("id", pa.string()),
        ("content_digest", pa.string()),
        ("geohash", pa.string()),
        ("datetime", pa.timestamp("us", zone)),
    ]


@pytest.fixture
def lake(tmp_path):
    catalog = SqlCatalog("lake", uri="sqlite:///:memory:", warehouse=f"file://{tmp_path}")
    catalog.create_namespace(DATABASE)
    yield catalog
    catalog.destroy_tables()
    catalog.engine.dispose()


def put(lake, name, schema, rows):
    identifier = (DATABASE, name)
    table = lake.load_table(identifier) if lake.table_exists(identifier) else lake.create_table(identifier, schema)
    table.append(pa.Table.from_pylist(rows, schema))


def put_chips(lake, *rows, zone="UTC"):
    schema = pa.schema([*key_fields(zone), ("cell_id", pa.string())])
    put(lake, "chips", schema, [{**row, "cell_id": "_".join(row["id"].split("_")[:3])} for row in rows])


def put_vectors(lake, *rows, zone="UTC", model="m1", convention="tutorial"):
    schema = pa.schema([*key_fields(zone), ("model_version", pa.string()), ("convention", pa.string())])
    put(lake, "embeddings", schema, [{**row, "model_version": model, "convention": convention} for row in rows])


def chip(cell="32633_190_1950", stamp="20240710T100559", digest="d1", geohash="u21abcd", **changes):
    when = datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return {"id": f"{cell}_S2B_{stamp}", "content_digest": digest, "geohash": geohash, "datetime": when, **changes}


def scene(name, **changes):
    row = {"scene_id": name, "updated": "u", "cells_digest": "c1", "selection_digest": "s1", "status": "done"}
    return {**row, "datetime": datetime(2024, 7, 10, 10, 6, tzinfo=UTC), **changes}


def test_no_tables_nothing_published(lake):
    assert settled_scenes(lake, DATABASE, WORK) == set()
    assert missing_vectors(lake, DATABASE, WORK) == 0
    assert settled_scenes(lake, "elsewhere", WORK) == set()


def test_only_done_rows_of_this_work_settle(lake):
    put(
        lake,
        "scenes",
        SCENES,
        [
            scene("a"),
            scene("a"),
            scene("b", updated=None),
            scene("c", status="partial"),
            scene("d", cells_digest="c2"),
            scene("e", selection_digest="s2"),
        ],
    )
    assert settled_scenes(lake, DATABASE, WORK) == {("a", "u"), ("b", None)}


def test_for_a_run_that_replaces_newer_scenes_that_another_kept_out_are_not_settled(lake):
    def row(name, baseline, chips=0, evidence="{}", **changes):
        known = {"pass": "p", "baseline": baseline, "chips": chips, "evidence": evidence}
        return scene(name, **(known | changes))

    fields = [(name, pa.string()) for name in ("pass", "baseline", "evidence")]
    done_so = '{"on_reprocessed": "replace"}'
    rows = [
        row("old", "05.00", chips=3),
        row("new", "05.11", chips=1),
        row("same", "05.00"),
        row("unknown", None),
        row("newest", "05.12", evidence=done_so),
        row("other_pass", "05.11", chips=2, **{"pass": "q"}),
        row("without_chips", "04.00", **{"pass": "q"}),
        row("of_another_area", "04.00", chips=1, cells_digest="c2", **{"pass": "r"}),
        row("shared", "05.00", **{"pass": "r"}),
        row("id_stays", "04.00", chips=1, updated="2020", **{"pass": "s"}),
        row("id_stays", "05.00", updated="2024", **{"pass": "s"}),
    ]
    put(lake, "scenes", pa.schema([*SCENES, *fields, ("chips", pa.int32())]), rows)
    of_work = {(row["scene_id"], row["updated"]) for row in rows if row["cells_digest"] == "c1"}
    assert settled_scenes(lake, DATABASE, WORK) == of_work
    replacing = replace(WORK, replaces=True)
    assert settled_scenes(lake, DATABASE, replacing) == of_work - {("new", "u"), ("shared", "u"), ("id_stays", "2024")}
    put(lake, "scenes", pa.schema([*SCENES, *fields, ("chips", pa.int32())]), [row("new", "05.11", 3, done_so)])
    assert ("new", "u") in settled_scenes(lake, DATABASE, replacing)


def test_every_chip_misses_its_vector_where_no_vectors_are(lake):
    put_chips(lake, chip(), chip(cell="32633_191_1950"))
    assert missing_vectors(lake, DATABASE, WORK) == 2


@pytest.mark.parametrize("zone", ["UTC", None])
def test_only_chips_of_the_cells_and_months_count(lake, zone):
    late = datetime(2024, 8, 1, 0, 0, 7, tzinfo=UTC)
    rows = [
        chip(),
        chip(cell="32633_999_1950"),
        chip(stamp="20240630T235959"),
        chip(stamp="20240801T000000"),
        chip(stamp="20240731T235959", datetime=late),
        chip(geohash="zzzzzzz", cell="32633_7_7"),
    ]
    if zone is None:
        rows = [{**row, "datetime": row["datetime"].replace(tzinfo=None)} for row in rows]
    put_chips(lake, *rows, zone=zone)
    assert missing_vectors(lake, DATABASE, WORK) == 2


def test_a_vector_counts_for_the_same_chip_content_model_and_convention(lake):
    chips = [chip(stamp=f"202407{day}T100559") for day in (10, 11, 12, 13, 14)]
    put_chips(lake, *chips)
    put_vectors(lake, chips[0])
    put_vectors(lake, {**chips[1], "content_digest": "older"})
    put_vectors(lake, chips[2], model="m2")
    put_vectors(lake, chips[3], convention="blank")
    assert missing_vectors(lake, DATABASE, WORK) == 4
    put_vectors(lake, *chips[1:])
    assert missing_vectors(lake, DATABASE, WORK) == 0


def test_vectors_that_were_all_deleted_are_missing(lake):
    # Files without rows to give, and files with: pyiceberg calls their strings by different types.
    put_chips(lake, chip())
    put_vectors(lake, chip())
    lake.load_table((DATABASE, "embeddings")).delete("id is not null")
    assert missing_vectors(lake, DATABASE, WORK) == 1


def test_a_table_of_another_shape_is_named(lake):
    dated = SCENES.field("datetime")
    put(lake, "scenes", pa.schema([("x", pa.string()), dated]), [{"x": "1", "datetime": scene("a")["datetime"]}])
    with pytest.raises(StoreError, match=r"table .*scenes cannot be read: .*scene_id"):
        settled_scenes(lake, DATABASE, WORK)


def test_scenes_of_other_months_are_not_read(lake):
    days = [datetime(2024, 7, 1, 0, 0, tzinfo=UTC), datetime(2024, 8, 1, 0, 20, tzinfo=UTC)]
    others = [
        datetime(2024, 6, 10, tzinfo=UTC),
        datetime(2024, 8, 1, 2, 0, tzinfo=UTC),
        datetime(2023, 7, 10, tzinfo=UTC),
    ]
    for number, day in enumerate((*days, *others)):
        put(lake, "scenes", SCENES, [scene(str(number), datetime=day)])
    files = lake.load_table((DATABASE, "scenes")).inspect.files().to_pylist()
    for file in files:  # what is gone cannot have been read
        if file["readable_metrics"]["datetime"]["lower_bound"] in others:
            Path(file["file_path"].removeprefix("file://")).unlink()
    assert len(files) == 5
    assert settled_scenes(lake, DATABASE, WORK) == {("0", "u"), ("1", "u")}


digits = "0123456789bcdefghjkmnpqrstuvwxyz"


@given(
    st.lists(st.text(digits, min_size=7, max_size=7), min_size=1, max_size=60), st.integers(1, 40), st.integers(1, 70)
)
def test_each_geohash_begins_with_one_prefix_of_one_group(geohashes, most, cells):
    groups = prefix_groups(pa.chunked_array([geohashes]), most, cells)
    if groups == ((),):
        assert len({geohash[0] for geohash in geohashes}) > most
        return
    assert all(1 <= len(group) <= most for group in groups)
    for geohash in geohashes:
        assert sum(geohash.startswith(prefix) for group in groups for prefix in group) == 1
    for group in groups:
        held = sum(geohash.startswith(group) for geohash in geohashes)
        assert held <= cells or len(group) == 1


def test_many_prefixes_make_no_deep_filter(lake):
    many = [f"u2{a}{b}abc" for a in digits for b in digits]
    put_chips(lake, chip())
    geohashes = pa.chunked_array([[*many, "u21abcd"]])
    cell_ids = pa.chunked_array([[f"32633_{n}_7" for n in range(len(many))], ["32633_190_1950"]])
    work = replace(WORK, geohashes=geohashes, cell_ids=cell_ids)
    assert [len(group) for group in prefix_groups(geohashes)] == [32]
    assert missing_vectors(lake, DATABASE, work) == 1


@pytest.mark.parametrize("at_once", [1, 3, 100_000])
def test_parts_of_an_area_add_up(lake, monkeypatch, at_once):
    places = [(f"32633_{n}_1950", f"u2{digit}{digit}abc") for n, digit in enumerate(digits[:8])]
    chips = [
        chip(cell=cell, geohash=geohash, stamp=stamp)
        for cell, geohash in places
        for stamp in ("20240702T101010", "20240712T101010")
    ]
    put_chips(lake, *chips, chip(cell="32633_99_1950", geohash="u200abc"), chip(stamp="20240802T101010"))
    put_vectors(lake, *chips[::3])
    work = replace(
        WORK,
        cell_ids=pa.chunked_array([[cell for cell, _ in places]]),
        geohashes=pa.chunked_array([[geohash for _, geohash in places]]),
    )
    monkeypatch.setattr(published, "CELLS_AT_ONCE", at_once)
    monkeypatch.setattr(prefix_groups, "__defaults__", (published.MOST_PREFIXES, at_once))
    assert len(prefix_groups(work.geohashes)) == max(1, -(-len(places) // at_once))
    assert missing_vectors(lake, DATABASE, work) == len(chips) - len(chips[::3])


def test_the_glue_catalog_takes_endpoint_and_region(monkeypatch, settings_of):
    deployed = settings_of().where
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5555")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    properties = published.catalog(deployed).properties
    assert properties["glue.endpoint"] == properties["s3.endpoint"] == "http://127.0.0.1:5555"
    assert properties["glue.region"] == properties["s3.region"] == "us-west-2"
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert "glue.endpoint" not in published.catalog(deployed).properties
