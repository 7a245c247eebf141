"""Cells in reading order: runs of neighbours, north to south."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST = 16
"""Cells of a strip at most: bounds memory (1.3 MB a cell). Blocks stay in `block_rows` between strips."""


@dataclass(frozen=True, order=True, kw_only=True)
class CellIndex:
    """Column and row of a cell in its zone's grid."""

    col: int
    row: int


@dataclass(frozen=True, kw_only=True)
class Strip:
    """`cells` neighbours in grid row `row`, from `col` eastwards."""

    col: int
    row: int
    cells: int

    @property
    def indices(self) -> tuple[CellIndex, ...]:
        """The strip's cells, west to east."""
        return tuple(CellIndex(col=self.col + step, row=self.row) for step in range(self.cells))

    def single(self) -> Iterator[Strip]:
        """The strip's cells as strips of one."""
        return (Strip(col=index.col, row=index.row, cells=1) for index in self.indices)


def strips(indices: Iterable[CellIndex], longest: int = LONGEST) -> Iterator[Strip]:
    """Strips that hold each index once and nothing else, northernmost first, as files store rows."""
    start: CellIndex | None = None
    length = 0
    for index in sorted(set(indices), key=lambda index: (-index.row, index.col)):
        if start is not None and index == CellIndex(col=start.col + length, row=start.row) and length < longest:
            length += 1
            continue
        if start is not None:
            yield Strip(col=start.col, row=start.row, cells=length)
        start, length = index, 1
    if start is not None:
        yield Strip(col=start.col, row=start.row, cells=length)
