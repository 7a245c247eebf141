"""Draw the month and write its page into the run folder: the publish step's part, which reads by Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from claylake import store
from claylake.area.grid import Cell
from claylake.catalogue.manifest import read_manifest
from claylake.plan import MANIFEST, REPORT
from claylake.run.reports import EmbedReport, ExtractReport
from spark.lake.columns import filled
from spark.report.changed import changes, pairs
from spark.report.clearest import clearest, records, tiles, vectors_of
from spark.report.layout import Layout
from spark.report.month import Month
from spark.report.observed import observed, scenes
from spark.report.page import html
from spark.report.pca import colours
from spark.report.picture import mosaic, png
from spark.report.rows import Rows, Vectors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pyspark.sql import SparkSession

    from claylake.plan import Plan
    from spark.lake.audits import Findings
    from spark.lake.scope import Scope

RGB_FILE = "true-colour.png"
PCA_FILE = "embeddings.png"


def build(spark: SparkSession, scope: Scope, findings: Findings) -> str:
    """Write the page, and the two pictures in full size beside it; gives the page's URI.

    Args:
        spark: session.
        scope: cells and months that the report is of, and the plan.
        findings: what the audits counted.
    """
    plan = scope.plan
    cells = cells_of(scope)
    month = of_run(plan, cells, _rows(spark, scope, Layout.of_cells(cells), findings.vectors))
    page = store.write(plan.uri(REPORT), html(month).encode(), "text/html; charset=utf-8")
    _beside(month)
    return page


def cells_of(scope: Scope) -> list[Cell]:
    """The cells of a plan, in its order."""
    return [Cell.parse(cell_id) for cell_id in filled(scope.cells.column("cell_id"), str)]


def of_run(plan: Plan, cells: list[Cell], rows: Rows) -> Month:
    """The month of a run that publishes: what plan and reports say of it is known, its receipt is not.

    Args:
        plan: of the run.
        cells: of the area.
        rows: what the tables have of them.
    """
    extracted, embedded = ExtractReport.load(plan), EmbedReport.load(plan)
    reports = [report for report in (extracted, embedded) if report is not None]
    usd = plan.estimate.usd
    return Month(
        plan=plan,
        cells=cells,
        rows=rows,
        footprints=footprints(plan),
        seconds={report.file.removesuffix(".json"): report.seconds for report in reports},
        money=f"about {usd:,.2f} (estimate)" if usd else "",
        extracted=extracted,
        embedded=embedded,
    )


def footprints(plan: Plan) -> list[tuple[str, Mapping[str, Any]]]:
    """Pass and footprint of the scenes of a run; none where it has read none."""
    uri = plan.uri(MANIFEST)
    return [(scene.pass_id, scene.footprint) for scene in read_manifest(uri)] if store.exists(uri) else []


def _rows(spark: SparkSession, scope: Scope, layout: Layout, vector_count: int) -> Rows:
    chosen = clearest(spark, scope)
    some = bool(len(chosen))
    passes, each = observed(spark, scope)
    changed = changes(spark, scope)
    return Rows(
        passes=passes,
        observed=each,
        scenes=scenes(spark, scope),
        clearest=records(chosen.to_dict("records")),
        tiles=tiles(spark, scope, chosen, layout.tile_px) if some else {},
        vectors=vectors_of(spark, scope, chosen) if some else Vectors(),
        vector_count=vector_count,
        changes=changed,
        pairs=pairs(spark, scope, changed),
    )


def _beside(month: Month) -> None:
    """The two pictures by themselves, for those who want them larger than on the page."""
    folder = month.plan.uri(REPORT).rpartition("/")[0]
    scores = month.rows.vectors.scores
    coloured = dict(zip(scores, colours(np.stack(list(scores.values()))), strict=True)) if scores else {}
    for file, painted in ((RGB_FILE, month.rows.tiles), (PCA_FILE, coloured)):
        canvas = mosaic(month.layout, {month.index[cell_id]: tile for cell_id, tile in painted.items()})
        store.write(store.join(folder, file), png(canvas), "image/png")
