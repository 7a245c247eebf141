"""Writing the files of a task: rows are held until their partition is complete, then stored while work goes on."""

from __future__ import annotations

import uuid
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from claylake import store
from spark.datafiles.layout import Layout, rules
from spark.datafiles.parquet import DataFile, described, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from spark.datafiles.layout import Partition

_IN_FLIGHT = 2
"""Files that wait to be stored, at most: each is held in memory."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where files go: their `layout`, a `folder` of their own, and the column whose values are the rows' keys."""

    layout: Layout
    folder: str
    key: str


class FileWriter:
    """A context manager: takes the rows of a task one by one, and gives one file for each partition.

    Args:
        target: where files go.
        name: that theirs begin with.
        expected: rows that will be taken or given up, with the columns that the partition goes by.
    """

    def __init__(self, target: Target, name: str, expected: Iterable[Mapping[str, Any]]) -> None:
        self._target, self._name, self._rules = target, name, rules(target.layout)
        self._left: Counter[Partition] = Counter(map(self._rules.partition, expected))
        self._rows: dict[Partition, list[Mapping[str, Any]]] = {}
        self._storing: list[Future[DataFile]] = []
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=error is not None)

    def take(self, row: Mapping[str, Any]) -> None:
        """Add a row; its partition's file is written when no other is expected there.

        Raises:
            StoreError: an earlier file cannot be stored.
        """
        partition = self._rules.partition(row)
        self._rows.setdefault(partition, []).append(row)
        self._arrived(partition)

    def give_up(self, row: Mapping[str, Any]) -> None:
        """Expect a row no longer.

        Args:
            row: with the columns that the partition goes by.
        """
        self._arrived(self._rules.partition(row))

    def files(self) -> tuple[DataFile, ...]:
        """All files, stored; rows of partitions that are not complete included.

        Raises:
            StoreError: one cannot be stored.
        """
        for partition in list(self._rows):
            self._write(partition)
        return tuple(future.result() for future in self._storing)

    def _arrived(self, partition: Partition) -> None:
        self._left[partition] -= 1
        if self._left[partition] == 0 and partition in self._rows:
            self._write(partition)

    def _write(self, partition: Partition) -> None:
        rows = self._rows.pop(partition)
        if len(self._storing) >= _IN_FLIGHT:
            self._storing[-_IN_FLIGHT].result()
        data, footer = encode(self._target.layout, rows)
        # A name of its own: an attempt that is repeated overwrites nothing.
        uri = store.join(self._target.folder, f"{self._name}-{uuid.uuid4().hex}.parquet")
        document = described(self._target.layout, uri, len(data), footer)
        keys = tuple(sorted(row[self._target.key] for row in rows))
        self._storing.append(
            self._pool.submit(self._store, DataFile(uri=uri, size=len(data), keys=keys, document=document), data)
        )

    @staticmethod
    def _store(file: DataFile, data: bytes) -> DataFile:
        store.write(file.uri, data)
        return file
