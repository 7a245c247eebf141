"""One commit of many data files: what the driver takes for it, in all and for each file."""

from __future__ import annotations

import logging
import uuid
from itertools import islice
from typing import TYPE_CHECKING, Final

from claylake.month import Month
from claylake.vocabulary import CHIPS
from spark.bench.extract.row import Row
from spark.bench.lake import filled
from spark.bench.lake.rows import pass_of
from spark.bench.place import plan_of, timed
from spark.lake import names
from spark.lake.append import Appender
from spark.lake.opening import open_branches
from spark.lake.refs import Refs, load
from spark.lake.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa
    from pyspark.sql import SparkSession

    from claylake.plan import Plan
    from spark.datafiles.parquet import DataFile
    from spark.datafiles.writer import Target

_log = logging.getLogger(__name__)
CELLS: Final = 20_000
"""Of a region with about 190 partitions a month."""


def rows(spark: SparkSession, folder: Path, *, sizes: Sequence[int]) -> Iterator[Row]:
    """Seconds of a commit for each of its files, tiny ones of real partitions.

    Args:
        spark: session.
        folder: of the lake.
        sizes: files of the commits; the first is not counted.
    """
    cells = filled.region(CELLS)
    plan = plan_of(folder, "commits", cells, "2024-07")
    open_branches(spark, plan)
    appender = Appender(spark=spark, scope=Scope.of(plan), name=CHIPS)
    appender.begin()
    for place, size in enumerate(sizes):
        batch = uuid.uuid4().hex
        files = tuple(islice(_files(appender.target(batch), plan, cells, Month(2016 + 5 * place, 1)), size))
        with timed(spark) as took:
            committed = appender.append(files, batch)
        if len(committed) != size:
            raise RuntimeError(f"{len(committed)} files were committed, not {size}")
        metadata = _metadata_bytes(spark, plan)
        _log.info("a commit of %d files: %s", size, took)
        if place:
            details = {
                "s": took.seconds,
                "processor s": took.processor_s,
                "files": size,
                "bytes of manifest a file": metadata / size,
            }
            yield Row(what=f"a commit of {size:,} files, ms a file", value=1_000 * took.seconds / size, details=details)


def _files(target: Target, plan: Plan, cells: pa.Table, month: Month) -> Iterator[DataFile]:
    """Files of one month after the other, as many as are taken."""
    while True:
        yield from filled.written(target, plan, CHIPS, cells, pass_of(month), filled.FEW)
        month = month.next()


def _metadata_bytes(spark: SparkSession, plan: Plan) -> int:
    """Of the manifests that came with the branch's last snapshot."""
    iceberg = load(spark, names.main_table(plan, CHIPS))
    head = Refs.of(iceberg).heads[plan.branch]
    manifests = iceberg.snapshot(head).allManifests(iceberg.io())
    return sum(manifest.length() for manifest in manifests if manifest.snapshotId() == head)
