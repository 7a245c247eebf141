"""With which earlier months a month is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from claylake.month import Month

PREVIOUS: Final = "previous"
"""The kind of a baseline that is the last month before, of which the cell has a clear chip."""
SEASON: Final = "season"
"""The kind of a baseline that is the same month of an earlier year."""
MOST_BACK: Final = 3
"""Months that are searched for the previous one: cloud takes whole months, and after a season all differs."""
MOST_YEARS: Final = 3
YEAR: Final = 12


def baselines_of(month: Month) -> dict[Month, str]:
    """The months that a month may be compared with, newest first, and the kind of each."""
    previous = {month.before(back): PREVIOUS for back in range(1, MOST_BACK + 1)}
    return previous | {month.before(YEAR * years): SEASON for years in range(1, MOST_YEARS + 1)}
