"""The vectors of a run's cells and months that may be compared with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.vector_kind import VectorKind
from claylake.vocabulary import EMBEDDINGS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from spark.lake.scope import Scope


def comparable(spark: SparkSession, scope: Scope, *, branch: str | None = None) -> DataFrame:
    """Rows of embeddings of the kind that the plan makes, on a branch, all columns.

    Args:
        spark: session.
        scope: cells and months, and the plan that says which kind.
        branch: short name; None for main.
    """
    return scope.rows(spark, EMBEDDINGS, branch=branch).where(VectorKind.of(scope.plan).condition())
