"""Health of a run's vectors, in two passes over them and bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from claylake.run.reports import VectorHealth
from claylake.vector_kind import KIND_COLUMNS, VectorKind, one_kind
from spark.embedding.variance import effective_rank, explained
from spark.lake.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa
    from pyspark.sql import DataFrame

SAMPLE = 2048
"""Vectors, about, that effective rank and principal components are computed from: 8 MB."""
_MEASURED = Columns(
    {"bits": "binary", "norm": "double", "content_digest": "string", **dict.fromkeys(KIND_COLUMNS, "string")}
)
_PACKED = Columns({"vector": "binary", "clear_frac": "float"})


Vectors: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What one pass over all vectors counts.

    Attributes:
        vectors: rows.
        not_finite: those with a component that is not finite.
        norm_min: least Euclidean length of a finite vector; None where there is none.
        norm_median: median of the distinct vectors' lengths.
        norm_max: greatest length.
        duplicates: vectors that equal another one in every bit, beside the first of each.
        other_pixels: duplicates whose chips have other pixels.
        kinds: models and conventions of the rows.
    """

    vectors: int
    not_finite: int
    norm_min: float | None
    norm_median: float | None
    norm_max: float | None
    duplicates: int
    other_pixels: int
    kinds: tuple[VectorKind, ...]


def health_of(vectors: DataFrame) -> VectorHealth:
    """Look at rows of embeddings: lengths, duplicates, spread, and how much of it is cloud.

    Raises:
        MixedVectorsError: the rows are of several models or conventions.
    """
    counted = _count(vectors)
    one_kind(counted.kinds)
    chosen, unclear = _sample(vectors, counted.vectors)
    components, share = explained(chosen, unclear)
    return VectorHealth(
        vectors=counted.vectors,
        not_finite=counted.not_finite,
        norm_min=counted.norm_min,
        norm_median=counted.norm_median,
        norm_max=counted.norm_max,
        duplicates=counted.duplicates,
        duplicates_other_pixels=counted.other_pixels,
        sampled=len(chosen),
        effective_rank=effective_rank(chosen),
        components=components,
        unclear_r2=share,
    )


def _count(vectors: DataFrame) -> Counts:
    """Vectors of equal bits are one group, whose pixels should be equal too."""
    from pyspark.sql import functions as f

    measured = vectors.select("global_embedding", "content_digest", *KIND_COLUMNS).mapInArrow(_measure, _MEASURED.spark)
    groups = measured.groupBy("bits", "norm", *KIND_COLUMNS).agg(
        f.count("*").alias("n"), f.countDistinct("content_digest").alias("pixels")
    )
    (row,) = groups.agg(
        f.coalesce(f.sum("n"), f.lit(0)).alias("vectors"),
        f.sum(f.when(f.col("norm").isNull(), f.col("n"))).alias("not_finite"),
        f.min("norm").alias("norm_min"),
        f.percentile_approx("norm", 0.5, 1000).alias("norm_median"),
        f.max("norm").alias("norm_max"),
        f.sum(f.col("n") - 1).alias("duplicates"),
        f.sum(f.col("pixels") - 1).alias("other_pixels"),
        f.collect_set(f.struct(*KIND_COLUMNS)).alias("kinds"),
    ).collect()
    return Counts(
        vectors=row["vectors"],
        not_finite=row["not_finite"] or 0,
        norm_min=row["norm_min"],
        norm_median=row["norm_median"],
        norm_max=row["norm_max"],
        duplicates=row["duplicates"] or 0,
        other_pixels=row["other_pixels"] or 0,
        kinds=tuple(VectorKind(**kind.asDict()) for kind in row["kinds"]),
    )


def _sample(vectors: DataFrame, count: int) -> tuple[Vectors, NDArray[np.float64]]:
    """Finite vectors, float32 (n, dim), chosen by their ids alone; and each one's unclear fraction, float64 (n,)."""
    from pyspark.sql import functions as f

    few = vectors.where(f.pmod(f.xxhash64("id"), f.lit(max(1, count))) < SAMPLE)
    rows = few.select("global_embedding", "clear_frac").mapInArrow(_pack, _PACKED.spark).collect()
    taken = [(np.frombuffer(row["vector"], np.float32), 1.0 - row["clear_frac"]) for row in rows]
    taken = [(vector, unclear) for vector, unclear in taken if np.isfinite(vector).all()]
    if not taken:
        return np.empty((0, 0), np.float32), np.empty(0)
    return np.stack([vector for vector, _ in taken]), np.array([unclear for _, unclear in taken])


def _measure(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each vector's digest and length; no length where a component is not finite."""
    import pyarrow as pa
    import xxhash

    for batch in batches:
        found = _arrays(batch)
        norms = [float(np.linalg.norm(vector.astype(np.float64))) for vector in found]
        columns: list[pa.Array[Any]] = [
            pa.array([xxhash.xxh3_128_digest(vector.tobytes()) for vector in found], pa.binary()),
            pa.array([norm if np.isfinite(norm) else None for norm in norms], pa.float64()),
            *(batch.column(name) for name in ("content_digest", *KIND_COLUMNS)),
        ]
        yield pa.RecordBatch.from_arrays(columns, names=list(_MEASURED.names))


def _pack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Vectors as bytes: Spark would make a Python number of every component."""
    import pyarrow as pa

    for batch in batches:
        packed = pa.array([vector.tobytes() for vector in _arrays(batch)], pa.binary())
        yield pa.RecordBatch.from_arrays([packed, batch.column("clear_frac")], names=list(_PACKED.names))


def _arrays(batch: pa.RecordBatch) -> list[Vectors]:
    column = batch.column("global_embedding")
    return [np.asarray(column[row].values.to_numpy(zero_copy_only=False), np.float32) for row in range(batch.num_rows)]
