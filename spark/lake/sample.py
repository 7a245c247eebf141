"""A sample of chips whose pixels are read back and compared with what their rows say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import CHIPS
from spark.lake import names
from spark.lake.columns import Columns
from spark.lake.pixels import ChipError, open_chip

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from spark.lake.scope import Scope

CHIPS_SAMPLED = 64
_COMPARED = Columns({"id": "string", "reason": "string"})


def sample(spark: SparkSession, scope: Scope, snapshot: int, most: int = CHIPS_SAMPLED) -> DataFrame:
    """Columns id and reason (None where pixels and digest agree), of some chips.

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
        f"SELECT t.id, t.clay_tensor, t.content_digest FROM {names.snapshot_table(scope.plan, CHIPS, snapshot)} t "
        f"WHERE {scope.where(CHIPS)} AND {known}"
    )
    return rows.mapInArrow(_compare, _COMPARED.spark)


def _compare(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for batch in batches:
        rows = zip(batch.column("clay_tensor").to_pylist(), batch.column("content_digest").to_pylist(), strict=True)
        reasons = [_reason(frame, digest) for frame, digest in rows]
        yield pa.RecordBatch.from_arrays(
            [batch.column("id"), pa.array(reasons, pa.string())], names=list(_COMPARED.names)
        )


def _reason(frame: bytes | None, digest: str | None) -> str | None:
    if frame is None:
        return "chip_missing"
    try:
        open_chip(frame, digest or "")
    except ChipError as error:
        return error.reason
    return None
