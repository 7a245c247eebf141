"""Lakes of a size: many months of a region, in data files as a maintained lake has them, a commit for each table."""

from __future__ import annotations

import uuid
from itertools import groupby
from typing import TYPE_CHECKING, Final

from claylake.area.cells import cells_of
from claylake.vocabulary import PUBLISH_ORDER
from spark.bench.area import area_of
from spark.bench.lake.rows import Given, columns, pass_of
from spark.datafiles.layout import rules
from spark.datafiles.parquet import GROUP_ROWS, DataFile, described
from spark.lake import names
from spark.lake.addition import content_files
from spark.lake.append import Appender
from spark.lake.columns import filled as values
from spark.lake.refs import MAIN, load
from spark.lake.scope import Scope
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa
    from pyspark.sql import SparkSession

    from claylake.month import Month
    from claylake.plan import Plan
    from spark.datafiles.writer import Target

FEW: Final = Given(pixels=((b"a few bytes", "0" * 32),), vector=(1.0, 0.0, 0.0, 0.0))
"""Of rows whose pixels and vectors no query reads."""


def region(cells: int) -> pa.Table:
    """So many cells of one UTM zone, the ones nearest to the middle first."""
    import numpy as np

    table = cells_of(area_of(2 * cells))
    zones = table["epsg"].to_numpy()
    of_zone = table.filter(zones == np.bincount(zones).argmax())
    col, row = (of_zone[name].to_numpy() for name in ("col", "row"))
    away = (col - np.median(col)) ** 2 + (row - np.median(row)) ** 2
    if len(away) < cells:
        raise ValueError(f"{len(away)} cells of one zone, not {cells}")
    return of_zone.take(np.argsort(away, kind="stable")[:cells])


def fill(spark: SparkSession, plan: Plan, months: Sequence[tuple[Month, pa.Table]]) -> dict[str, int]:
    """Put a chip, its vector and its observation of each cell and month into main; gives data files by table.

    Args:
        spark: session.
        plan: of a run on a lake whose tables exist and are empty.
        months: each with its cells.
    """
    found = {}
    for name in PUBLISH_ORDER:
        target = Appender(spark=spark, scope=Scope.of(plan), name=name).target("filled")
        files = [file for month, cells in months for file in written(target, plan, name, cells, pass_of(month), FEW)]
        commit(spark, names.main_table(plan, name), files)
        found[name] = len(files)
    return found


def commit(spark: SparkSession, table: str, files: Iterable[DataFile], branch: str = MAIN) -> None:
    """Append files to a branch, without any check.

    Args:
        spark: session.
        table: full name.
        files: of the table.
        branch: short name.
    """
    iceberg = load(spark, table)
    change = iceberg.newFastAppend().toBranch(branch)
    for file in content_files(spark, iceberg, files):
        change.appendFile(file)
    change.commit()


def written(target: Target, plan: Plan, name: str, cells: pa.Table, pass_id: str, given: Given) -> Iterator[DataFile]:
    """Write the rows of a table for cells in a pass, a file for each partition.

    Args:
        target: where they go.
        plan: of the run that writes them.
        name: a name of `spark.lake.tables.TABLES`.
        cells: as a run folder has them.
        pass_id: in which all cells have a chip.
        given: what the rows have in their blobs.
    """
    import pyarrow as pa

    of, width = rules(target.layout), TABLES[name].geohash_prefix
    ordered = cells.sort_by("geohash")
    made = columns(name, plan, ordered, pass_id, given)
    whole = pa.table(made).select([column for column in of.arrow.names if column in made])
    for column in set(of.arrow.names) - set(made):
        whole = whole.append_column(column, pa.nulls(whole.num_rows, of.arrow.field(column).type))
    whole = whole.select(of.arrow.names).cast(of.arrow)
    if width is None:
        yield _file(target, whole)
        return
    start = 0
    for _, members in groupby(values(ordered["geohash"], str), key=lambda geohash: geohash[:width]):
        number = sum(1 for _ in members)
        yield _file(target, whole.slice(start, number))
        start += number


def _file(target: Target, rows: pa.Table) -> DataFile:
    from pathlib import Path

    import pyarrow.parquet as pq

    path = Path(target.folder) / f"{uuid.uuid4().hex}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    footers: list[pq.FileMetaData] = []
    # As a chip's file has them; Spark writes others in one group.
    group = GROUP_ROWS if target.layout.blobs else rows.num_rows
    pq.write_table(rows, path, row_group_size=group, compression="zstd", store_schema=False, metadata_collector=footers)
    size = path.stat().st_size
    document = described(target.layout, str(path), size, footers[0])
    return DataFile(uri=str(path), size=size, keys=tuple(values(rows[target.key], str)), document=document)
