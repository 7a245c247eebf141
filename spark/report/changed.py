"""The month's changes and the pictures of the strongest, read by Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake import sql
from claylake.month import Month
from claylake.vector_kind import VectorKind
from claylake.vocabulary import CHANGES, CHIPS
from spark.change.baselines import PREVIOUS
from spark.lake import names
from spark.lake.bounds import Bounds
from spark.lake.columns import filled
from spark.lake.refs import load
from spark.lake.tables import TABLES
from spark.report.picture import shrink
from spark.report.rows import CHANGE_COLUMNS, PAIR_PX, Array, CellChange, one_per_cell, strongest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from spark.lake.scope import Scope


def changes(spark: SparkSession, scope: Scope) -> list[CellChange]:
    """Since the month before, of the plan's kind of vectors; no Spark job for a table without rows."""
    snapshot = load(spark, names.main_table(scope.plan, CHANGES)).currentSnapshot()
    if snapshot is None or not int((snapshot.summary() or {}).get("total-records") or 0):
        return []
    condition = f"{VectorKind.of(scope.plan).condition()} AND baseline_kind = {sql.string(PREVIOUS)}"
    rows = scope.rows(spark, CHANGES).where(condition).select(*CHANGE_COLUMNS).collect()
    return one_per_cell(CellChange(**row.asDict()) for row in rows)


def pairs(spark: SparkSession, scope: Scope, found: Sequence[CellChange]) -> dict[str, Array]:
    """Pictures of the strongest changes, by chip id: those whose pixels are kept.

    Args:
        spark: session.
        scope: whose cells bound what is read.
        found: changes of the months.
    """
    shown = strongest(found)
    if not shown:
        return {}
    shape, months = TABLES[CHIPS], [Month.parse(text) for each in shown for text in (each.baseline_month, each.month)]
    wanted = {each.cell_id for each in shown}
    places = dict(zip(filled(scope.cells["cell_id"], str), filled(scope.cells["geohash"], str), strict=True))
    bounds = Bounds.of_cells(shape, min(months).start, max(months).end, [places[cell] for cell in wanted])
    ids = sorted({name for each in shown for name in (each.baseline_id, each.id)})
    rows = spark.sql(
        f"SELECT t.id, t.geotiff FROM {names.main_table(scope.plan, CHIPS)} t "
        f"WHERE {bounds.condition(shape, 't')} AND {sql.is_in('t.id', ids)}"
    ).collect()
    return {row["id"]: shrink(bytes(row["geotiff"]), PAIR_PX) for row in rows}
