"""A table's branches, their head snapshots, and which snapshot descends from which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spark.lake.errors import LakeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pyspark.sql import SparkSession

MAIN = "main"
_MAX_AGE = "history.expire.max-ref-age-ms"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One state of a table. `rows` are in it, `added` came with it; `when` is its commit, UTC.

    `appends`: whether it only added rows to its parent.
    """

    parent: int | None
    rows: int
    added: int
    when: datetime
    appends: bool


@dataclass(frozen=True, kw_only=True)
class Refs:
    """A table's references at one moment.

    `heads`: branch name to snapshot id; a table that was never written has no ``main``.
    `snapshots`: by id, those that have not expired. `may_expire`: whether a reference may go by its own age.
    """

    heads: Mapping[str, int]
    snapshots: Mapping[int, Snapshot]
    may_expire: bool = False

    @classmethod
    def read(cls, spark: SparkSession, table: str) -> Refs:
        """Read them from the metadata of `table` (``catalog.database.table``), fresh from the catalogue."""
        return cls.of(load(spark, table))

    @classmethod
    def of(cls, iceberg: Any) -> Refs:
        """Those of Iceberg's own table, as `load` gives it: of the metadata that it was loaded with."""
        refs = dict(iceberg.refs().items())
        return cls(
            heads={name: ref.snapshotId() for name, ref in refs.items() if ref.isBranch()},
            snapshots={snapshot.snapshotId(): _snapshot(snapshot) for snapshot in iceberg.snapshots()},
            may_expire=iceberg.properties().get(_MAX_AGE) is not None
            or any(ref.maxRefAgeMs() is not None or ref.maxSnapshotAgeMs() is not None for ref in refs.values()),
        )

    @property
    def main(self) -> int | None:
        """Head of main."""
        return self.heads.get(MAIN)

    def contains(self, head: int | None, other: int | None) -> bool:
        """Whether the history that ends in `head` holds `other`. Everything holds an empty table."""
        return other is None or other in set(self._history(head))

    def since(self, head: int | None, other: int | None) -> tuple[int, ...] | None:
        """The snapshots of the history that ends in `head`, newest first, that the one that ends in `other` lacks.

        None where the two never meet, as when snapshots between them have expired.

        Args:
            head: of a branch, or of main.
            other: of another one.
        """
        known = set(self._history(other))
        own: list[int] = []
        for snapshot in self._history(head):
            if snapshot in known:
                return tuple(own)
            own.append(snapshot)
        return None

    def only_adds(self, branch: str) -> bool:
        """Whether the branch has only added rows since it left main, as far as is known."""
        own = self.since(self.heads[branch], self.main)
        return own is not None and all(self.snapshots[snapshot].appends for snapshot in own)

    def rows(self, snapshot: int | None) -> int:
        """Rows that the table holds at a snapshot; none before the first."""
        return 0 if snapshot is None else self.snapshots[snapshot].rows

    def _history(self, head: int | None) -> Iterator[int]:
        while head is not None and head in self.snapshots:
            yield head
            head = self.snapshots[head].parent


def added_files(iceberg: Any, snapshots: Iterable[int]) -> Iterator[Any]:
    """The data files (Iceberg's own) that came with some snapshots of a table, as `load` gives it."""
    for snapshot in snapshots:
        yield from iceberg.snapshot(snapshot).addedDataFiles(iceberg.io())


def manifest_sizes(spark: SparkSession, table: str) -> list[int]:
    """Bytes of each manifest that the current snapshot lists; none for a table never written."""
    iceberg = load(spark, table)
    current = iceberg.currentSnapshot()
    return [] if current is None else [manifest.length() for manifest in current.allManifests(iceberg.io())]


def load(spark: SparkSession, table: str) -> Any:
    """Iceberg's own table. Through Java: a query of the metadata tables by SQL would cost two Spark jobs each time."""
    java_session = spark._jsparkSession  # noqa: SLF001
    return api(spark).spark.Spark3Util.loadIcebergTable(java_session, table)


def expressions(spark: SparkSession) -> Any:
    """Iceberg's own expressions and terms, for changes of tables that SQL has no words for."""
    return api(spark).expressions.Expressions


def as_list(spark: SparkSession, values: Iterable[str]) -> Any:
    """A Java list of strings, as some of Iceberg's functions take them."""
    found = spark._jvm.java.util.ArrayList()  # type: ignore[union-attr]  # noqa: SLF001
    for value in values:
        found.add(value)
    return found


def api(spark: SparkSession) -> Any:
    """Iceberg's Java packages.

    Raises:
        LakeError: the session has ended.
    """
    jvm = spark._jvm  # noqa: SLF001
    if jvm is None:
        raise LakeError("the Spark session has ended: no table can be loaded")
    return jvm.org.apache.iceberg


def _snapshot(snapshot: Any) -> Snapshot:
    """From Iceberg's own; its summary may be absent, and counts of zero are left out of it."""
    summary = snapshot.summary() or {}
    return Snapshot(
        parent=snapshot.parentId(),
        rows=int(summary.get("total-records") or 0),
        added=int(summary.get("added-records") or 0),
        appends=snapshot.operation() == "append",
        when=datetime.fromtimestamp(snapshot.timestampMillis() / 1000, UTC),
    )
