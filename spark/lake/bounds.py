"""Literal bounds of a set of rows: what lets Iceberg leave files out of a MERGE.

A join condition on datetime or geohash prunes nothing; literals do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from claylake import sql
from claylake.pass_month import MARGIN
from claylake.vocabulary import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from pyspark.sql import DataFrame

    from spark.lake.tables import Table


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Where rows lie: `start` <= datetime < `end` (UTC), and the geohash prefixes of their partitions.

    `prefixes` None: no bound by place.
    """

    start: datetime
    end: datetime
    prefixes: tuple[str, ...] | None

    @classmethod
    def of_cells(cls, table: Table, start: datetime, end: datetime, geohashes: Iterable[str]) -> Bounds:
        """Bounds of everything that cells with these geohashes may have between two instants.

        Args:
            table: says how long the geohash prefixes are, if it is partitioned by them.
            start: first instant, UTC; the bounds begin an hour earlier.
            end: last instant, UTC; the bounds end an hour later.
            geohashes: of the cells, at least as long as the table's prefix; repeats do no harm.
        """
        width = table.geohash_prefix
        prefixes = None if width is None else tuple(sorted({geohash[:width] for geohash in geohashes}))
        return cls(start=start - MARGIN, end=end + MARGIN, prefixes=prefixes)

    def condition(self, table: Table, alias: str = "") -> str:
        """The bounds as an SQL condition on a table's columns, or on those of `alias`; literals only."""
        of = f"{alias}." if alias else ""
        parts = [f"{of}datetime >= {sql.timestamp(self.start)}", f"{of}datetime < {sql.timestamp(self.end)}"]
        if self.prefixes is not None and table.geohash_prefix is not None:
            # Iceberg's own function: Spark's `substring` would leave no partition out.
            prefix = f"{CATALOG}.system.truncate({table.geohash_prefix}, {of}geohash)"
            parts.append(sql.is_in(prefix, self.prefixes))
        return " AND ".join(parts)

    def without(self, prefixes: AbstractSet[str]) -> Bounds:
        """The same bounds without these geohash prefixes."""
        return replace(self, prefixes=tuple(prefix for prefix in self.prefixes or () if prefix not in prefixes))

    def parts(self, most: int) -> Iterator[Bounds]:
        """The same bounds in parts of at most `most` prefixes: conditions of bounded length."""
        if self.prefixes is None:
            yield self
            return
        for start in range(0, len(self.prefixes), most):
            yield replace(self, prefixes=self.prefixes[start : start + most])


@dataclass(frozen=True, kw_only=True)
class Extent:
    """The result of one scan of a set of rows: how many, how many distinct keys, and where."""

    rows: int
    keys: int
    bounds: Bounds | None


def extent_of_rows(rows: Iterable[Mapping[str, Any]], table: Table) -> Extent:
    """The same of rows that the driver holds: their key's columns, `datetime` (UTC-aware) and `geohash`."""
    width = table.geohash_prefix
    keys, moments, prefixes, number = set(), set(), set(), 0
    for row in rows:
        number += 1
        keys.add(tuple(row[name] for name in table.key))
        moments.add(row["datetime"])
        if width is not None:
            prefixes.add(row["geohash"][:width])
    if not number:
        return Extent(rows=0, keys=0, bounds=None)
    bounds = Bounds(
        start=min(moments) - MARGIN,
        end=max(moments) + MARGIN,
        prefixes=None if width is None else tuple(sorted(prefixes)),
    )
    return Extent(rows=number, keys=len(keys), bounds=bounds)


def extent_of(rows: DataFrame, table: Table) -> Extent:
    """Count rows and keys and find their bounds (None where there are no rows), in one job."""
    from pyspark.sql import functions as f

    width = table.geohash_prefix
    prefixes = f.lit(None) if width is None else f.collect_set(f.substring("geohash", 1, width))
    found = rows.agg(
        f.count(f.lit(1)).alias("rows"),
        f.countDistinct(*table.key).alias("keys"),
        f.unix_micros(f.min("datetime")).alias("first"),
        f.unix_micros(f.max("datetime")).alias("last"),
        prefixes.alias("prefixes"),
    ).first()
    if found is None or found["rows"] == 0:
        return Extent(rows=0, keys=0, bounds=None)
    bounds = Bounds(
        start=from_micros(found["first"]) - MARGIN,
        end=from_micros(found["last"]) + MARGIN,
        prefixes=None if width is None else tuple(sorted(found["prefixes"])),
    )
    return Extent(rows=found["rows"], keys=found["keys"], bounds=bounds)


def from_micros(micros: int) -> datetime:
    """UTC, of microseconds since 1970: collected timestamps come back in the driver's own time zone."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)
