"""Where a table's main and branches stand, and how one lies to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import SparkSession

MAIN = "main"


@dataclass(frozen=True)
class Refs:
    """A table's references at one moment.

    `heads`: reference name to snapshot id. `parents`: snapshot id to its parent's, or None.
    A table that was never written has no ``main``.
    """

    heads: Mapping[str, int]
    parents: Mapping[int, int | None]

    @classmethod
    def read(cls, spark: SparkSession, table: str) -> Refs:
        """Read them from the metadata of `table` (``catalog.database.table``)."""
        heads = {row.name: row.snapshot_id for row in spark.sql(f"SELECT name, snapshot_id FROM {table}.refs").collect()}
        rows = spark.sql(f"SELECT snapshot_id, parent_id FROM {table}.snapshots").collect()
        return cls(heads, {row.snapshot_id: row.parent_id for row in rows})

    @property
    def main(self) -> int | None:
        """Head of main."""
        return self.heads.get(MAIN)

    def contains(self, head: int | None, other: int | None) -> bool:
        """Whether the history that ends in `head` holds `other`. Everything holds an empty table."""
        return other is None or other in set(self._history(head))

    def _history(self, head: int | None) -> Iterator[int]:
        while head is not None:
            yield head
            head = self.parents.get(head)
