"""The run that a command goes on with: the last one of the same area, month and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake import store
from claylake.errors import BadInputError
from claylake.plan import PLAN, Plan, run_folder
from claylake.run.reports import ExtractReport, PublishReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claylake.configuration.settings import Settings
    from claylake.month import Month
    from claylake.request.params import Request
    from cli.lake import LakeFolder


def open_runs(lake: str, database: str) -> list[Plan]:
    """Plans of the months that were extracted and not published, the last run of each, in order of time.

    Args:
        lake: its address.
        database: namespace of the tables.

    Raises:
        BadInputError: there is none.
    """
    last = {(plan.branch, plan.period): plan for plan in _extracted(lake, database)}
    plans = [plan for plan in last.values() if not is_published(plan)]
    if not plans:
        msg = "no month was extracted that is not published; give an area and a month, or `claylake extract` first"
        raise BadInputError(msg)
    return plans


def newest_run(lake: str, database: str) -> Plan:
    """The plan of the last run that has extracted anything.

    Args:
        lake: its address.
        database: namespace of the tables.

    Raises:
        BadInputError: there is none.
    """
    plans = list(_extracted(lake, database))
    if not plans:
        msg = "no run has extracted anything into this lake yet; `claylake run` makes a month"
        raise BadInputError(msg)
    return plans[-1]


def _extracted(lake: str, database: str) -> Iterator[Plan]:
    """Plans of runs that have extracted, in order of time."""
    return (plan for plan in plans_of(lake, database) if ExtractReport.load(plan) is not None)


def plans_of(lake: str, database: str) -> Iterator[Plan]:
    """Plans of all runs, in order of time.

    Args:
        lake: its address.
        database: namespace of the tables.
    """
    for uri in sorted(store.names(store.join(lake, "runs")), key=lambda uri: uri.split("/")[-2]):
        if uri.endswith(f"/{PLAN}"):
            plan = Plan.load(uri)
            if plan.database == database:
                yield plan


def published_runs(lake: LakeFolder, database: str, area: str | None, month: Month) -> list[Plan]:
    """Plans of a month's runs that published, in order of time; of one area.

    Args:
        lake: in a folder.
        database: namespace of its tables.
        area: name of one; None for the only one that has the month.
        month: that they made.

    Raises:
        BadInputError: there is none, or they are of several areas.
    """
    plans = [
        plan
        for plan in plans_of(lake.place(lake.path).lake, database)
        if str(month) in plan.months and area in {None, plan.aoi_name} and is_published(plan)
    ]
    names = sorted({plan.aoi_name for plan in plans})
    if not names:
        msg = f"{f'{area} ' if area else ''}{month}: not published in {lake.path}; `claylake show` lists what is"
        raise BadInputError(msg)
    if len(names) > 1:
        msg = f"{month}: {lake.path} has it of several areas ({', '.join(names)}); give one as --aoi"
        raise BadInputError(msg)
    return plans


def is_published(plan: Plan) -> bool:
    """Whether the plan's run has published to its end."""
    report = PublishReport.load(plan)
    return report is not None and not report.embed_again


def last_run(request: Request, settings: Settings) -> Plan:
    """The plan of the last run that has extracted the month.

    Args:
        request: area and month.
        settings: of this command; those that decide about chips and vectors must be the run's.

    Raises:
        BadInputError: there is none, or it had other settings.
    """
    aoi, month = request.aoi, request.months[0]
    folder = run_folder(settings.where.lake, aoi.name, month, "").rstrip("/")
    plans = (Plan.load(uri) for uri in reversed(list(store.names(folder))) if uri.endswith(f"/{PLAN}"))
    for plan in plans:
        if plan.aoi_geometry == aoi.geometry and ExtractReport.load(plan) is not None:
            break
    else:
        msg = f"{aoi.name} {month}: no run has extracted it; `claylake extract` with the same options first"
        raise BadInputError(msg)
    for section in ("selection", "encoder", "local"):
        before, now = getattr(plan.settings, section), getattr(settings, section)
        if before != now:
            msg = (
                f"{aoi.name} {month}: the last run had other settings of {section} ({before!r}, now {now!r}): "
                "give the same ones, or begin anew with `claylake run`"
            )
            raise BadInputError(msg)
    return plan
