"""Writing rows to a branch by key: insert-only, or with replacement of older outcomes.

An insert-only MERGE is planned by Iceberg as an append. Two writers may commit the same key to
one branch without a conflict, so a branch has one writer at a time, and publishing by
fast-forward is what makes rows appear once.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import OUTCOME_CHIP
from spark.lake import names
from spark.lake.bounds import Bounds, Extent, extent_of
from spark.lake.refs import Refs
from spark.lake.tables import LINEAGE, TABLES, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyspark.sql import DataFrame, SparkSession

    from claylake.plan import Plan


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
        if bounds is None or missing(spark, target, shape, source, bounds).isEmpty():
            return 0
        with view(source) as name:
            spark.sql(insert_sql(shape, target, name, bounds))
    refs = Refs.read(spark, names.main_table(plan, table))
    return refs.snapshots[refs.heads[branch or plan.branch]].added


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
    """Insert new keys and replace older outcomes; gives how many rows were inserted or replaced.

    A row whose outcome is `chip` stays: the chip exists. A row that was written later stays, and one
    that differs only in who wrote it. Nothing is committed when nothing changes.

    Args:
        spark: session.
        plan: whose branch, and where the tables are.
        table: a name of `spark.lake.tables.TABLES`.
        rows: all columns of the table, in any order; persisted as of `insert_only`.
        branch: another branch than the plan's; None for the plan's own.
        cheap: `rows` are not to be persisted, as of `insert_only`.
        extent: of `rows`, where the caller has it; None: it is found out with Spark jobs.
    """
    shape = TABLES[table]
    target = names.branch_table(plan, table, branch)
    with _source(rows, shape, cheap=cheap, extent=extent) as (source, bounds):
        if bounds is None:
            return 0
        changes = _changes(spark, target, shape, source, bounds)
        if changes == 0:
            return 0
        with view(source) as name:
            spark.sql(upsert_sql(shape, target, name, bounds))
    return changes


def delete(spark: SparkSession, plan: Plan, table: str, keys: DataFrame, bounds: Bounds) -> int:
    """Delete rows from the plan's branch by key; gives how many keys were given. Commits nothing for none.

    Args:
        spark: session.
        plan: whose branch, and where the tables are.
        table: a name of `spark.lake.tables.TABLES`.
        keys: the key columns; each key once.
        bounds: within which the rows lie.
    """
    shape, number = TABLES[table], keys.count()
    if number:
        with view(keys) as source:
            spark.sql(
                f"MERGE INTO {names.branch_table(plan, table)} t USING {source} s ON {_on(shape, bounds)} "
                "WHEN MATCHED THEN DELETE"
            )
    return number


def insert_sql(table: Table, target: str, view: str, bounds: Bounds) -> str:
    """The insert-only MERGE of `view` into `target`.

    Args:
        table: gives key and partitions.
        target: full name of the branch, as `names.branch_table` gives it.
        view: name of a temporary view with the table's columns, one row per key.
        bounds: of the view's rows.
    """
    return f"MERGE INTO {target} t USING {view} s ON {_on(table, bounds)} WHEN NOT MATCHED THEN INSERT *"


def upsert_sql(table: Table, target: str, view: str, bounds: Bounds) -> str:
    """The MERGE that also replaces older outcomes.

    Args:
        table: gives key, partitions, and the columns in which an outcome may differ.
        target: as of `insert_sql`.
        view: as of `insert_sql`.
        bounds: of the view's rows.
    """
    return (
        f"MERGE INTO {target} t USING {view} s ON {_on(table, bounds)} "
        f"WHEN MATCHED AND {_replaces(table)} THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )


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
    with view(source) as name:
        counted = spark.sql(
            f"SELECT count(*) AS n FROM {name} s "
            f"LEFT JOIN (SELECT * FROM {target} t WHERE {bounds.condition(table, 't')}) t ON {_same(table.key, '=')} "
            f"WHERE t.{sql.name(table.key[0])} IS NULL OR ({_replaces(table)})"
        ).first()
    return int(counted["n"]) if counted is not None else 0


def _on(table: Table, bounds: Bounds) -> str:
    return f"{_same(table.key, '=')} AND {bounds.condition(table, 't')}"


def _replaces(table: Table) -> str:
    same = _same(table.columns.without(*table.key, *LINEAGE).names, "<=>")
    return f"t.outcome <> {sql.string(OUTCOME_CHIP)} AND t.created_at <= s.created_at AND NOT ({same})"


def _same(columns: Iterable[str], operator: str) -> str:
    return " AND ".join(f"t.{column} {operator} s.{column}" for column in map(sql.name, columns))


@contextmanager
def _source(
    rows: DataFrame, table: Table, *, cheap: bool, extent: Extent | None = None
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
        yield source if extent.rows == extent.keys else one_per_key(source, table), extent.bounds
    finally:
        if ours:
            rows.unpersist()


def one_per_key(rows: DataFrame, table: Table) -> DataFrame:
    """One row per key; which one does not depend on the order in which they come."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    hashable = [sql.name(name) for name, kind in table.columns.kinds.items() if not kind.startswith("map<")]
    order = Window.partitionBy(*table.key).orderBy(f.xxhash64(*hashable))
    return rows.withColumn("_rank", f.row_number().over(order)).where("_rank = 1").drop("_rank")


@contextmanager
def view(rows: DataFrame) -> Iterator[str]:
    """The rows as a temporary view; gives its name."""
    name = f"rows_{uuid.uuid4().hex}"
    rows.createOrReplaceTempView(name)
    try:
        yield name
    finally:
        rows.sparkSession.catalog.dropTempView(name)
