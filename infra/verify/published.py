"""Rows that readers of main see, file by file: memory holds one group of chips, however large the table."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from infra.verify.errors import VerifyError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.table import FileScanTask, Table

    from infra.verify.lake import Lake

TOGETHER = 32
"""Chips of a group: their blobs take 16 MB as stored, their pixels 42 MB."""
_ADDED = "second_scene_id"
"""Column of `chips` that tables of before do not have."""
KEPT_FROM = "claylake.chips-kept-from"
"""Property of the table `chips`: a month, yyyy-mm."""
Row = dict[str, Any]
Picked = tuple["FileScanTask", list[Row]]
"""A data file, and rows of it."""


class Published:
    """A table of the lake, at one snapshot.

    Args:
        lake: That has it.
        name: Of the table.

    Raises:
        VerifyError: There is no such table.
    """

    def __init__(self, lake: Lake, name: str) -> None:
        from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

        try:
            self._table: Table = lake.catalog.load_table((lake.database, name))
        except (NoSuchTableError, NoSuchNamespaceError) as error:
            raise VerifyError(f"no table {lake.database}.{name} in this lake: run a month first") from error
        snapshot = self._table.current_snapshot()
        self.snapshot = snapshot.snapshot_id if snapshot else None
        self._tasks = sorted(self._table.scan().plan_files(), key=lambda task: task.file.file_path)

    @property
    def kept_from(self) -> datetime | None:
        """Of chips: the first instant whose rows are kept, older months having been dropped; None where none was."""
        text = self._table.properties.get(KEPT_FROM)
        return None if text is None else datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)

    def each(self, columns: Sequence[str]) -> Iterator[Picked]:
        """Every file with these columns of its rows."""
        yield from ((task, self.rows(task, columns)) for task in self._tasks)

    def sampled(self, number: int, seed: int, columns: Sequence[str]) -> Iterator[Picked]:
        """Some rows, each as likely as any other: the same ones by the same seed, while the table is as it is.

        Args:
            number: Of rows; all where the table has no more.
            seed: Of the draw.
            columns: To read.
        """
        ends = list(accumulate(task.file.record_count for task in self._tasks))
        total = ends[-1] if ends else 0
        # No secret: the draw must be repeatable.
        drawn = sorted(random.Random(seed).sample(range(total), min(number, total)))  # noqa: S311
        by_file: dict[int, list[int]] = {}
        for place in drawn:
            file = bisect_right(ends, place)
            by_file.setdefault(file, []).append(place - (ends[file - 1] if file else 0))
        for file, places in by_file.items():
            task = self._tasks[file]
            rows = self.rows(task, columns)
            # Rows that a delete file hides shorten the list.
            yield task, [rows[place] for place in places if place < len(rows)]

    def rows(self, task: FileScanTask, columns: Sequence[str], ids: Sequence[str] | None = None) -> list[Row]:
        """Rows of a data file, without those deleted since.

        Args:
            task: Of this table.
            columns: To read; `second_scene_id` is None where the table has no such column.
            ids: Of the rows; None for all.
        """
        from pyiceberg.expressions import AlwaysTrue, In
        from pyiceberg.io.pyarrow import ArrowScan

        condition = AlwaysTrue() if ids is None else In("id", ids)
        there = self._table.schema()
        wanted = dict.fromkeys((*columns, *(["id"] if ids is not None else [])))
        # A lake that was written before has no second scenes.
        lacking = {_ADDED: None} if _ADDED in wanted and _ADDED not in there.column_names else {}
        schema = there.select(*(name for name in wanted if name not in lacking))
        scan = ArrowScan(self._table.metadata, self._table.io, schema, condition)
        return [row | lacking for row in scan.to_table([task]).to_pylist()]

    def named(self, ids: Sequence[str], since: datetime, until: datetime) -> list[str]:
        """Ids of all rows with one of these ids, each as often as it is there.

        Args:
            ids: To search.
            since: Acquired no earlier.
            until: Acquired no later.
        """
        from pyiceberg.expressions import And, GreaterThanOrEqual, In, LessThanOrEqual

        times = And(GreaterThanOrEqual("datetime", since.isoformat()), LessThanOrEqual("datetime", until.isoformat()))
        scan = self._table.scan(row_filter=And(In("id", ids), times), selected_fields=("id",))
        found: pa.Table = scan.to_arrow()
        return [str(name) for name in found["id"].to_pylist()]
