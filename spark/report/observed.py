"""What the report says of passes and scenes, read by Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import OBSERVATIONS, SCENES
from spark.report.rows import MOST_CELLS, Observed, PassOutcome, SceneRow, by_pass, newest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from spark.lake.scope import Scope


def observed(spark: SparkSession, scope: Scope) -> tuple[list[PassOutcome], list[Observed] | None]:
    """The months' observations by pass and outcome, and each of them where cells are few enough."""
    from pyspark.sql import functions as f

    found = scope.rows(spark, OBSERVATIONS)
    if scope.cells.num_rows <= MOST_CELLS:
        rows = [
            Observed(cell_id=cell, pass_id=name, outcome=outcome, clear=clear, cloud=cloud)
            for cell, name, outcome, clear, cloud in found.select(
                "cell_id", "pass", "outcome", "clear_frac", "cloud_frac"
            ).collect()
        ]
        return by_pass(rows), rows
    counted = found.groupBy("pass", "outcome").agg(
        f.count("*").alias("cells"), f.sum("cloud_frac").alias("cloud"), f.count("cloud_frac").alias("measured")
    )
    return [
        PassOutcome(pass_id=name, outcome=outcome, cells=cells, cloud=cloud or 0.0, measured=measured)
        for name, outcome, cells, cloud, measured in counted.orderBy("pass", "outcome").collect()
    ], None


def scenes(spark: SparkSession, scope: Scope) -> list[SceneRow]:
    """The newest row of each scene that was read for these cells."""
    of_cells = f"cells_digest = {sql.string(scope.plan.cells_digest)}"
    found = scope.rows(spark, SCENES).where(of_cells)
    return newest(
        SceneRow(scene_id=scene, pass_id=name, status=status, radiometry=radiometry or "", created_at=created)
        for scene, name, status, radiometry, created in found.select(
            "scene_id", "pass", "status", "radiometry", "created_at"
        ).collect()
    )
