"""What the report draws of each cell: its clearest chip of the months, and that chip's vector."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from claylake.vector_kind import KIND_COLUMNS, VectorKind, one_kind
from claylake.vocabulary import CHIPS
from spark.lake import names
from spark.lake.columns import Columns, filled
from spark.lake.vectors import comparable
from spark.report.pca import Basis
from spark.report.picture import shrink
from spark.report.rows import MOST_POINTS, Clearest, Vectors

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyspark.sql import SparkSession

    from spark.lake.scope import Scope

_TILES = Columns({"cell_id": "string", "tile": "binary"})
_SCORES = Columns({"cell_id": "string", "scores": "array<double>"})
CHOSEN = (
    "cell_id", "id", "content_digest", "datetime",
    "clear_frac", "cloud_frac", "shadow_frac", "snow_frac", "water_frac", "nodata_frac",
)  # fmt: skip
"""Columns of chips that the report needs of each cell."""
FIT_ON = 4096
"""Vectors that the principal axes are computed from, if there are more."""


def clearest(spark: SparkSession, scope: Scope) -> pd.DataFrame:
    """Each cell's clearest chip on main, the earliest of equals: `CHOSEN`, and `chips`, how many the cell has."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    cell = Window.partitionBy("cell_id")
    order = cell.orderBy(f.desc("clear_frac"), "datetime", "id")
    ranked = scope.rows(spark, CHIPS).select(
        *CHOSEN, f.row_number().over(order).alias("_rank"), f.count("*").over(cell).alias("chips")
    )
    return ranked.where("_rank = 1").drop("_rank").toPandas()


def records(chosen: Iterable[Mapping[Any, Any]]) -> list[Clearest]:
    """Rows of the chosen chips, with `CHOSEN` and `chips`, in the order of cells."""
    fractions = ("clear", "cloud", "shadow", "snow", "water", "nodata")
    return sorted(
        (
            Clearest(
                cell_id=row["cell_id"],
                id=row["id"],
                content_digest=row["content_digest"],
                datetime=row["datetime"],
                chips=int(row["chips"]),
                **{name: float(row[f"{name}_frac"]) for name in fractions},
            )
            for row in chosen
        ),
        key=lambda chip: chip.cell_id,
    )


def tiles(spark: SparkSession, scope: Scope, chosen: pd.DataFrame, side: int) -> dict[str, np.ndarray]:
    """Cell id to uint8 (side, side, 3), of the chosen chips' previews, shrunk where they are read.

    Args:
        spark: session.
        scope: bounds what is read.
        chosen: as `clearest` gives it; at least one row.
        side: of a tile, in pixels.
    """
    from pyspark.sql import functions as f

    wanted = spark.createDataFrame(chosen[["id"]])
    chips = spark.sql(
        f"SELECT t.id, t.cell_id, t.geotiff FROM {names.main_table(scope.plan, CHIPS)} t WHERE {scope.where(CHIPS)}"
    ).join(f.broadcast(wanted), on="id", how="left_semi")
    rows = chips.mapInArrow(_shrinker(side), _TILES.spark).collect()
    return {row["cell_id"]: np.frombuffer(row["tile"], np.uint8).reshape(side, side, 3) for row in rows}


def vectors_of(spark: SparkSession, scope: Scope, chosen: pd.DataFrame) -> Vectors:
    """The chosen chips' vectors: scores of all, the axes, and a sample.

    Args:
        spark: session.
        scope: bounds what is read, and says which kind of vectors.
        chosen: as `clearest` gives it; at least one row.

    Raises:
        MixedVectorsError: vectors of several models or conventions would share one picture.
    """
    from pyspark.sql import functions as f

    wanted = spark.createDataFrame(chosen[["id", "content_digest"]])
    vectors = comparable(spark, scope).join(f.broadcast(wanted), on=["id", "content_digest"], how="left_semi")
    first = vectors.orderBy(f.xxhash64("id"), "id").limit(FIT_ON)
    some = first.select("cell_id", "global_embedding", *KIND_COLUMNS).collect()
    one_kind(VectorKind(**{name: row[name] for name in KIND_COLUMNS}) for row in some)
    if not some:
        return Vectors()
    sample = np.array([row["global_embedding"] for row in some], dtype=np.float32)
    basis = Basis.fit(sample)
    rows = vectors.select("cell_id", "global_embedding").mapInArrow(_projector(basis), _SCORES.spark).collect()
    return Vectors(
        scores={row["cell_id"]: np.array(row["scores"]) for row in rows},
        basis=basis,
        sample_cells=tuple(row["cell_id"] for row in some[:MOST_POINTS]),
        sample=sample[:MOST_POINTS],
    )


def _shrinker(side: int) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            made = [shrink(preview, side).tobytes() for preview in filled(batch.column("geotiff"), bytes)]
            yield pa.RecordBatch.from_arrays(
                [batch.column("cell_id"), pa.array(made, pa.binary())], names=list(_TILES.names)
            )

    return work


def _projector(basis: Basis) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            vectors = np.array(batch.column("global_embedding").to_pylist(), dtype=np.float32)
            made = basis.scores(vectors).tolist() if batch.num_rows else []
            yield pa.RecordBatch.from_arrays(
                [batch.column("cell_id"), pa.array(made, pa.list_(pa.float64()))], names=list(_SCORES.names)
            )

    return work
