"""Writing rows to a branch by key: insert-only, or such that the better observation of a key stays.

An insert-only MERGE is planned by Iceberg as an append. Two writers may commit the same key to
one branch without a conflict, so a branch has one writer at a time, and publishing by
fast-forward is what makes rows appear once.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import OUTCOME_CHIP, REJECTED
from spark.lake import names
from spark.lake.bounds import Bounds, Extent, extent_of
from spark.lake.branch_state import BranchState
from spark.lake.refs import Refs
from spark.lake.tables import LINEAGE, SECOND_SCENE, TABLES, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyspark.sql import Column, DataFrame, SparkSession

    from claylake.plan import Plan

CONSIDERED = "scenes_considered"
_GROWS = f"size(array_except(s.{CONSIDERED}, t.{CONSIDERED})) > 0"


def insert_only(
    spark: SparkSession,
    plan: Plan,
    table: str,
    rows: DataFrame,
    *,
    branch: str | None = None,
    cheap: bool = False,
    extent: Extent | None = None,
) -> int:
    """Insert the rows whose key the branch does not have; gives how many.

    Rows of equal key in `rows` count once. Nothing is committed when nothing is new.

    Args:
        spark: session.
        plan: whose branch, and where the tables are.
        table: a name of `spark.lake.tables.TABLES`.
        rows: all columns of the table, in any order. Persisted here if the caller has not.
        branch: another branch than the plan's.
        cheap: `rows` come straight from a table, or from what is persisted: reading them again beats holding their
            blobs.
        extent: of `rows`, where the caller knows it; else it is found out with Spark jobs.
    """
    shape = TABLES[table]
    target = names.branch_table(plan, table, branch)
    with _source(rows, shape, cheap=cheap, extent=extent) as (source, bounds):
        if bounds is None:
            return 0
        if branch is None and not BranchState.of(spark, plan, table).may_hold(bounds):
            # A MERGE would join them with nothing, and is no safer where another attempt commits meanwhile.
            _with_later_columns(source, target).writeTo(target).append()
        elif missing(spark, target, shape, source, bounds).isEmpty():
            return 0
        else:
            with view_of(source) as view:
                spark.sql(insert_sql(shape, target, view, bounds))
    refs = Refs.read(spark, names.main_table(plan, table))
    return refs.snapshots[refs.heads[branch or plan.branch]].added


def _with_later_columns(rows: DataFrame, target: str) -> DataFrame:
    """The rows with the columns that a later release has added to the table, null."""
    from pyspark.sql import functions as f

    later = (field for field in rows.sparkSession.table(target).schema if field.name not in rows.columns)
    return rows.withColumns({field.name: f.lit(None).cast(field.dataType) for field in later})


def upsert(
    spark: SparkSession,
    plan: Plan,
    table: str,
    rows: DataFrame,
    *,
    branch: str | None = None,
    cheap: bool = False,
    extent: Extent | None = None,
) -> int:
    """Merge observations by quality and with memory; gives how many rows were inserted or changed.

    Of two rows of a key the one that comes first in `order` stays, whichever was written first. A row whose outcome is
    `chip` always stays: fractions and scene are those of the chip in `chips`. The scenes considered are those of both,
    sorted; a row that gains only scenes keeps the run and date of its look. A row that differs only in who wrote it
    changes nothing, and nothing is committed when nothing changes.

    Args:
        spark: session.
        plan: whose branch, and where the tables are.
        table: a name of `spark.lake.tables.TABLES`; observations.
        rows: all columns of the table, in any order; persisted as of `insert_only`. Several of one key become one, by
            the same rule.
        branch: another branch than the plan's; None for the plan's own.
        cheap: `rows` are not to be persisted, as of `insert_only`.
        extent: of `rows`, where the caller has it; None: it is found out with Spark jobs.
    """
    shape = TABLES[table]
    target = names.branch_table(plan, table, branch)
    with _source(rows, shape, cheap=cheap, extent=extent, once=united) as (found, bounds):
        if bounds is None:
            return 0
        source = _sorted(found)
        changes = _changes(spark, target, shape, source, bounds)
        if changes == 0:
            return 0
        with view_of(source) as view:
            spark.sql(upsert_sql(shape, target, view, bounds))
    return changes


def delete(
    spark: SparkSession, plan: Plan, table: str, keys: DataFrame, bounds: Bounds, *, branch: str | None = None
) -> int:
    """Delete rows from a branch by key; gives how many keys that were. Commits nothing for none.

    Args:
        spark: session.
        plan: whose branch, and where the tables are.
        table: a name of `spark.lake.tables.TABLES`.
        keys: the key columns; repeats do no harm.
        bounds: within which the rows lie.
        branch: another branch than the plan's.
    """
    shape, target = TABLES[table], names.branch_table(plan, table, branch)
    once = keys.select(*map(sql.name, shape.key)).distinct().persist()
    try:
        number = once.count()
        if number:
            with view_of(once) as view:
                spark.sql(f"MERGE INTO {target} t USING {view} s ON {_on(shape, bounds)} WHEN MATCHED THEN DELETE")
    finally:
        once.unpersist()
    return number


def insert_sql(table: Table, target: str, view: str, bounds: Bounds) -> str:
    """The insert-only MERGE of `view` into `target`.

    Args:
        table: gives key and partitions.
        target: full name of the branch, as `names.branch_table` gives it.
        view: name of a temporary view with the table's columns, one row per key.
        bounds: of the view's rows.
    """
    return f"MERGE INTO {target} t USING {view} s ON {_on(table, bounds)} {_insert(table)}"


def upsert_sql(table: Table, target: str, view: str, bounds: Bounds) -> str:
    """The MERGE of observations: the better row stays, the scenes considered add up.

    Args:
        table: gives key, partitions, and the columns in which rows may differ.
        target: as of `insert_sql`.
        view: as of `insert_sql`, the scenes considered sorted.
        bounds: of the view's rows.
    """
    both = f"array_sort(array_union(t.{CONSIDERED}, s.{CONSIDERED}))"
    others = table.columns.without(*table.key, CONSIDERED).names
    better = ", ".join(f"t.{column} = s.{column}" for column in map(sql.name, others))
    return (
        f"MERGE INTO {target} t USING {view} s ON {_on(table, bounds)} "
        f"WHEN MATCHED AND {_replaces(table)} THEN UPDATE SET {better}, t.{CONSIDERED} = {both} "
        f"WHEN MATCHED AND {_GROWS} THEN UPDATE SET t.{CONSIDERED} = {both} "
        f"{_insert(table)}"
    )


def _insert(table: Table) -> str:
    """The columns by name: a later release may have added others, which stay null."""
    names = table.columns.names
    return f"WHEN NOT MATCHED THEN INSERT ({sql.names(names)}) VALUES ({sql.names(names, 's')})"


def order(alias: str = "") -> str:
    """The total order of a key's observations as an SQL expression: the best one is the least.

    Chip before rejected before failed; less nodata, then more clear, unknown last; the lower scene ids; of one scene
    tried again the later time. `spark.sentinel2.choose` orders the scenes of a run alike.
    """
    of = f"{alias}." if alias else ""
    unknown = "float('Infinity')"
    kind = f"CASE WHEN {of}outcome = {sql.string(OUTCOME_CHIP)} THEN 0 "
    kind += f"WHEN startswith({of}outcome, {sql.string(REJECTED)}) THEN 1 ELSE 2 END"
    parts = (
        kind,
        f"coalesce({of}nodata_frac, {unknown})",
        f"coalesce(-{of}clear_frac, {unknown})",
        f"{of}scene_id",
        f"coalesce({of}{SECOND_SCENE}, '')",
        f"-unix_micros({of}created_at)",
        # One scene at one time has one outcome; with these the order is total even where it does not.
        f"{of}outcome",
        f"{of}detail",
    )
    return f"struct({', '.join(parts)})"


def missing(spark: SparkSession, target: str, table: Table, rows: DataFrame, bounds: Bounds) -> DataFrame:
    """Those of `rows` whose key `target` lacks. Reads only the key columns of the files within bounds.

    Args:
        spark: session.
        target: full name of the branch, as `names.branch_table` gives it.
        table: gives key and partitions.
        rows: with the key columns at least.
        bounds: of `rows`.
    """
    return rows.join(keys(spark, target, table, bounds), on=list(table.key), how="left_anti")


def keys(spark: SparkSession, target: str, table: Table, bounds: Bounds) -> DataFrame:
    """The key columns of the rows that `target` has within bounds.

    Args:
        spark: session.
        target: full name of main or a branch, as `spark.lake.names` gives it.
        table: gives key and partitions.
        bounds: of the rows.
    """
    return spark.sql(f"SELECT {sql.names(table.key, 't')} FROM {target} t WHERE {bounds.condition(table, 't')}")


def _changes(spark: SparkSession, target: str, table: Table, source: DataFrame, bounds: Bounds) -> int:
    with view_of(source) as view:
        counted = spark.sql(
            f"SELECT count(*) AS n FROM {view} s "
            f"LEFT JOIN (SELECT * FROM {target} t WHERE {bounds.condition(table, 't')}) t ON {_same(table.key, '=')} "
            f"WHERE t.{sql.name(table.key[0])} IS NULL OR ({_replaces(table)}) OR {_GROWS}"
        ).first()
    return int(counted["n"]) if counted is not None else 0


def _on(table: Table, bounds: Bounds) -> str:
    return f"{_same(table.key, '=')} AND {bounds.condition(table, 't')}"


def _replaces(table: Table) -> str:
    same = _same(table.columns.without(*table.key, *LINEAGE, CONSIDERED).names, "<=>")
    return f"t.outcome <> {sql.string(OUTCOME_CHIP)} AND {order('s')} < {order('t')} AND NOT ({same})"


def _same(columns: Iterable[str], operator: str) -> str:
    return " AND ".join(f"t.{column} {operator} s.{column}" for column in map(sql.name, columns))


def one_per_key(rows: DataFrame, table: Table) -> DataFrame:
    """One row per key; which one does not depend on the order in which they come."""
    from pyspark.sql import functions as f

    hashable = [sql.name(name) for name, kind in table.columns.kinds.items() if not kind.startswith("map<")]
    return _first(rows, table, f.xxhash64(*hashable))


def united(rows: DataFrame, table: Table) -> DataFrame:
    """One observation per key: the best of its rows, with the scenes considered by any of them."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    considered = f.flatten(f.collect_list(CONSIDERED).over(Window.partitionBy(*table.key)))
    return _sorted(_first(rows.withColumn(CONSIDERED, considered), table, f.expr(order())))


def _first(rows: DataFrame, table: Table, order: Column) -> DataFrame:
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    of_key = Window.partitionBy(*table.key).orderBy(order)
    return rows.withColumn("_rank", f.row_number().over(of_key)).where("_rank = 1").drop("_rank")


def _sorted(rows: DataFrame) -> DataFrame:
    from pyspark.sql import functions as f

    return rows.withColumn(CONSIDERED, f.array_sort(f.array_distinct(CONSIDERED)))


@contextmanager
def _source(
    rows: DataFrame,
    table: Table,
    *,
    cheap: bool,
    extent: Extent | None = None,
    once: Callable[[DataFrame, Table], DataFrame] = one_per_key,
) -> Iterator[tuple[DataFrame, Bounds | None]]:
    """The rows in the table's columns, one per key, computed once, with their bounds."""
    level = rows.storageLevel
    ours = not (cheap or level.useMemory or level.useDisk)
    if ours:
        rows.persist()
    try:
        source = rows.select(*map(sql.name, table.columns.names))
        extent = extent or extent_of(source, table)
        # Grouping would shuffle every blob: only where a key really comes twice.
        yield source if extent.rows == extent.keys else once(source, table), extent.bounds
    finally:
        if ours:
            rows.unpersist()


@contextmanager
def view_of(rows: DataFrame) -> Iterator[str]:
    """A temporary view of the rows, under a name of its own."""
    name = f"rows_{uuid.uuid4().hex}"
    rows.createOrReplaceTempView(name)
    try:
        yield name
    finally:
        rows.sparkSession.catalog.dropTempView(name)
