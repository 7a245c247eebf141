"""One row of the table: a ratio or an amount, and where it should be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured.

    `what`: in words. `value`: the number that counts. `goal`: where it should be, in words. `details`: what it was
    computed from, by name.
    """

    what: str
    value: float
    goal: str = ""
    details: dict[str, float] = field(default_factory=dict)


def table(rows: Iterable[Row], of: str = "extract") -> str:
    """As markdown, headed by what is measured."""
    lines = [
        f"| {row.what} | {row.value:.4g} | {row.goal} | "
        f"{', '.join(f'{name} {value:.4g}' for name, value in row.details.items())} |\n"
        for row in rows
    ]
    return f"| {of} | | goal | from |\n|---|---|---|---|\n" + "".join(lines)
