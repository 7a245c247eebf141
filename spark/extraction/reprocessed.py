"""Chips that exist, of which the catalogue has a newer processing by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark.lake.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame

    from claylake.catalogue.scene import Scene

_BASELINES = Columns({"scene_id": "string", "newer": "string"})


def newer_processings(observed: DataFrame, existing: DataFrame, scenes: Iterable[Scene]) -> tuple[str, ...]:
    """A sentence for each newer baseline, with the number of chips that it could have given; none without such.

    Args:
        observed: one row per (cell, scene), with what failed in `problem`.
        existing: cell_id, pass and baseline of all chips.
        scenes: of the run.
    """
    from pyspark.sql import functions as f

    rows = [{"scene_id": scene.id, "newer": scene.baseline} for scene in scenes if scene.baseline is not None]
    baselines = _BASELINES.frame(observed.sparkSession, rows)
    # A baseline is two digits, a point and two digits: as a number it is in order, and anything else is no number.
    found = (
        observed.where(f.col("problem").isNull())
        .join(f.broadcast(baselines), on="scene_id", how="inner")
        .join(existing.select("cell_id", "pass", "baseline"), on=["cell_id", "pass"], how="inner")
        .where(f.col("newer").cast("double") > f.col("baseline").cast("double"))
        .groupBy("newer")
        .agg(f.countDistinct("cell_id", "pass").alias("chips"), f.min("baseline").alias("oldest"))
    )
    return tuple(
        f"{row['chips']:,} chips of baseline {row['oldest']} or later have scenes of baseline {row['newer']} by now; "
        "the chips stay as they are"
        for row in sorted(found.collect(), key=lambda row: str(row["newer"]))
    )
