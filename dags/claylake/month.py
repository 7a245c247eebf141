"""Calendar months, the unit in which the lake grows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from claylake.errors import BadInputError

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_OF_TWO_DIGITS = re.compile(r"[0-9]{2}-(0[1-9]|1[0-2])")
FIRST_YEAR = 2015
"""Sentinel-2A was launched in June 2015."""


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month in UTC. `str()` gives ``yyyy-mm``."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read ``yyyy-mm``.

        Raises:
            BadInputError: for any other form, or a year before Sentinel-2.
        """
        found = _MONTH.fullmatch(str(text).strip())
        if found is None or int(found[1]) < FIRST_YEAR:
            plain = str(text).strip()
            meant = f"did you mean 20{plain}? " if _OF_TWO_DIGITS.fullmatch(plain) else ""
            msg = f"month {text!r} is not a month: {meant}write it as yyyy-mm, e.g. 2024-07, from {FIRST_YEAR} on"
            raise BadInputError(msg)
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, moment: datetime) -> Month:
        """The month that holds an aware moment, in UTC."""
        utc = moment.astimezone(UTC)
        return cls(utc.year, utc.month)

    @property
    def start(self) -> datetime:
        """First instant of the month, UTC."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """First instant after the month, UTC."""
        return self.next().start

    def next(self) -> Month:
        """The month after this one."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    def before(self, months: int) -> Month:
        """The month that lies so many months before this one."""
        place = self.year * 12 + self.number - 1 - months
        return Month(place // 12, place % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"


FIRST_MONTH = Month(2015, 6)
"""Of the mission: Sentinel-2A was launched on 2015-06-23, and its first scenes are of that month."""


def require_observed(*months: Month) -> None:
    """Refuse months before Sentinel-2.

    Raises:
        BadInputError: naming those months and the first one that there are scenes of.
    """
    early = [str(month) for month in months if month < FIRST_MONTH]
    if early:
        msg = f"{', '.join(early)} lies before Sentinel-2, whose first scenes are of {FIRST_MONTH}: give later months"
        raise BadInputError(msg)


def parse_months(text: str, most: int = 120) -> tuple[Month, ...]:
    """Read ``yyyy-mm`` or ``yyyy-mm/yyyy-mm`` (both ends included) as a run of months.

    Raises:
        BadInputError: for another form, a range that runs backwards, or more than `most` months.
    """
    ends = [Month.parse(part) for part in str(text).split("/")]
    if len(ends) > 2 or ends[0] > ends[-1]:
        msg = f"months {text!r}: give yyyy-mm, or first/last as yyyy-mm/yyyy-mm with the earlier month first"
        raise BadInputError(msg)
    months = [ends[0]]
    while months[-1] < ends[-1]:
        months.append(months[-1].next())
        if len(months) > most:
            msg = f"months {text!r} spans more than {most} months: split it into several runs"
            raise BadInputError(msg)
    return tuple(months)
