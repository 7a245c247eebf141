"""What a month of an AOI takes, before any scene is known, and whether its own limits allow that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from claylake.errors import BadInputError
from claylake.month import Month
from claylake.request.size_limit import expected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claylake.configuration.settings import Settings
    from claylake.plan import Estimate


@dataclass(frozen=True, kw_only=True)
class Bill:
    """An average month's estimate (None where none is possible), the months that are due, and what is wrong."""

    month: Estimate | None
    due: int
    faults: tuple[str, ...]


def bill_of(cells: int, settings: Settings, now: datetime) -> Bill:
    """Estimate a month with typical passes.

    Args:
        cells: of the AOI.
        settings: of its runs.
        now: the moment (aware) up to which months are due.
    """
    due = due_months(settings, now)
    try:
        month = expected(cells, 1, settings)
    except BadInputError as error:  # an instance type too small for the steps
        return Bill(month=None, due=due, faults=(str(error),))
    return Bill(month=month, due=due, faults=tuple(_beyond(month, settings)))


def due_months(settings: Settings, now: datetime) -> int:
    """Months from the start on that have ended, and settled, by a moment."""
    month, due = Month.parse(settings.schedule.start_month), 0
    while month.end + timedelta(days=settings.schedule.settle_days) <= now:
        month, due = month.next(), due + 1
    return due


def _beyond(month: Estimate, settings: Settings) -> Iterator[str]:
    limits, cluster = settings.limits, settings.cluster
    if month.usd > limits.budget_usd:
        yield (
            f"about {month.usd:,.2f} USD a month, and limits.budget_usd allows {limits.budget_usd:g}: runs would fail "
            "before their cluster starts; raise it, set selection.passes_per_month, or cut the area"
        )
    if month.cluster_hours > cluster.max_hours:
        yield (
            f"about {month.cluster_hours:.1f} hours a month, and cluster.max_hours ends clusters after "
            f"{cluster.max_hours:g}: raise it or cluster.gpu_count, or cut the area"
        )
