"""Draw the month and write its page into the run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from claylake import store
from claylake.area.grid import Cell
from claylake.plan import REPORT
from claylake.run.remarks import of_plan
from claylake.run.reports import EmbedReport, ExtractReport
from claylake.vocabulary import CELL_M
from spark.lake.columns import filled
from spark.report import health
from spark.report.clearest import clearest, scores, tiles
from spark.report.layout import Layout
from spark.report.page import Page
from spark.report.pca import Basis, colours
from spark.report.picture import mosaic, png

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from spark.lake.audits import Findings
    from spark.lake.scope import Scope

RGB_FILE = "true-colour.png"
PCA_FILE = "embeddings.png"
DEMO_MODEL = "demo-random"


def build(spark: SparkSession, scope: Scope, findings: Findings) -> str:
    """Write the pictures, then the page; gives the page's URI.

    Args:
        spark: session.
        scope: cells and months that the report is of, and the plan.
        findings: what the audits counted.
    """
    plan = scope.plan
    folder = plan.uri(REPORT).rpartition("/")[0]
    cell_ids = filled(scope.cells.column("cell_id"), str)
    cells = [Cell.parse(cell_id) for cell_id in cell_ids]
    epsg, col, row = np.array([(cell.epsg, cell.col, cell.row) for cell in cells]).T
    layout = Layout.of(epsg, col, row)
    chosen = clearest(spark, scope)
    pictures: dict[str, np.ndarray] = {}
    coloured: dict[str, np.ndarray] = {}
    basis: Basis | None = None
    if len(chosen):
        pictures = tiles(spark, scope, chosen, layout.tile_px)
        found, basis = scores(spark, scope, chosen)
        if found:
            coloured = dict(zip(found, colours(np.stack(list(found.values()))), strict=True))
    index = {cell_id: number for number, cell_id in enumerate(cell_ids)}
    for file, painted in ((RGB_FILE, pictures), (PCA_FILE, coloured)):
        canvas = mosaic(layout, {index[cell_id]: tile for cell_id, tile in painted.items()})
        store.write(store.join(folder, file), png(canvas), "image/png")
    page = _page(scope, findings, layout, basis, len(pictures))
    return store.write(plan.uri(REPORT), page.html().encode(), "text/html; charset=utf-8")


def _page(scope: Scope, findings: Findings, layout: Layout, basis: Basis | None, drawn: int) -> Page:
    plan = scope.plan
    extracted, embedded = ExtractReport.load(plan), EmbedReport.load(plan)
    scenes = extracted.scenes if extracted else plan.found.kept
    rejected = sum(number for outcome, number in findings.outcomes.items() if outcome.startswith("rejected:"))
    figures = {
        "scenes in this run": f"{scenes:,}",
        "cells": f"{len(layout.x):,}",
        "observations (cell, pass)": f"{findings.observations:,}",
        "chips": f"{findings.chips:,}",
        "vectors": f"{findings.vectors:,}",
        "rejected": f"{rejected:,}",
        "failed": f"{sum(findings.failed.values()):,}",
        "area with chips": f"{findings.area_km2:,.0f} km²",
    }
    return Page(
        aoi=plan.aoi_name,
        period=plan.period,
        model_version=plan.model_version,
        figures=figures,
        outcomes=findings.outcomes,
        pictures=(
            (
                RGB_FILE,
                "True colour",
                f"The clearest chip of each cell; {drawn:,} of {len(layout.x):,} cells have one.",
            ),
            (PCA_FILE, "Embeddings", _legend(basis, plan.model_version)),
        ),
        warnings=(*of_plan(plan), *(extracted.warnings if extracted else ())),
        notes=_notes(layout, plan.settings.encoder.convention),
        health=health.lines(embedded.health) if embedded and embedded.health else (),
    )


def _legend(basis: Basis | None, model_version: str) -> str:
    if basis is None:
        return "No vectors yet."
    shares = ", ".join(f"{share:.0%}" for share in basis.explained)
    text = (
        "One square per cell: the first three principal components of the same chips' vectors as red, green and blue, "
        f"each stretched from its 2nd to its 98th percentile; they hold {shares} of the variance. "
        "Cells of like colour have like vectors. A colour has no meaning of its own, and none across months."
    )
    if model_version.startswith(DEMO_MODEL):
        text += " The demo model is random: its vectors differ from cell to cell, but it has learned nothing."
    return text


def _notes(layout: Layout, convention: str) -> tuple[str, ...]:
    square = (
        f"A cell is a square of {CELL_M:,} m in its UTM zone; north is up. Hatched cells have no chip (or no vector) "
        "in these months."
    )
    notes = [square, f"Vectors were made under the input convention “{convention}”."]
    if len(layout.zones) > 1:
        zones = ", ".join(f"EPSG:{zone}" for zone in layout.zones)
        notes.append(f"The area lies in {len(layout.zones)} grids, drawn side by side from left to right: {zones}.")
    return tuple(notes)
