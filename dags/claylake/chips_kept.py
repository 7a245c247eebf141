"""How far back the lake keeps pixels: `maintenance.chips_keep_months`, and the mark that the table of chips carries.

Older months of `chips` end, whole, at the next maintenance. Vectors and observations stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claylake.month import Month

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

PROPERTY: Final = "claylake.chips-kept-from"
"""Of the table `chips`: the first month (``yyyy-mm``) whose pixels have not ended. It only ever moves on."""


def first_kept(keep_months: int | None, now: datetime) -> Month | None:
    """The first month whose pixels are kept: the months kept are those before the present one. None: all are kept.

    Args:
        keep_months: the setting; None keeps all.
        now: aware.
    """
    return None if keep_months is None else Month.of(now).before(keep_months)


def mark_of(properties: Mapping[str, str]) -> Month | None:
    """The mark among the properties of the table `chips`; None where no month has ended."""
    text = properties.get(PROPERTY)
    return None if text is None else Month.parse(text)


def ended(months: Iterable[Month], first: Month | None) -> tuple[Month, ...]:
    """Those of the months that lie before the first one kept."""
    return () if first is None else tuple(month for month in months if month < first)
