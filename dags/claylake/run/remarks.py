"""What is to be known of a month beside its counts: sentences for the note, the receipt and the report."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from claylake.chips_kept import ended, first_kept
from claylake.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from claylake.catalogue.selecting import Selected
    from claylake.configuration.settings import Settings
    from claylake.month import Month
    from claylake.plan import Found, Plan

_MOST_REASONS: Final = 4


def require_begun(months: Sequence[Month], now: datetime) -> None:
    """Refuse months of the future.

    Raises:
        BadInputError: naming them, and the last month that there may be scenes of.
    """
    future = [str(month) for month in months if month.start > now]
    if future:
        msg = (
            f"{', '.join(future)} lies in the future, and has no scenes yet: give months up to {now:%Y-%m}, "
            "and run the others once they have begun"
        )
        raise BadInputError(msg)


def unfinished(months: Sequence[Month], settings: Settings, now: datetime) -> tuple[str, ...]:
    """A sentence for each month that is not over, or whose late scenes may still come.

    Args:
        months: of the run.
        settings: of the run; `schedule.settle_days` says how long late scenes come.
        now: when the run is planned, aware.
    """
    settled = timedelta(days=settings.schedule.settle_days)
    return tuple(
        f"{month} is not over: run it again from {month.end + settled:%Y-%m-%d} on, when it has all its scenes"
        for month in months
        if month.end > now
    )


def without_scenes(aoi: str, selected: Selected, settings: Settings, ever: bool | None) -> tuple[str, ...]:
    """A sentence about the months of which the catalogue lists no scene; none where it lists some of each.

    Args:
        aoi: name of the area.
        selected: what the search found.
        settings: of the run: catalogue and collections.
        ever: whether the catalogue has scenes of the area at another time; None where that is not known.
    """
    empty = [month for month, counts in selected.usable.items() if not counts.listed]
    dated = sum(counts.listed for counts in selected.usable.values())
    if not empty or dated < selected.found.listed:  # what has no date may be of any month
        return ()
    where = f"{', '.join(settings.selection.collections)} at {settings.catalogue.url}"
    if ever is False:
        return (
            f"{where} has no scene of {aoi} in {', '.join(empty)}, nor at any other time: is the area the right one?",
        )
    return (f"{where} has no scene of {aoi} in {', '.join(empty)}",)


def pixels_end(months: Sequence[Month], settings: Settings, mark: Month | None, now: datetime) -> tuple[str, ...]:
    """A sentence about the months whose pixels are not kept; none where all are.

    Args:
        months: of the run.
        settings: of the run; `maintenance.chips_keep_months` says how long pixels are kept.
        mark: the first month whose pixels have not ended; None where none has.
        now: when the run is planned, aware.
    """
    keep = settings.maintenance.chips_keep_months
    old = ended(months, first_kept(keep, now))
    gone = ended(months, mark)
    said = []
    if old:
        said.append(
            f"{_span(old)}: older than maintenance.chips_keep_months ({keep}), so the pixels of this run's chips end "
            "when it or a later run maintains the tables; vectors and observations stay"
        )
    if gone:
        said.append(
            f"{_span(gone)}: pixels have ended; what had a chip is not read again, and gets no vector of another kind"
        )
    return tuple(said)


def _span(months: Sequence[Month]) -> str:
    return str(months[0]) if len(months) == 1 else f"{months[0]} to {months[-1]}"


def left_out(found: Found) -> str:
    """How many scenes of the months cannot be used, and why; empty where all can."""
    if not found.unusable:
        return ""
    return f"{found.listed - found.usable:,} of {found.listed:,} scenes cannot be used: {reasons(found.unusable)}"


def of_plan(plan: Plan) -> tuple[str, ...]:
    """What a plan says of its months and of scenes that it left out, in whole sentences."""
    return tuple(f"{sentence}." for sentence in (left_out(plan.found), *plan.remarks) if sentence)


def reasons(counts: Mapping[str, int]) -> str:
    """The most frequent first, e.g. ``cloud 10, nodata 2``."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = ", ".join(f"{reason} {count:,}" for reason, count in ordered[:_MOST_REASONS])
    return f"{shown}, ..." if len(ordered) > _MOST_REASONS else shown
