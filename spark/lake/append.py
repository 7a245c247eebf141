"""Data files that tasks have written, made part of a run's branch: checked, without keys that it has, and once.

Iceberg checks nothing at such a commit: it takes a file that does not exist, one of another partition, the same one
twice, and keys that are there. So each of these is proven here.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from claylake import store
from spark.datafiles.layout import Layout, rules
from spark.datafiles.writer import Target
from spark.lake import branches, merge, names
from spark.lake.addition import CONFLICT, addition, head_of
from spark.lake.columns import Columns
from spark.lake.errors import LakeError
from spark.lake.refs import api, load
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pyspark.sql import SparkSession

    from spark.datafiles.parquet import DataFile
    from spark.lake.scope import Scope
    from spark.lake.tables import Table

_log = logging.getLogger(__name__)
_BATCH = "claylake.batch"
"""Entry in the summary of a snapshot."""


@dataclass(kw_only=True)
class Appender:
    """Appends to a table's branch of a run. `since`: the branch's snapshot whose keys are known not to come again."""

    spark: SparkSession
    scope: Scope
    name: str
    since: int | None = field(default=None, init=False)

    def begin(self) -> None:
        """Take the branch as it is now for known: who reads its keys after this need not fear any that are there."""
        self.since = self._head(load(self.spark, self._table))

    def target(self, batch: str) -> Target:
        """How and where the data files of a batch are written: in a folder of its own, below the table's data."""
        iceberg = load(self.spark, self._table)
        folder: str = iceberg.locationProvider().newDataLocation(f"{self.scope.plan.branch}/{batch}")
        layout = Layout.of(api(self.spark), iceberg, self._shape.blobs)
        return Target(layout=layout, folder=folder, key=self._shape.key[0])

    def append(self, files: Sequence[DataFile], batch: str) -> tuple[DataFile, ...]:
        """Commit files in one snapshot; gives those that are on the branch afterwards, by this call.

        A file that holds a key that the branch has by now is left out whole, and its other rows with it.

        Args:
            files: in the batch's folder.
            batch: its name, which no other batch ever has.

        Raises:
            LakeError: a file is not what it is said to be; or others committed first again and again. Nothing is
                committed.
        """
        if not files:
            return ()
        self._require_as_described(files, batch)
        wanted = tuple(files)
        for turn in range(branches.SWAPS + 1):
            iceberg = load(self.spark, self._table)
            head = self._head(iceberg)
            committed = _committed(iceberg, head, self.since, batch)
            if committed is not None:
                self.since = committed.snapshotId()
                return _of(committed, iceberg, wanted)
            if turn == branches.SWAPS:
                break
            if head != self.since:
                wanted, self.since = self._without_known_keys(wanted, head), head
            if not wanted:
                return ()
            # Also where it succeeds, the next turn finds out what was committed; the one after the last does only that.
            branches.commits(self._change(iceberg, wanted, batch, head), beside=(CONFLICT,))
        raise LakeError(
            f"branch {self.scope.plan.branch} of {self._table}: others committed first {branches.SWAPS} times in a "
            "row. Does an earlier attempt at this run still work? End its step, then clear the task"
        )

    @property
    def _table(self) -> str:
        return names.main_table(self.scope.plan, self.name)

    @property
    def _shape(self) -> Table:
        return TABLES[self.name]

    def _head(self, iceberg: Any) -> int:
        return head_of(iceberg, self.scope.plan)

    def _change(self, iceberg: Any, files: Sequence[DataFile], batch: str, head: int) -> Any:
        return addition(self.spark, iceberg, files, self.scope.plan, head).set(_BATCH, batch)

    def _without_known_keys(self, files: Sequence[DataFile], head: int) -> tuple[DataFile, ...]:
        """Those without a key that the branch has at a snapshot."""
        key = self._shape.key[0]
        wanted = Columns({key: "string"}).frame(self.spark, [{key: value} for file in files for value in file.keys])
        there = merge.keys(
            self.spark,
            names.snapshot_table(self.scope.plan, self.name, head),
            self._shape,
            self.scope.bounds(self.name),
        )
        found = {row[key] for row in there.join(wanted, on=key, how="left_semi").collect()}
        kept = tuple(file for file in files if found.isdisjoint(file.keys))
        if len(kept) < len(files):
            _log.warning("%d of %d files hold keys that the branch has by now", len(files) - len(kept), len(files))
        return kept

    def _require_as_described(self, files: Sequence[DataFile], batch: str) -> None:
        target = self.target(batch)
        stored = store.sizes(target.folder)
        twice = [key for key, number in Counter(key for file in files for key in file.keys).items() if number > 1]
        if twice:
            raise LakeError(f"{len(twice)} keys come twice in one batch of {self.name}, the first is {twice[0]}")
        for file in files:
            for fault in _faults(file, stored, target.layout):
                raise LakeError(f"{file.uri} is not what its task says of it: {fault}. Nothing was committed")


def _faults(file: DataFile, stored: dict[str, int], layout: Layout) -> Iterator[str]:
    """What is wrong with a file, by its description, its place in the store, and the table's partitions."""
    document = file.document
    if document["file-path"] != file.uri or file.uri not in stored:
        yield "it is not in the folder of its batch"
    elif not stored[file.uri] == file.size == document["file-size-in-bytes"]:
        yield f"it has {stored[file.uri]} bytes, not {document['file-size-in-bytes']}"
    if document["record-count"] != len(file.keys):
        yield f"it has {document['record-count']} rows, and {len(file.keys)} keys"
    bounds = rules(layout).partitions_of_bounds(document)
    if any(partition != document["partition"] for partition in bounds):
        yield f"its rows are of the partitions {bounds}, not {document['partition']}"


def _committed(iceberg: Any, head: int, since: int | None, batch: str) -> Any | None:
    """The snapshot in which a batch was committed to the history that ends in `head`, after `since`; Iceberg's own."""
    snapshot = iceberg.snapshot(head)
    while snapshot is not None and snapshot.snapshotId() != since:
        if (snapshot.summary() or {}).get(_BATCH) == batch:
            return snapshot
        parent = snapshot.parentId()
        snapshot = None if parent is None else iceberg.snapshot(parent)
    return None


def _of(snapshot: Any, iceberg: Any, files: tuple[DataFile, ...]) -> tuple[DataFile, ...]:
    """Those of the files that came with a snapshot: by their number all, else by paths, each a request to Java."""
    if int(snapshot.summary().get("added-data-files") or 0) == len(files):
        return files
    uris = {file.location() for file in snapshot.addedDataFiles(iceberg.io())}
    return tuple(file for file in files if file.uri in uris)


def discard(folder: str, kept: Collection[DataFile]) -> int:
    """Delete what a batch's folder holds beside some files: those of tasks that failed or ran twice. Gives how many.

    Args:
        folder: the batch's own.
        kept: the files that were committed.
    """
    committed = {file.uri for file in kept}
    others = [uri for uri in store.sizes(folder) if uri not in committed]
    store.remove(others)
    return len(others)
