"""The next batch is read while the last one is committed."""

from __future__ import annotations

import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from spark.lake.append import discard

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from spark.extraction.batches import CellToRead
    from spark.extraction.chip_writer import ChipWriter, ReadBatch


class ReadAhead:
    """A context manager. Where it ends with an error, what is being read is cancelled, and its files are deleted."""

    def __init__(self, writer: ChipWriter) -> None:
        self._writer = writer
        self._group = f"claylake-read-{uuid.uuid4().hex}"
        self._pool = ThreadPoolExecutor(1)
        self._reading: Future[ReadBatch] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._writer.spark.sparkContext.cancelJobGroup(self._group)
        self._pool.shutdown(wait=True)
        reading = self._reading
        if reading is not None and reading.exception() is None:
            discard(reading.result().folder, ())

    def read(self, cells: Sequence[CellToRead]) -> int:
        """Begin to read a batch, and commit the one before; gives by how many chips the branch grew.

        Raises:
            Whatever reading or committing the batch before raised.
        """
        before = self._taken()
        self._reading = self._pool.submit(self._read, cells)
        return 0 if before is None else self._writer.commit(before)

    def rest(self) -> int:
        """Commit the last batch; gives by how many chips the branch grew."""
        last = self._taken()
        return 0 if last is None else self._writer.commit(last)

    def _taken(self) -> ReadBatch | None:
        """The batch that is being read, when it is read."""
        reading = self._reading
        if reading is None:
            return None
        batch = reading.result()
        self._reading = None
        return batch

    def _read(self, cells: Sequence[CellToRead]) -> ReadBatch:
        # A thread has a job group of its own.
        self._writer.spark.sparkContext.setJobGroup(self._group, "read chips")
        return self._writer.read(cells)
