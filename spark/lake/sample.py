"""A sample of chips whose pixels are read back and compared with what their rows say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from claylake import sql
from claylake.vocabulary import CHIPS
from spark.lake import names
from spark.lake.columns import Columns
from spark.lake.pixels import ChipError, open_chip
from spark.sentinel2.emptiness import LARGEST_EMPTY_FRACTION

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from spark.lake.scope import Scope

CHIPS_SAMPLED = 64
UNFILLED = "chip_unfilled"
"""Reason of a chip with less data than its row says."""
_COMPARED = Columns({"id": "string", "reason": "string"})


def sample(spark: SparkSession, scope: Scope, snapshot: int, most: int = CHIPS_SAMPLED) -> DataFrame:
    """Columns id and reason (None where pixels and row agree), of some chips.

    Needs the view `audit_chips`. The same chips are taken each time: those whose id hashes lowest.

    Args:
        spark: session.
        scope: whose cells and months the chips are of.
        snapshot: of chips, that is read.
        most: number of chips at most.
    """
    ids = spark.sql(f"SELECT id FROM audit_chips WHERE id IS NOT NULL ORDER BY xxhash64(id), id LIMIT {most}").collect()
    # Literals, because they reach the Bloom filters on id; a join would read every blob.
    known = sql.is_in("t.id", [row["id"] for row in ids])
    rows = spark.sql(
        f"SELECT t.id, t.clay_tensor, t.content_digest, t.nodata_frac "
        f"FROM {names.snapshot_table(scope.plan, CHIPS, snapshot)} t WHERE {scope.where(CHIPS)} AND {known}"
    )
    return rows.mapInArrow(_compare, _COMPARED.spark)


def _compare(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for batch in batches:
        columns = [batch.column(name).to_pylist() for name in ("clay_tensor", "content_digest", "nodata_frac")]
        reasons = [_reason(*row) for row in zip(*columns, strict=True)]
        yield pa.RecordBatch.from_arrays(
            [batch.column("id"), pa.array(reasons, pa.string())], names=list(_COMPARED.names)
        )


def _reason(frame: bytes | None, digest: str | None, nodata_frac: float | None) -> str | None:
    if frame is None:
        return "chip_missing"
    try:
        pixels = open_chip(frame, digest or "")
    except ChipError as error:
        return error.reason
    return None if nodata_frac is None or _filled(pixels, nodata_frac) else UNFILLED


def _filled(pixels: NDArray[np.uint16], nodata_frac: float) -> bool:
    """Whether pixels are 0 in all bands or in none, and in no more places than the chip's row says."""
    empty = pixels == 0
    somewhere, everywhere = (int(np.count_nonzero(each)) for each in (empty.any(axis=0), empty.all(axis=0)))
    most = (nodata_frac + LARGEST_EMPTY_FRACTION) * empty[0].size
    return somewhere == everywhere and everywhere <= most
