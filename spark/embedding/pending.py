"""Which of a run's chips still lack a vector, in the order in which they are embedded."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claylake import sql
from claylake.vector_kind import VectorKind
from claylake.vocabulary import CHIPS, EMBEDDINGS
from spark.lake import names
from spark.lake.bounds import Bounds, from_micros
from spark.lake.branch_state import BranchState
from spark.lake.columns import Columns, filled
from spark.lake.tables import TABLES
from spark.lake.vectors import comparable

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, Row, SparkSession

    from spark.lake.scope import Scope

CHIPS_PER_COMMIT = 20_000
"""What a lost cluster loses at most."""
FEW = 2_000
"""Chips that are read by their ids as literals: these reach row groups and Bloom filters, a join does not. And chips of
which the driver itself finds out which lack a vector: for so few, Spark's jobs would do milliseconds' work each."""
SELECTED: Final = ("id", "content_digest", "datetime", "geohash", "cell_id")
ORDER: Final = ("geohash", "id", "content_digest")
"""By which chips are embedded; rows that share an id are ordered by digest."""
_DISTINCT: Final = ("id", "content_digest")
"""What no two chips have in common."""
_CENTRES: Final = Columns({"id": "string", "content_digest": "string", "lon": "double", "lat": "double"})
_PART_BITS: Final = 33
"""`monotonically_increasing_id` puts the partition above these bits, and below them the row's place in it."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Pending chips that are committed together: how many there are, and where and when they lie.

    `first` and `last` are the keys (`ORDER`) of their ends; all pending chips between them are of the group.
    """

    chips: int
    first: tuple[str, ...]
    last: tuple[str, ...]
    bounds: Bounds


@dataclass(frozen=True, kw_only=True)
class Lacking:
    """A chip without a vector, by the columns `SELECTED`; `datetime` is UTC."""

    id: str
    content_digest: str
    datetime: dt.datetime
    geohash: str
    cell_id: str

    @property
    def key(self) -> tuple[str, ...]:
        """Its place in `ORDER`."""
        return self.geohash, self.id, self.content_digest


@dataclass(frozen=True, kw_only=True)
class Pending:
    """The chips without a vector. The driver holds what bounds each group; the chips stay in Spark.

    `total` counts all chips of the run's cells and months, with and without a vector. `missing` has the columns
    `SELECTED`, without pixels. `held`: the same, where they are few.
    """

    total: int
    groups: tuple[Group, ...]
    missing: DataFrame
    held: tuple[Lacking, ...] | None = None

    @property
    def chips(self) -> int:
        """How many lack a vector."""
        return sum(group.chips for group in self.groups)


def without_vector(spark: SparkSession, scope: Scope, size: int = CHIPS_PER_COMMIT) -> Pending:
    """The chips to embed of the run's cells and months, in groups: no pixels yet.

    A chip lacks a vector if the branch has none of its content digest and of the kind that the plan
    makes. Ordered by geohash and id, as the tables are.

    Args:
        spark: session.
        scope: cells, months and the plan whose branch is read.
        size: chips of a group; the last one has fewer.
    """
    branch = scope.plan.branch
    if BranchState.of(spark, scope.plan, CHIPS).most_rows(scope.bounds(CHIPS), enough=FEW + 1) <= FEW:
        return _few_without_vector(spark, scope, size)
    chips = scope.rows(spark, CHIPS, branch=branch).select(*SELECTED)
    made = comparable(spark, scope, branch=branch).select("id", "content_digest")
    missing = chips.join(made, on=["id", "content_digest"], how="left_anti")
    return Pending(total=chips.count(), groups=groups_of(missing, size), missing=missing)


def _few_without_vector(spark: SparkSession, scope: Scope, size: int) -> Pending:
    """The same, found out by the driver: a scan of each table, and none of one that can have no such row."""
    plan, wanted = scope.plan, set(filled(scope.cells["cell_id"], str))
    chips = [Lacking(**row) for row in _scanned(spark, scope, CHIPS, SELECTED) if row["cell_id"] in wanted]
    kind = VectorKind.of(plan).condition()
    rows = _scanned(spark, scope, EMBEDDINGS, ("id", "content_digest"), kind) if chips else []
    made = {(row["id"], row["content_digest"]) for row in rows}
    missing = sorted((chip for chip in chips if (chip.id, chip.content_digest) not in made), key=lambda chip: chip.key)
    return Pending(
        total=len(chips),
        groups=tuple(_held_group(missing[start : start + size]) for start in range(0, len(missing), size)),
        missing=TABLES[CHIPS].columns.only(*SELECTED).frame(spark, map(vars, missing)),
        held=tuple(missing),
    )


def _scanned(
    spark: SparkSession, scope: Scope, name: str, columns: Sequence[str], condition: str = "true"
) -> list[dict[str, Any]]:
    """Columns of the branch's rows within the run's bounds and months; no Spark job where there can be none.

    Args:
        spark: session.
        scope: whose cells bound the rows, which may be of others too.
        name: a name of `spark.lake.tables.TABLES`.
        columns: that are wanted.
        condition: on the rows, in SQL.
    """
    if not BranchState.of(spark, scope.plan, name).may_hold(scope.bounds(name)):
        return []
    shown = ", ".join(f"unix_micros(t.{column}) AS {column}" if column == "datetime" else column for column in columns)
    found = spark.sql(
        f"SELECT {shown} FROM {names.branch_table(scope.plan, name)} t WHERE {scope.where(name)} AND {condition}"
    )
    rows = [row.asDict() for row in found.collect()]
    return [row | ({"datetime": from_micros(row["datetime"])} if "datetime" in row else {}) for row in rows]


def _held_group(chips: Sequence[Lacking]) -> Group:
    """A group of chips that are in order."""
    moments = [chip.datetime for chip in chips]
    return Group(
        chips=len(chips),
        first=chips[0].key,
        last=chips[-1].key,
        bounds=Bounds.of_cells(TABLES[CHIPS], min(moments), max(moments), (chip.geohash for chip in chips)),
    )


def groups_of(rows: DataFrame, size: int) -> tuple[Group, ...]:
    """Groups of `size` rows each, in order of geohash and id; the last one has fewer.

    Rows are sorted once, and kept only meanwhile: Spark computes anew what it keeps of a table when the table is
    written to, and places would shift. Places are counted from what each partition holds, as a window over all rows
    would bring them to one task.

    Args:
        rows: columns datetime and those of `ORDER` among them.
        size: rows of a group.
    """
    from pyspark.sql import functions as f

    ordered = rows.select("datetime", *ORDER).orderBy(*ORDER).withColumn("place", f.monotonically_increasing_id())
    ordered = ordered.persist()
    try:
        part = f.shiftright("place", _PART_BITS)
        parts = _extents(ordered.withColumn("part", part), "part")
        if sum(row["chips"] for row in parts) <= size:
            return _groups([parts] if parts else [])
        return _groups([[row] for row in _extents(ordered.withColumn("group", _group(part, parts, size)), "group")])
    finally:
        ordered.unpersist()


def _extents(rows: DataFrame, by: str) -> list[Row]:
    """Of each value of `by`, in order: how many chips, their ends in time and in order, their geohash prefixes."""
    from pyspark.sql import functions as f

    found = rows.groupBy(by).agg(
        f.count(f.lit(1)).alias("chips"),
        f.unix_micros(f.min("datetime")).alias("start"),
        f.unix_micros(f.max("datetime")).alias("end"),
        f.min(f.struct(*ORDER)).alias("first"),
        f.max(f.struct(*ORDER)).alias("last"),
        f.collect_set(f.substring("geohash", 1, TABLES[CHIPS].geohash_prefix or 0)).alias("prefixes"),
    )
    return sorted(found.collect(), key=lambda row: row[by])


def _group(part: Column, parts: Sequence[Row], size: int) -> Column:
    """Group of each row: its place in its partition, after the rows of the partitions before."""
    from pyspark.sql import functions as f

    before = itertools.accumulate((row["chips"] for row in parts), initial=0)
    pairs = [f.lit(value) for row, offset in zip(parts, before, strict=False) for value in (row["part"], offset)]
    place = f.col("place") - f.shiftleft(part, _PART_BITS) + f.create_map(*pairs)[part]
    return f.floor(place / size)


def _groups(extents: Sequence[Sequence[Row]]) -> tuple[Group, ...]:
    """A group for each list of extents, which are in order."""
    return tuple(
        Group(
            chips=sum(row["chips"] for row in rows),
            first=tuple(rows[0]["first"]),
            last=tuple(rows[-1]["last"]),
            bounds=Bounds.of_cells(
                TABLES[CHIPS],
                from_micros(min(row["start"] for row in rows)),
                from_micros(max(row["end"] for row in rows)),
                itertools.chain.from_iterable(row["prefixes"] for row in rows),
            ),
        )
        for rows in extents
    )


def members(rows: DataFrame, group: Group) -> DataFrame:
    """The rows between the group's ends. Geohashes bound them once more, as literals leave out files."""
    from pyspark.sql import functions as f

    key = f.struct(*ORDER)
    first, last = (
        f.struct(*(f.lit(value).alias(name) for name, value in zip(ORDER, end, strict=True)))
        for end in (group.first, group.last)
    )
    return rows.where(f.col("geohash").between(group.first[0], group.last[0]) & (key >= first) & (key <= last))


def with_pixels(spark: SparkSession, scope: Scope, pending: Pending, group: Group) -> DataFrame:
    """The chips of a group, with their pixels and the centre of their cell (lon, lat).

    Args:
        spark: session.
        scope: whose plan's branch is read, and whose cells the chips are of.
        pending: the chips that lack a vector.
        group: one of theirs, not yet embedded.
    """
    from pyspark.sql import functions as f

    if pending.held is not None:
        held = [chip for chip in pending.held if group.first <= chip.key <= group.last]
        return _held_with_pixels(spark, scope, group, held)
    where = group.bounds.condition(TABLES[CHIPS], "t")
    wanted = members(pending.missing, group)
    if group.chips <= FEW:
        ids = sorted(row["id"] for row in wanted.select("id").distinct().collect())
        where = f"{where} AND ({sql.is_among('t.id', ids)})"
    chips = spark.sql(f"SELECT * FROM {names.branch_table(scope.plan, CHIPS)} t WHERE {where}")
    places = scope.cells_frame(spark).select("cell_id", "lon", "lat")
    wanted = wanted.join(places, on="cell_id", how="inner")
    # The small side is broadcast: the pixels stay where they are read.
    return chips.join(f.broadcast(wanted.select(*_DISTINCT, "lon", "lat")), on=list(_DISTINCT), how="inner")


def _held_with_pixels(spark: SparkSession, scope: Scope, group: Group, held: Sequence[Lacking]) -> DataFrame:
    from pyspark.sql import functions as f

    columns = (scope.cells[name].to_pylist() for name in ("cell_id", "lon", "lat"))
    places = {cell_id: {"lon": lon, "lat": lat} for cell_id, lon, lat in zip(*columns, strict=True)}
    centres = _CENTRES.frame(spark, (vars(chip) | places[chip.cell_id] for chip in held))
    chips = spark.sql(
        f"SELECT * FROM {names.branch_table(scope.plan, CHIPS)} t WHERE {group.bounds.condition(TABLES[CHIPS], 't')} "
        f"AND ({sql.is_among('t.id', sorted({chip.id for chip in held}))})"
    )
    return chips.join(f.broadcast(centres), on=list(_DISTINCT), how="inner")
