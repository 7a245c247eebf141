"""The vectors of a run's cells paired with those of earlier months: read once, compared by the nodes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from claylake import sql
from claylake.month import Month
from claylake.pass_month import of_months_sql
from claylake.vector_kind import VectorKind
from claylake.vocabulary import EMBEDDINGS, OBSERVATIONS
from spark.change.distance import cosine
from spark.lake import merge, names
from spark.lake.bounds import Bounds
from spark.lake.branch_state import BranchState
from spark.lake.columns import Columns, filled
from spark.lake.refs import load
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from spark.lake.scope import Scope

CLOUD: Final = "cloud"
SNOW: Final = "snow"
"""Why a cell's month is not compared: its clearest chip is not clear enough, or all that are show snow."""
_CHIP: Final = Columns({"id": "string", "month": "string", "micros": "bigint", "clear_frac": "float"})
_BASELINE: Final = Columns({f"baseline_{name}": kind for name, kind in _CHIP.without("micros").kinds.items()})
_VECTORS: Final = ("vector", "baseline_vector")
COMPARED: Final = Columns({"cell_id": "string"}) + _CHIP + _BASELINE + Columns({"distance": "double"})
"""Of a pair: its cell, both chips, and their distance. `micros`: of the later chip's datetime."""


def with_vectors(spark: SparkSession, scope: Scope, months: Collection[Month], head: int) -> set[Month]:
    """Those of some months of which files of a snapshot may hold vectors of the run's cells.

    By metadata, read once, without a Spark job.

    Args:
        spark: session.
        scope: whose cells.
        months: any.
        head: the snapshot of the embeddings' table.
    """
    iceberg = load(spark, names.main_table(scope.plan, EMBEDDINGS))
    state = BranchState(spark=spark, plan=scope.plan, name=EMBEDDINGS, iceberg=iceberg, head=head)
    return {month for month in months if state.may_hold(_bounds(scope, EMBEDDINGS, month))}


@contextmanager
def clearest(
    spark: SparkSession, scope: Scope, months: Collection[Month], heads: Mapping[str, int]
) -> Iterator[DataFrame]:
    """The chip that stands for each cell and month, with its vector and `fault`, why it is not compared (else null).

    It is the clearest of those that are clear enough and without snow, of equally clear ones that of the lowest id;
    where there is none, the clearest of all says why. Vectors are of the plan's kind. Held while it is used.

    Args:
        spark: session.
        scope: cells, and the plan that says which kind and which limits.
        months: that are read.
        heads: by table, the snapshot that is read.
    """
    plan, limits = scope.plan, scope.plan.settings.change
    vectors, observed = (names.snapshot_table(plan, name, heads[name]) for name in (EMBEDDINGS, OBSERVATIONS))
    fault = (
        f"CASE WHEN coalesce(e.clear_frac, 0) < {limits.min_clear_frac} THEN {sql.string(CLOUD)} "
        f"WHEN o.snow_frac > {limits.max_snow_frac} THEN {sql.string(SNOW)} END"
    )
    with merge.view_of(scope.cells_frame(spark).select("cell_id")) as cells:
        rows = spark.sql(
            "SELECT cell_id, id, month, micros, clear_frac, vector, fault FROM (SELECT *, row_number() OVER "
            "(PARTITION BY cell_id, month ORDER BY fault IS NOT NULL, clear_frac DESC, id, created DESC, digest) "
            "AS place FROM (SELECT e.cell_id, e.id, "
            "concat(substring(e.id, -15, 4), '-', substring(e.id, -11, 2)) AS month, "
            "unix_micros(e.datetime) AS micros, e.clear_frac, e.global_embedding AS vector, e.created_at AS created, "
            f"e.content_digest AS digest, {fault} AS fault FROM {vectors} e LEFT SEMI JOIN {cells} c "
            f"ON c.cell_id = e.cell_id LEFT JOIN (SELECT cell_id, concat(cell_id, '_', `pass`) AS id, snow_frac "
            f"FROM {observed} o WHERE {_within(scope, OBSERVATIONS, months, 'o')}) o ON o.id = e.id "
            f"WHERE {VectorKind.of(plan).condition()} AND {_within(scope, EMBEDDINGS, months, 'e')} "
            f"AND {of_months_sql('e.id', months)})) WHERE place = 1"
        ).persist()
        try:
            yield rows
        finally:
            rows.unpersist()


def compared(chips: DataFrame, spans: Iterable[tuple[Month, Month]]) -> DataFrame:
    """`COMPARED` of each two chips of a cell whose months are one of these (later, earlier); no vectors.

    Args:
        chips: as `clearest` gives them.
        spans: pairs of months.
    """
    from pyspark.sql import functions as f

    wanted = [f"{later} {earlier}" for later, earlier in spans]
    usable = chips.where("fault IS NULL").drop("fault")
    earlier = usable.drop("micros").select(
        "cell_id", *(f.col(name).alias(f"baseline_{name}") for name in ("id", "month", "clear_frac", "vector"))
    )
    both = usable.join(earlier, on="cell_id").where(sql.is_in("concat(month, ' ', baseline_month)", wanted))
    columns = COMPARED.without("distance").names
    return both.select(*columns, *_VECTORS).mapInArrow(_with_distance, COMPARED.spark)


def _with_distance(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for batch in batches:
        first, second = (_matrix(batch.column(name)) for name in _VECTORS)
        columns = [batch.column(name) for name in COMPARED.without("distance").names]
        yield pa.RecordBatch.from_arrays(
            [*columns, pa.array(cosine(first, second), pa.float64())], schema=COMPARED.arrow
        )


def _matrix(column: Any) -> Any:
    """Vectors of one length as the rows of an array."""
    values = column.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(column), len(values) // max(len(column), 1))


def _bounds(scope: Scope, name: str, month: Month) -> Bounds:
    return Bounds.of_cells(TABLES[name], month.start, month.end, filled(scope.cells["geohash"], str))


def _within(scope: Scope, name: str, months: Iterable[Month], alias: str) -> str:
    """Literal bounds of some months, in SQL: Iceberg reads the files of these alone."""
    shape = TABLES[name]
    return f"({' OR '.join(_bounds(scope, name, month).condition(shape, alias) for month in sorted(months))})"
