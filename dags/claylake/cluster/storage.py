"""What a year of an AOI costs to keep: chips, which may end (`claylake.chips_kept`), and vectors, which stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claylake.cluster.estimate import STORE_MB_PER_CHIP, STORE_MB_PER_VECTOR
from claylake.plan import KeptYear

if TYPE_CHECKING:
    from claylake.configuration.settings import Prices
    from claylake.plan import Found

_MONTHS: Final = 12


def year_of(chips: int, months: int, found: Found, prices: Prices) -> KeptYear | None:
    """A year of months like those of a run, with one vector for each chip; None where the run says nothing of them.

    Scenes that are done already are counted as those to be read: a run that sees only late scenes says as much of a
    year as the first one did.

    Args:
        chips: that the run is expected to make.
        months: of the run.
        found: what was searched: scenes kept and settled.
        prices: of the settings.
    """
    if not chips or not found.kept:
        return None
    in_year = chips * (found.kept + found.settled) / found.kept / months * _MONTHS
    chips_gb, vectors_gb = (in_year * size / 1000 for size in (STORE_MB_PER_CHIP, STORE_MB_PER_VECTOR))
    price = prices.s3_usd_gb_month
    return KeptYear(
        chips=round(in_year),
        chips_gb=chips_gb,
        vectors_gb=vectors_gb,
        chips_usd_month=chips_gb * price,
        vectors_usd_month=vectors_gb * price,
    )
