"""A task's files: one for each partition, each row once, sorted, whatever the order in which cells are read."""

from __future__ import annotations

import io
import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claylake import store
from claylake.errors import StoreError
from claylake.vocabulary import CHIPS
from spark.datafiles import writer
from spark.datafiles.layout import Layout, rules
from spark.datafiles.parquet import GROUP_ROWS, described, encode
from spark.datafiles.writer import FileWriter, Target
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SHAPE = TABLES[CHIPS]
KINDS = {"bigint": "long", "timestamp": "timestamptz"}
MOMENT = datetime(2024, 7, 5, 11, 28, tzinfo=UTC)
BLOB = b"pixels" * 50


def layout() -> Layout:
    """That of chips, as Iceberg describes a table made by its DDL; column n has the field id n."""
    ids = {name: number for number, name in enumerate(SHAPE.columns.names, 1)}
    fields = [
        {"id": ids[name], "name": name, "required": False, "type": KINDS.get(kind, kind)}
        for name, kind in SHAPE.columns.kinds.items()
    ]
    spec = [
        {"name": "geohash_trunc", "transform": "truncate[4]", "source-id": ids["geohash"], "field-id": 1000},
        {"name": "datetime_month", "transform": "month", "source-id": ids["datetime"], "field-id": 1001},
    ]
    return Layout(
        schema=json.dumps({"type": "struct", "schema-id": 0, "fields": fields}),
        spec=json.dumps({"spec-id": 0, "fields": spec}),
        sort_order=1,
        ordered_by=("geohash", "id"),
        properties=tuple(SHAPE.properties.items()),
        blobs=SHAPE.blobs,
    )


def row(number: int, geohash: str, moment: datetime = MOMENT) -> dict[str, Any]:
    return {"id": f"{number:04}", "geohash": geohash, "datetime": moment, "clay_tensor": BLOB, "geotiff": b"picture"}


ROWS = st.lists(st.tuples(st.sampled_from(["ev2ya11", "ev2yb22", "ev2zc33", "s0000zz"]), st.booleans()), max_size=60)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_one_file_for_each_partition(tmp_path: Path, cells: Sequence[tuple[str, bool]], random: Any) -> None:
    wanted = [(row(number, geohash), made) for number, (geohash, made) in enumerate(cells)]
    random.shuffle(wanted)
    folder = tmp_path / uuid.uuid4().hex
    with FileWriter(Target(layout=layout(), folder=str(folder), key="id"), "scene", (one for one, _ in wanted)) as task:
        for one, made in wanted:
            (task.take if made else task.give_up)(one)
        files = task.files()
    by_partition: dict[str, list[dict[str, Any]]] = {}
    for one in sorted((one for one, made in wanted if made), key=lambda one: (one["geohash"], one["id"])):
        by_partition.setdefault(one["geohash"][:4], []).append(one)
    assert {file.document["partition"]["1000"]: list(file.keys) for file in files} == {
        prefix: sorted(one["id"] for one in rows) for prefix, rows in by_partition.items()
    }
    assert store.sizes(str(folder)) == {file.uri: file.size for file in files}
    for file in files:
        table = pq.read_table(io.BytesIO(store.read(file.uri)))
        rows = by_partition[file.document["partition"]["1000"]]
        assert table.select(["id", "geohash", "datetime", "clay_tensor", "geotiff"]).to_pylist() == [
            {name: one[name] for name in ("id", "geohash", "datetime", "clay_tensor", "geotiff")} for one in rows
        ]
        assert table["scene_id"].null_count == len(rows)


def test_a_file_is_stored_before_the_next_partition_is_read(tmp_path: Path) -> None:
    first, second = [row(number, "ev2ya11") for number in range(3)], [row(9, "ev2zc33")]
    with FileWriter(Target(layout=layout(), folder=str(tmp_path), key="id"), "scene", first + second) as task:
        for one in first:
            task.take(one)
        assert [file.keys for file in (future.result() for future in task._storing)] == [("0000", "0001", "0002")]
        task.take(second[0])
        assert len(task.files()) == 2


def test_what_cannot_be_stored_fails_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("cannot write: the disk is full")

    monkeypatch.setattr(writer.store, "write", full)
    many = [row(number, f"ev2{letter}000") for number, letter in enumerate("bcdefg")]

    def write() -> None:
        with FileWriter(Target(layout=layout(), folder=str(tmp_path), key="id"), "scene", many) as task:
            for one in many:
                task.take(one)
            task.files()

    with pytest.raises(StoreError, match="the disk is full"):
        write()


def test_rows_of_two_partitions_are_no_file() -> None:
    for rows in (
        [row(0, "ev2ya11"), row(1, "ev2zc33")],
        [row(0, "ev2ya11"), row(1, "ev2ya11", datetime(2024, 8, 1, tzinfo=UTC))],
    ):
        _, footer = encode(layout(), rows)
        with pytest.raises(ValueError, match="more than one partition"):
            described(layout(), "file", 1, footer)


def test_a_chip_is_read_without_its_neighbours() -> None:
    data, footer = encode(layout(), [row(number, "ev2ya11") for number in range(70)])
    assert [footer.row_group(group).num_rows for group in range(footer.num_row_groups)] == [GROUP_ROWS, GROUP_ROWS, 6]
    blobs = footer.row_group(0).column(layout_names().index("clay_tensor"))
    assert (blobs.compression, blobs.is_stats_set) == ("UNCOMPRESSED", False)
    assert footer.row_group(0).column(0).statistics.min == "0000"
    assert len(data) < 100_000, "a Bloom filter is as large as its rows need, not 1 MiB"


def layout_names() -> list[str]:
    return list(rules(layout()).arrow.names)


def test_partitions_come_back_from_bounds() -> None:
    data, footer = encode(layout(), [row(number, f"ev2y{number:03}") for number in range(9)])
    document = described(layout(), "file", len(data), footer)
    assert document["partition"] == {"1000": "ev2y", "1001": (2024 - 1970) * 12 + 6}
    assert rules(layout()).partitions_of_bounds(document) == (document["partition"], document["partition"])
