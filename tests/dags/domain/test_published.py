from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.catalog.sql import SqlCatalog

from claylake.errors import StoreError
from claylake.month import Month
from claylake.run import published
from claylake.run.published import RunScope, missing_vectors, prefixes_of, settled_scenes

DATABASE = "claylake"
WORK = RunScope(
    cell_ids=("32633_190_1950", "32633_191_1950"),
    geohashes=("u21abcd", "u21abce"),
    cells_digest="c1",
    selection_digest="s1",
    months=(Month(2024, 7),),
    model_version="m1",
    convention="tutorial",
)
SCENES = pa.schema(
    [(name, pa.string()) for name in ("scene_id", "updated", "cells_digest", "selection_digest", "status")]
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
    return {**row, **changes}


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
    put(lake, "scenes", pa.schema([("x", pa.string())]), [{"x": "1"}])
    with pytest.raises(StoreError, match=r"table .*scenes cannot be read: .*scene_id"):
        settled_scenes(lake, DATABASE, WORK)


@given(st.lists(st.text("0123456789bcdefghjkmnpqrstuvwxyz", min_size=7, max_size=7), min_size=1), st.integers(1, 40))
def test_prefixes_hold_every_geohash(geohashes, most):
    prefixes = prefixes_of(tuple(geohashes), most)
    assert len(prefixes) <= most
    if prefixes:
        assert all(any(geohash.startswith(prefix) for prefix in prefixes) for geohash in geohashes)


def test_many_prefixes_make_no_deep_filter(lake):
    alphabet = "0123456789bcdefghjkmnpqrstuvwxyz"
    many = tuple(f"u2{a}{b}abc" for a in alphabet for b in alphabet)
    put_chips(lake, chip())
    work = RunScope(**{**WORK.__dict__, "geohashes": (*many, "u21abcd")})
    assert len(prefixes_of(work.geohashes)) == 32
    assert missing_vectors(lake, DATABASE, work) == 1


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
