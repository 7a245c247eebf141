"""A table's branch at one moment: what its files may hold, by metadata alone, and the driver's rows put on top of it.

No Spark job: a month's first rows of a table need no MERGE, which joins them with files that cannot hold their keys.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from spark.datafiles.layout import Layout
from spark.datafiles.writer import FileWriter, Target
from spark.lake import branches, names
from spark.lake.addition import CONFLICT, addition, head_of
from spark.lake.refs import api, as_list, expressions, load
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import SparkSession

    from claylake.plan import Plan
    from spark.lake.bounds import Bounds

_MOST_PREFIXES = 64
"""Of geohashes in a condition on files; above it files are distinguished by time alone."""


@dataclass(frozen=True, kw_only=True)
class BranchState:
    """The plan's branch of a table, at the snapshot `head`. `iceberg`: Iceberg's own table."""

    spark: SparkSession
    plan: Plan
    name: str
    iceberg: Any
    head: int

    @classmethod
    def of(cls, spark: SparkSession, plan: Plan, name: str) -> Self:
        """As the catalogue has it now.

        Args:
            spark: session.
            plan: whose branch, and where the tables are.
            name: a name of `spark.lake.tables.TABLES`.

        Raises:
            LakeError: there is no such branch.
        """
        iceberg = load(spark, names.main_table(plan, name))
        return cls(spark=spark, plan=plan, name=name, iceberg=iceberg, head=head_of(iceberg, plan))

    def may_hold(self, bounds: Bounds) -> bool:
        """Whether any data file may have a row within bounds."""
        return self.most_rows(bounds, enough=1) > 0

    def most_rows(self, bounds: Bounds, enough: int) -> int:
        """How many rows there may be within bounds at most: all of the files that may hold one.

        Args:
            bounds: of the rows.
            enough: where there are as many, no more are counted.
        """
        tasks = self.iceberg.newScan().useSnapshot(self.head).filter(self._within(bounds)).planFiles()
        number = 0
        try:
            files = tasks.iterator()
            while number < enough and files.hasNext():
                number += files.next().file().recordCount()
        finally:
            tasks.close()
        return number

    def append(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Commit rows whose keys the branch lacks at this moment, in one snapshot.

        False where others have written to the branch since, or where the catalogue's answer was lost: then it may hold
        the rows. Nothing is deleted: files that no snapshot has are removed by maintenance.

        Args:
            rows: at least one, by column; columns that are missing are null. Times are UTC-aware, maps are dicts.

        Raises:
            StoreError: a file cannot be written.
        """
        shape = TABLES[self.name]
        folder: str = self.iceberg.locationProvider().newDataLocation(f"{self.plan.branch}/{uuid.uuid4().hex}")
        layout = Layout.of(api(self.spark), self.iceberg, shape.blobs)
        target = Target(layout=layout, folder=folder, key=shape.key[0])
        maps = {name for name, kind in shape.columns.kinds.items() if kind.startswith("map<")}
        with FileWriter(target, "rows", rows) as writer:
            for row in rows:
                writer.take({name: list(value.items()) if name in maps else value for name, value in row.items()})
            files = writer.files()
        change = addition(self.spark, self.iceberg, files, self.plan, self.head)
        return branches.commits(change, beside=(CONFLICT,))

    def _within(self, bounds: Bounds) -> Any:
        of = expressions(self.spark)
        both, among = getattr(of, "and"), getattr(of, "in")
        found = both(
            of.greaterThanOrEqual("datetime", bounds.start.isoformat()), of.lessThan("datetime", bounds.end.isoformat())
        )
        width = TABLES[self.name].geohash_prefix
        if width is None or bounds.prefixes is None or len(bounds.prefixes) > _MOST_PREFIXES:
            return found
        return both(found, among(of.truncate("geohash", width), as_list(self.spark, bounds.prefixes)))
