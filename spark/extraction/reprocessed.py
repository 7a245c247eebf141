"""Chips that exist, of which the catalogue has a newer processing by now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spark.lake.replacing import is_newer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame

KEPT = "the chips stay as they are"
UNFIT = "the chips stay, because these scenes do not meet the thresholds there"


@dataclass(frozen=True, kw_only=True)
class Newer:
    """A baseline that is newer than that of some chips: how many, and the oldest of these."""

    newer: str
    chips: int
    oldest: str


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
    return sentences(
        [Newer(newer=row["newer"], chips=row["chips"], oldest=row["oldest"]) for row in found.collect()], why
    )


def sentences(found: Iterable[Newer], why: str) -> tuple[str, ...]:
    """A sentence for each, in order of baseline."""
    return tuple(
        f"{one.chips:,} chips of baseline {one.oldest} or later have scenes of baseline {one.newer} by now; {why}"
        for one in sorted(found, key=lambda one: str(one.newer))
    )
