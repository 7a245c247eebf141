"""Tables that were laid out otherwise before: changed by metadata alone, their files left as they are.

Version 0.1 partitioned two tables by years. Iceberg keeps with each file the partition spec by which it was written, so
both kinds of files are pruned; what is written from now on lies by months. At first a chip was always of one
scene: in rows of before the second one is null.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from claylake import sql
from claylake.vocabulary import CHIPS, EMBEDDINGS, OBSERVATIONS
from spark.lake.branches import SWAPS, commits
from spark.lake.errors import LakeError
from spark.lake.refs import api, expressions, load

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import SparkSession

_log = logging.getLogger(__name__)
ONCE_BY_YEARS: Final = (EMBEDDINGS, OBSERVATIONS)
"""Tables that version 0.1 partitioned by years, now by months."""
ONCE_OF_ONE_SCENE: Final = (CHIPS, OBSERVATIONS)
"""Tables that had no column `SECOND_SCENE`."""
SECOND_SCENE: Final = "second_scene_id"
"""Column of the second of two halves that a row is made of; null where it is of one scene."""


def to_months(spark: SparkSession, table: str) -> bool:
    """Let what is written from now on lie by months, where it lay by years; gives whether this changed the table.

    One commit of metadata: no file is read or written, and no branch moves. Two runs may do it at once: the one that
    comes second finds it done.

    Args:
        spark: session.
        table: full name (``catalog.database.table``).

    Raises:
        LakeError: other writers committed first each time.
    """
    for _ in range(SWAPS):
        iceberg = load(spark, table)
        yearly = [field.name() for field in iceberg.spec().fields() if field.transform().toString() == "year"]
        if not yearly:
            return False
        if commits(iceberg.updateSpec().removeField(yearly[0]).addField(expressions(spark).month("datetime"))):
            _log.info("%s is partitioned by months from now on; its files by years stay as they are", table)
            return True
    raise LakeError(f"{table}: others committed first {SWAPS} times in a row. Clear the task: that is safe")


def with_second_scene(spark: SparkSession, table: str) -> bool:
    """Let a table of before have the column `SECOND_SCENE`; gives whether this changed the table.

    One commit of metadata, as of `to_months`.

    Args:
        spark: session.
        table: full name (``catalog.database.table``).

    Raises:
        LakeError: other writers committed first each time.
    """
    text = api(spark).types.Types.StringType.get()
    for _ in range(SWAPS):
        iceberg = load(spark, table)
        if iceberg.schema().findField(SECOND_SCENE) is not None:
            return False
        if commits(iceberg.updateSchema().addColumn(SECOND_SCENE, text).moveAfter(SECOND_SCENE, "scene_id")):
            _log.info("%s has the column %s from now on; it is null in the rows of before", table, SECOND_SCENE)
            return True
    raise LakeError(f"{table}: others committed first {SWAPS} times in a row. Clear the task: that is safe")


def prefixes_of_before(spark: SparkSession, table: str, start: datetime, end: datetime) -> frozenset[str]:
    """Geohash prefixes with a file of an earlier layout that may hold rows with `start` <= datetime < `end`.

    Empty, without a query, for a table that always had its layout.

    Args:
        spark: session.
        table: full name; partitioned by geohash prefixes.
        start: UTC.
        end: UTC.
    """
    iceberg = load(spark, table)
    if iceberg.specs().size() == 1:
        return frozenset()
    current = iceberg.spec()
    when = "readable_metrics.datetime"
    rows = spark.sql(
        f"SELECT DISTINCT partition.{sql.name(_prefix_field(current))} AS prefix FROM {table}.files "
        f"WHERE spec_id <> {current.specId()} AND coalesce({when}.lower_bound < {sql.timestamp(end)}, true) "
        f"AND coalesce({when}.upper_bound >= {sql.timestamp(start)}, true)"
    ).collect()
    return frozenset(row["prefix"] for row in rows)


def _prefix_field(spec: Any) -> str:
    """The partition field that holds geohash prefixes."""
    name: str = next(f.name() for f in spec.fields() if f.transform().toString().startswith("truncate"))
    return name
