"""Where the rows of data files may lie, by metadata alone: partitions, and the least and greatest values."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from claylake.pass_month import MARGIN
from spark.lake.bounds import from_micros
from spark.lake.refs import Refs, added_files, api

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from pyspark.sql import SparkSession

    from spark.lake.tables import Table

REWRITTEN = "replace"
"""Iceberg's name of what compaction does: no row is new."""
_MARGIN_US = MARGIN // timedelta(microseconds=1)
_Range = tuple[bytes, bytes]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Where a file's keys may lie: its partition's values, and the ranges of its key columns and times.

    A column without a range may hold anything.
    """

    uri: str
    partition: str
    keys: Mapping[str, _Range]
    times: tuple[int, int] | None

    def meets(self, other: Reach) -> bool:
        """Whether a key may be in both files, which lie in one partition."""
        near = not (self.times and other.times) or (
            self.times[0] - _MARGIN_US <= other.times[1] and other.times[0] - _MARGIN_US <= self.times[1]
        )
        return near and all(
            low <= other.keys[name][1] and other.keys[name][0] <= high
            for name, (low, high) in self.keys.items()
            if name in other.keys
        )


def may_collide(spark: SparkSession, iceberg: Any, table: Table, own: Mapping[str, Any], head: int) -> frozenset[str]:
    """Paths of those of a branch's files that may hold a key which main has got since the branch left it.

    All of them where the two histories do not meet. Rows that main had before are not counted: a branch is never given
    a key that it has.

    Args:
        spark: session.
        iceberg: Iceberg's own table.
        table: its key.
        own: path to data file (Iceberg's own), of the branch's.
        head: id of the branch's snapshot.
    """
    refs = Refs.of(iceberg)
    beyond = refs.since(refs.main, head)
    if beyond is None:
        return frozenset(own)
    new = (snapshot for snapshot in beyond if iceberg.snapshot(snapshot).operation() != REWRITTEN)
    come = list(added_files(iceberg, new))
    if not come:
        return frozenset()
    specs = {_spec(iceberg, file).specId() for file in (*come, *own.values())}
    if len(specs) > 1:
        # The layout has changed between them: partitions do not compare.
        return frozenset(own)
    there: dict[str, list[Reach]] = defaultdict(list)
    for reach in _reaches(spark, iceberg, table, come):
        there[reach.partition].append(reach)
    return frozenset(
        reach.uri
        for reach in _reaches(spark, iceberg, table, own.values())
        if any(reach.meets(other) for other in there[reach.partition])
    )


def times_added(spark: SparkSession, iceberg: Any, table: Table, head: int) -> tuple[datetime, datetime] | None:
    """The first and the last datetime of the data files that a branch added since it left main.

    None where that is not known: it added none, or its history has expired.

    Args:
        spark: session.
        iceberg: Iceberg's own table.
        table: the same as the house describes it.
        head: id of the branch's snapshot.
    """
    refs = Refs.of(iceberg)
    own = refs.since(head, refs.main)
    if own is None:
        return None
    times = [reach.times for reach in _reaches(spark, iceberg, table, added_files(iceberg, own))]
    known = [time for time in times if time is not None]
    if not known or len(known) < len(times):
        return None
    return from_micros(min(first for first, _ in known)), from_micros(max(last for _, last in known))


def _reaches(spark: SparkSession, iceberg: Any, table: Table, files: Iterable[Any]) -> Iterator[Reach]:
    parser, schema = api(spark).ContentFileParser, iceberg.schema()
    ids = {name: schema.findField(name).fieldId() for name in (*table.key, "datetime")}
    for file in files:
        document = json.loads(parser.toJson(file, _spec(iceberg, file)))
        lower, upper = (_by_id(document.get(f"{side}-bounds")) for side in ("lower", "upper"))
        ranges = {name: (lower[key], upper[key]) for name, key in ids.items() if key in lower and key in upper}
        moments = ranges.pop("datetime", None)
        yield Reach(
            uri=document["file-path"],
            partition=json.dumps(document["partition"], sort_keys=True),
            # Of other types the bytes do not sort as the values do.
            keys={name: ranges[name] for name in ranges if table.columns.kinds[name] == "string"},
            times=None if moments is None else (_micros(moments[0]), _micros(moments[1])),
        )


def _spec(iceberg: Any, file: Any) -> Any:
    return iceberg.specs().get(file.specId())


def _by_id(bounds: Mapping[str, Any] | None) -> dict[int, bytes]:
    if not bounds:
        return {}
    return {key: bytes.fromhex(value) for key, value in zip(bounds["keys"], bounds["values"], strict=True)}


def _micros(value: bytes) -> int:
    return int.from_bytes(value, "little", signed=True)
