"""Publishing 100 rows, and finding 100 chips without a vector, in lakes of a thousand to a million rows."""

from __future__ import annotations

import logging
import math
from statistics import median
from typing import TYPE_CHECKING, Final

import numpy as np

from claylake.month import Month
from spark.bench.extract.row import Row
from spark.bench.lake import filled
from spark.bench.lake.rows import Given, pass_of
from spark.bench.lake.run import embedded, extracted
from spark.bench.place import plan_of, timed
from spark.chips import tensor
from spark.embedding.pending import without_vector
from spark.lake.publish import publish
from spark.lake.scope import Scope
from spark.lake.tables import create_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa
    from pyspark.sql import SparkSession

    from spark.bench.place import Took

_log = logging.getLogger(__name__)
OF_RUN: Final = 100
"""Rows that a run publishes."""
MONTHS: Final = 24
FIRST: Final = Month(2022, 1)


def small() -> Given:
    """Pixels that take a few hundred bytes, and a vector."""
    pixels = np.full(tensor.SHAPE, 1_000, np.uint16)
    return Given(pixels=[(tensor.encode(pixels), tensor.digest(pixels))], vector=[1.0] * 1_024)


def rows(spark: SparkSession, folder: Path, *, sizes: Sequence[int], rounds: int) -> Iterator[Row]:
    """The largest lake's seconds over the smallest one's, medians; sizes take turns in each round.

    Args:
        spark: session.
        folder: of the lake.
        sizes: rows that main has in each table, about.
        rounds: runs in each lake, besides one that is not counted.
    """
    given, months = small(), _months()
    cells = filled.region(_cells(max(sizes), rounds))
    of_run = cells.slice(0, OF_RUN)
    found: dict[str, dict[int, list[Took]]] = {"publish": {}, "missing": {}}
    for size in sizes:
        _filled(spark, folder, size, cells, rounds)
    for number in range(rounds + 1):
        month = months[MONTHS - 1 - number]
        for size in sizes:
            plan = plan_of(folder, f"run_{size}_{number}", of_run, str(month), database=f"lake_{size}")
            extracted(spark, plan, of_run, pass_of(month), given)
            with timed(spark) as missing:
                pending = without_vector(spark, Scope.of(plan))
            if pending.chips != OF_RUN:
                raise RuntimeError(f"{pending.chips} chips lack a vector, not {OF_RUN}")
            embedded(spark, plan, of_run, pass_of(month), given)
            with timed(spark) as took:
                published = publish(spark, Scope.of(plan))
            if published.rows_added != 3 * OF_RUN + 1:
                raise RuntimeError(f"{published.rows_added} rows were published, not {3 * OF_RUN + 1}")
            _log.info("%d rows: missing vectors %s, publish %s", size, missing, took)
            if number:
                found["missing"].setdefault(size, []).append(missing)
                found["publish"].setdefault(size, []).append(took)
    for what, of_sizes in (
        (f"publishing {OF_RUN} rows with audits", found["publish"]),
        (f"finding {OF_RUN} chips without a vector", found["missing"]),
    ):
        seconds = {size: median(took.seconds for took in of_sizes[size]) for size in sizes}
        processor = {size: median(took.processor_s for took in of_sizes[size]) for size in sizes}
        yield Row(
            what=f"{what}: {max(sizes):,} rows in main over {min(sizes):,}",
            value=seconds[max(sizes)] / seconds[min(sizes)],
            goal="<= 1.5",
            details={f"s of {size:,}": seconds[size] for size in sizes}
            | {f"processor s of {size:,}": processor[size] for size in sizes},
        )


def _months() -> list[Month]:
    months = [FIRST]
    while len(months) < MONTHS:
        months.append(months[-1].next())
    return months


def _cells(size: int, rounds: int) -> int:
    """Cells of a lake: it lacks the run's cells in the months that are to be published."""
    free = rounds + 1
    alone = math.ceil(size / (MONTHS - free))
    return alone if alone <= OF_RUN else math.ceil((size + free * OF_RUN) / MONTHS)


def _filled(spark: SparkSession, folder: Path, size: int, cells: pa.Table, rounds: int) -> None:
    plan = plan_of(folder, f"filled_{size}", cells.slice(0, OF_RUN), str(FIRST), database=f"lake_{size}")
    create_all(spark, plan.database)
    own = cells.slice(0, _cells(size, rounds))
    months = [
        (month, own if place < MONTHS - 1 - rounds else own.slice(OF_RUN)) for place, month in enumerate(_months())
    ]
    files = filled.fill(spark, plan, [(month, of_month) for month, of_month in months if of_month.num_rows])
    _log.info("a lake of %d rows: %s files", size, files)
