"""Chips that exist, of which the catalogue has a newer processing by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark.lake.replacing import is_newer

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

KEPT = "the chips stay as they are"
UNFIT = "the chips stay, because these scenes do not meet the thresholds there"


def newer_processings(observed: DataFrame, existing: DataFrame, why: str = KEPT) -> tuple[str, ...]:
    """A sentence for each newer baseline, with the number of chips of an older one that it shows too.

    Args:
        observed: one row per (cell, scene), with its baseline, and what failed in `problem`.
        existing: cell_id, pass and baseline of all chips.
        why: the chips are not of the newer one: `KEPT`, or `UNFIT` where the run replaces chips.
    """
    from pyspark.sql import functions as f

    key = ["cell_id", "pass"]
    found = (
        observed.where(f.col("problem").isNull())
        .select(*key, f.col("baseline").alias("newer"))
        .join(existing.select(*key, "baseline"), on=key, how="inner")
        .where(is_newer("newer", "baseline"))
        .groupBy("newer")
        .agg(f.countDistinct(*key).alias("chips"), f.min("baseline").alias("oldest"))
    )
    return tuple(
        f"{row['chips']:,} chips of baseline {row['oldest']} or later have scenes of baseline {row['newer']} by now; "
        f"{why}"
        for row in sorted(found.collect(), key=lambda row: str(row["newer"]))
    )
