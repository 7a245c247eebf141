"""Small files of a partition joined into few sorted ones: only where a partition has enough of them to gain.

Which partitions those are is said by Iceberg's own planner, from metadata: a table with nothing to join costs no Spark
job and no scan of rows.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from claylake import sql
from claylake.month import Month
from claylake.vocabulary import CATALOG, CHIPS
from spark.lake import layout, names
from spark.lake.bounds import Bounds
from spark.lake.clock import Done
from spark.lake.refs import api, expressions, load
from spark.lake.tables import TABLES, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import Row, SparkSession

    from claylake.plan import Plan
    from spark.lake.scope import Scope

_log = logging.getLogger(__name__)
MIN_FILES = 5
"""Small files of a partition that make it worth rewriting."""
_MIB: Final = 1024 * 1024
SMALL_CHIPS_FILE = 8 * _MIB
"""Bytes: smaller files of chips are joined. A scene's part of a partition is two to six times as large."""
MOST_PARTITIONS = 500
"""That one run compacts beside its own: its cluster was made for its own work."""
_PREFIXES_PER_CALL: Final = 200
"""Iceberg leaves out no file by a longer list."""
_MONTHS_OF_A_YEAR: Final = 12


def compact(spark: SparkSession, scope: Scope, name: str) -> int:
    """Join the small files of the partitions that the run touched; gives files rewritten.

    Args:
        spark: session.
        scope: what the run touched.
        name: a name of `spark.lake.tables.TABLES`.
    """
    plan, shape = scope.plan, TABLES[name]
    # The months themselves: what lies an hour beyond them is in the partitions of other months.
    bounds = replace(scope.bounds(name), start=plan.start, end=plan.end)
    found: set[_Partition] = set()
    for part in bounds.parts(_PREFIXES_PER_CALL):
        found |= set(_to_join(spark, plan, shape, _filter(spark, part, shape)))
    return _join(spark, plan, shape, found).files


def compact_all(spark: SparkSession, plan: Plan, name: str) -> Done:
    """Join the small files of all partitions, so many at a time.

    What a run's own compaction did not come to, as where its cluster was lost, is found here.

    Args:
        spark: session.
        plan: where the tables are.
        name: a name of `spark.lake.tables.TABLES`.
    """
    shape, found = TABLES[name], set[_Partition]()
    for partition in _to_join(spark, plan, shape, expressions(spark).alwaysTrue()):
        if partition not in found and len(found) == MOST_PARTITIONS:
            return replace(_join(spark, plan, shape, found), whole=False)
        found.add(partition)
    return _join(spark, plan, shape, found)


_Partition = tuple[Month, str | None]
"""A month, and a geohash prefix where the table is partitioned by one."""


def _to_join(spark: SparkSession, plan: Plan, shape: Table, condition: Any) -> Iterator[_Partition]:
    """Partitions that have enough to join among main's files that may meet a condition; some may come twice.

    Files of an earlier layout are left as they are: they lie in partitions of other kinds.
    """
    iceberg = load(spark, names.main_table(plan, shape.name))
    if iceberg.currentSnapshot() is None:
        return
    java, current = api(spark), iceberg.spec()
    planner = java.actions.BinPackRewriteFilePlanner(iceberg, condition)
    planner.init({key: str(value) for key, value in _options(shape).items()})
    fields = {str(field.fieldId()): field.transform().toString() for field in current.fields()}
    groups = planner.plan().groups()
    try:
        iterator = groups.iterator()
        while iterator.hasNext():
            file = iterator.next().fileScanTasks().get(0).file()
            if file.specId() == current.specId():
                document = json.loads(java.ContentFileParser.toJson(file, current))
                yield _partition({fields[key]: value for key, value in document["partition"].items()})
    finally:
        groups.close()


def _partition(values: Mapping[str, Any]) -> _Partition:
    """From the value of each transform."""
    month = values["month"]
    prefix = next((value for transform, value in values.items() if transform.startswith("truncate")), None)
    return Month(1970 + month // _MONTHS_OF_A_YEAR, 1 + month % _MONTHS_OF_A_YEAR), prefix


def _filter(spark: SparkSession, bounds: Bounds, shape: Table) -> Any:
    """Bounds as Iceberg's own expression."""
    of = expressions(spark)
    both, among = getattr(of, "and"), getattr(of, "in")
    condition = both(
        of.greaterThanOrEqual("datetime", bounds.start.isoformat()), of.lessThan("datetime", bounds.end.isoformat())
    )
    if bounds.prefixes is None:
        return condition
    return both(condition, among(of.truncate("geohash", shape.geohash_prefix), list(bounds.prefixes)))


def _join(spark: SparkSession, plan: Plan, shape: Table, partitions: set[_Partition]) -> Done:
    """Rewrite the small files of these partitions."""
    of_months: dict[Month, set[str]] = defaultdict(set)
    for month, prefix in partitions:
        of_months[month] |= set() if prefix is None else {prefix}
    rewritten = failed = 0
    for month, prefixes in sorted(of_months.items()):
        bounds = Bounds(
            start=month.start, end=month.end, prefixes=None if shape.geohash_prefix is None else tuple(sorted(prefixes))
        )
        for where in _conditions(spark, plan, shape, bounds):
            for row in _rewrite(spark, plan, shape, where):
                rewritten += int(row["rewritten_data_files_count"])
                failed += int(row["failed_data_files_count"])
    if partitions:
        _log.info("%s: %d files of %d partitions joined, %d failed", shape.name, rewritten, len(partitions), failed)
    return Done(files=rewritten, whole=not failed)


def _conditions(spark: SparkSession, plan: Plan, shape: Table, bounds: Bounds) -> list[str]:
    """Conditions that together cover the bounds, each of bounded length.

    Without places where rows of the month are in files of an earlier layout: Iceberg would write these anew with
    them, and such a file holds a year.
    """
    if shape.name in layout.ONCE_BY_YEARS:
        table = names.main_table(plan, shape.name)
        bounds = bounds.without(layout.prefixes_of_before(spark, table, bounds.start, bounds.end))
    return [part.condition(shape) for part in bounds.parts(_PREFIXES_PER_CALL)]


def _rewrite(spark: SparkSession, plan: Plan, shape: Table, where: str) -> list[Row]:
    given = ", ".join(f"{sql.string(key)}, {sql.string(str(value))}" for key, value in _options(shape).items())
    order = ", ".join(f"{column.strip()} ASC NULLS LAST" for column in shape.ordered_by.split(","))
    rows: list[Row] = spark.sql(
        f"CALL {CATALOG}.system.rewrite_data_files(table => {sql.string(names.main_table(plan, shape.name))}, "
        f"strategy => 'sort', sort_order => {sql.string(order)}, options => map({given}), where => {sql.string(where)})"
    ).collect()
    return rows


def _options(shape: Table) -> dict[str, object]:
    # Groups of limited size, each committed on its own: blobs are sorted on disk, not in memory,
    # and a lost cluster loses one group.
    group = 2048 if shape.name == CHIPS else 512
    options: dict[str, object] = {
        "min-input-files": MIN_FILES,
        "max-file-group-size-bytes": group * _MIB,
        "max-concurrent-file-group-rewrites": 2,
        "partial-progress.enabled": "true",
        "partial-progress.max-commits": 10,
    }
    if shape.name == CHIPS:
        # What extraction wrote once, a file for each scene, stays as it is: remnants alone, as of repairs, are joined.
        options["min-file-size-bytes"] = SMALL_CHIPS_FILE
    return options
