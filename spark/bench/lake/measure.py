"""Every measurement of lakes, in one run and one Spark session."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from spark.bench.lake import commit, flat, moved
from spark.bench.place import started

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spark.bench.extract.row import Row


def measure(
    *, jars: Path, sizes: Sequence[int], gigabytes: Sequence[float], files: Sequence[int], rounds: int
) -> Iterator[Row]:
    """Rows as they are measured.

    Args:
        jars: folder of the jars that Spark needs.
        sizes: rows in main of the lakes that are compared.
        gigabytes: of chips, of the runs that are published when main has moved.
        files: of the commits.
        rounds: turns that medians are taken of.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        spark = started(folder, jars)
        try:
            spark.sparkContext.setLogLevel("ERROR")
            if sizes:
                yield from flat.rows(spark, folder, sizes=sizes, rounds=rounds)
            if gigabytes:
                yield from moved.rows(spark, folder, sizes_gb=gigabytes, rounds=rounds)
            if files:
                # The first commit loads classes.
                yield from commit.rows(spark, folder, sizes=(min(files), *files))
        finally:
            spark.stop()
