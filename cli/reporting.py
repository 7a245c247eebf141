"""The page of a published month, made anew from the tables, without Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake import store
from claylake.plan import RECEIPT
from claylake.run.receipt import Receipt
from claylake.run.reports import EmbedReport, ExtractReport, MaintainReport
from claylake.run.tables import catalog
from cli.earlier import published_runs
from cli.relocating import require_in_place
from spark.report.build import cells_of, footprints
from spark.report.layout import Layout
from spark.report.month import Month
from spark.report.page import html
from spark.report.without_spark import Tables

if TYPE_CHECKING:
    from pathlib import Path

    from claylake.month import Month as CalendarMonth
    from claylake.plan import Plan
    from cli.lake import LakeFolder

REPORTS = "reports"


def write_report(
    lake: LakeFolder, database: str, area: str | None, month: CalendarMonth, out: Path | None = None
) -> str:
    """Draw a month's page from what is published; gives what was written, in words.

    Args:
        lake: in a folder.
        database: namespace of its tables.
        area: name of one; None for the only one that has the month.
        month: a published one.
        out: file to write; None for ``reports/<area>/<month>/index.html`` in the lake.

    Raises:
        BadInputError: there is no lake, or no such month is published, or of several areas.
        StoreError: a table or a run folder cannot be read, or the page not be written.
    """
    lake.require()
    require_in_place(lake)
    plans = published_runs(lake, database, area, month)
    drawn = _drawn(lake, plans)
    page = out or lake.path / REPORTS / drawn.plan.aoi_name / str(month) / "index.html"
    text = html(drawn).encode()
    store.write(str(page.absolute()), text, "text/html; charset=utf-8")
    counts = drawn.counts
    return f"{page}: {counts['chips']:,} chips, {counts['vectors']:,} vectors, {len(text) / 1e6:.1f} MB"


def _drawn(lake: LakeFolder, plans: list[Plan]) -> Month:
    from spark.lake.scope import Scope

    plan = plans[-1]
    cells = cells_of(Scope.of(plan))
    place = lake.place(lake.path, plan.database)
    tables = Tables(
        lake=catalog(place),
        plan=plan,
        cell_ids=frozenset(cell.id for cell in cells),
        tile_px=Layout.of_cells(cells).tile_px,
    )
    receipt = Receipt.load(plan) if store.exists(plan.uri(RECEIPT)) else None
    maintained = MaintainReport.load(plan)
    same = [one for one in plans if one.cells_digest == plan.cells_digest]
    return Month(
        plan=plan,
        cells=cells,
        rows=tables.rows(),
        footprints=[scene for one in same for scene in footprints(one)],
        outcome=receipt.outcome if receipt else "published",
        seconds=receipt.stage_seconds if receipt else {},
        money=f"{receipt.usd:,.2f}" if receipt and receipt.usd else "",
        extracted=ExtractReport.load(plan),
        embedded=EmbedReport.load(plan),
        warnings=maintained.warnings if maintained else (),
    )
