"""Publishing a run when main has moved meanwhile, over the same when it has not."""

from __future__ import annotations

import logging
from statistics import median
from typing import TYPE_CHECKING, Final

from claylake.month import Month
from spark.bench.chips import DISTINCT, batches
from spark.bench.extract.row import Row
from spark.bench.lake import filled
from spark.bench.lake.rows import Given, pass_of
from spark.bench.lake.run import chips_mb, embedded, extracted, heads, put_back
from spark.bench.place import plan_of, timed
from spark.lake.columns import filled as values
from spark.lake.publish import publish
from spark.lake.scope import Scope
from spark.lake.tables import create_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

    from spark.bench.place import Took

_log = logging.getLogger(__name__)
CHIP_MB: Final = 0.47
OF_OTHER: Final = 100
"""Cells of the run that published first, beside those of the run that is measured, in the same pass."""


def rows(spark: SparkSession, folder: Path, *, sizes_gb: Sequence[float], rounds: int) -> Iterator[Row]:
    """Seconds when main has moved over those when it has not, medians; both take turns.

    Args:
        spark: session.
        folder: of the lake.
        sizes_gb: of the runs' chips, GB.
        rounds: publications of each kind, besides one of each that is not counted.
    """
    for size_gb in sizes_gb:
        yield _row(spark, folder, round(1_000 * size_gb / CHIP_MB), rounds)


def _row(spark: SparkSession, folder: Path, number: int, rounds: int) -> Row:
    cells, month = filled.region(number + 2 * OF_OTHER), Month(2024, 7)
    run, other = cells.slice(0, number), cells.slice(number, OF_OTHER)
    given, database = _painted(), f"moved_{number}"
    plan = plan_of(folder, f"run_{number}", run, str(month), database=database)
    create_all(spark, database)
    filled.fill(spark, plan, [(Month(2024, 6), run)])
    first = plan_of(folder, f"other_{number}", other, str(month), database=database)
    for each, of_cells in ((first, other), (plan, run)):
        extracted(spark, each, of_cells, pass_of(month), given)
        embedded(spark, each, of_cells, pass_of(month), given)
    there, size_mb = heads(spark, plan), chips_mb(spark, plan)
    main = {
        "fast_forward": {name: refs["main"] for name, refs in there.items()},
        "rebuilt": {name: refs[first.branch] for name, refs in there.items()},
    }
    branch = {name: refs[plan.branch] for name, refs in there.items()}
    seconds: dict[str, list[Took]] = {how: [] for how in main}
    for place in range(rounds + 1):
        for how, of_main in main.items():
            put_back(spark, plan, of_main, branch)
            with timed(spark) as took:
                published = publish(spark, Scope.of(plan))
            if {table.how for table in published.tables} != {how} or published.rows_added != 3 * number + 1:
                raise RuntimeError(f"published otherwise: {published.tables}")
            _log.info("%.0f MB, %s: %s", size_mb, how, took)
            if place:
                seconds[how].append(took)
    details = {f"s {how}": median(each.seconds for each in took) for how, took in seconds.items()}
    details |= {f"processor s {how}": median(each.processor_s for each in took) for how, took in seconds.items()}
    return Row(
        what=f"publishing {size_mb / 1000:.1f} GB when main has moved over when not",
        value=details["s rebuilt"] / details["s fast_forward"],
        goal="<= 1.5",
        details=details | {"MB of chips": size_mb},
    )


def _painted() -> Given:
    """Pixels that take what real ones do."""
    table = batches(DISTINCT)[0]
    pixels = zip(values(table.column("clay_tensor"), bytes), values(table.column("content_digest"), str), strict=True)
    return Given(pixels=tuple(pixels), vector=(1.0,) * 1_024)
