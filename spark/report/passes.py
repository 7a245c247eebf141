"""Passes of the months: a calendar, and a table with what became of each pass's cells."""

from __future__ import annotations

import calendar
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from claylake.month import Month
from claylake.pass_month import pass_start
from claylake.vocabulary import FAILED, OUTCOME_CHIP, REJECTED
from spark.report.markup import listed, reasons, table, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark.report.rows import PassOutcome, SceneRow

MOST_CALENDARS = 12
_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


@dataclass(frozen=True, kw_only=True)
class PassCounts:
    """One pass over the area. `cloud` is the mean fraction of cloud in its cells, None where none could be read."""

    pass_id: str
    start: datetime
    scenes: int
    cells: int
    outcomes: dict[str, int]
    cloud: float | None

    @property
    def chips(self) -> int:
        """Cells with a chip of it."""
        return self.outcomes.get(OUTCOME_CHIP, 0)


def counted(outcomes: Sequence[PassOutcome], scenes: Sequence[SceneRow]) -> tuple[PassCounts, ...]:
    """The passes in the order of time.

    Args:
        outcomes: of observations.
        scenes: that were read; a pass may have scenes and no cell.
    """
    read = Counter(scene.pass_id for scene in scenes)
    found = []
    for pass_id in {*read, *(one.pass_id for one in outcomes)}:
        mine = [one for one in outcomes if one.pass_id == pass_id]
        measured = sum(one.measured for one in mine)
        found.append(
            PassCounts(
                pass_id=pass_id,
                start=pass_start(pass_id),
                scenes=read[pass_id],
                cells=sum(one.cells for one in mine),
                outcomes={one.outcome: one.cells for one in mine},
                cloud=round(sum(one.cloud for one in mine) / measured, 4) if measured else None,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.start, one.pass_id)))


def calendars(passes: Sequence[PassCounts], months: Sequence[str]) -> str:
    """A calendar for each month: on days with a pass, its chips and its mean cloud."""
    return "\n".join(_month(passes, Month.parse(month)) for month in months[:MOST_CALENDARS])


def _month(passes: Sequence[PassCounts], month: Month) -> str:
    number = month.start
    weeks = []
    for week in calendar.Calendar().monthdayscalendar(number.year, number.month):
        days = (_day(day, [one for one in passes if one.start.date() == number.replace(day=day).date()]) if day else
                "<td></td>" for day in week)  # fmt: skip
        weeks.append(f"<tr>{''.join(days)}</tr>")
    heads = "".join(f'<th scope="col">{day}</th>' for day in _DAYS)
    rows = "\n".join(weeks)
    return (
        f'<table class="calendar"><caption>Passes of {month}, days in UTC</caption>\n<thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table>"
    )


def _day(day: int, passes: Sequence[PassCounts]) -> str:
    if not passes:
        return f"<td>{day}</td>"
    parts = []
    for one in passes:
        cloud = "" if one.cloud is None else f"<small>{one.cloud:.0%} cloud</small>"
        shares = "".join(
            f'<i class="{kind}" style="flex:{n}"></i>'
            for kind, n in (
                ("o-chip", one.chips),
                ("o-cloud", total(one.outcomes, REJECTED)),
                ("o-failed", total(one.outcomes, FAILED)),
            )
            if n
        )
        parts.append(f'<span class="stack" aria-hidden="true">{shares}</span><b>{one.chips:,} chips</b>{cloud}')
    return f'<td class="pass">{day}{"".join(parts)}</td>'


def pass_table(passes: Sequence[PassCounts], cells: int) -> str:
    """A line for each pass.

    Args:
        passes: in order.
        cells: of the area.
    """
    heads = (
        ("Date and time, UTC", ""), ("Satellite", ""), ("Scenes", "n"), ("Cells covered", "n"), ("Chips", "n"),
        ("Rejected", ""), ("Failed", ""), ("Mean cloud", "n"),
    )  # fmt: skip
    rows = [
        (
            f"{one.start:%Y-%m-%d %H:%M}",
            escape(one.pass_id.partition("_")[0]),
            f"{one.scenes:,}",
            f"{one.cells:,} <small>({one.cells / max(cells, 1):.0%})</small>",
            f"{one.chips:,}",
            listed(reasons(one.outcomes, REJECTED)),
            listed(reasons(one.outcomes, FAILED)),
            _meter(one.cloud),
        )
        for one in passes
    ]
    return table(heads, rows, "What became of each pass")


def _meter(share: float | None) -> str:
    if share is None:
        return "&ndash;"
    return f'{share:.0%}<span class="meter" aria-hidden="true"><i style="width:{share:.0%}"></i></span>'
