"""The vectors of a run's cells and months: those that may be compared, and those whose chip is another one by now."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from claylake.vector_kind import VectorKind
from claylake.vocabulary import CHIPS, EMBEDDINGS
from spark.lake import merge
from spark.lake.checks import without_chip
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from spark.lake.scope import Scope

_log = logging.getLogger(__name__)


def comparable(spark: SparkSession, scope: Scope, *, branch: str | None = None) -> DataFrame:
    """Rows of embeddings of the kind that the plan makes, on a branch, all columns.

    Args:
        spark: session.
        scope: cells and months, and the plan that says which kind.
        branch: short name; None for main.
    """
    return scope.rows(spark, EMBEDDINGS, branch=branch).where(VectorKind.of(scope.plan).condition())


def drop_without_chip(spark: SparkSession, scope: Scope) -> int:
    """Delete from the plan's branch the vectors of pixels that are not those of their chip; gives how many.

    Of two runs that make a chip with different pixels the one that publishes first keeps it, and the other's vector is
    left without; so is that of a chip that a newer processing has replaced. The tables of the branch must be of one
    state of main, or a vector could be dropped whose chip has been published in between; it would be made again.
    """
    plan, key = scope.plan, TABLES[EMBEDDINGS].key
    vectors = scope.rows(spark, EMBEDDINGS, branch=plan.branch).select(*key)
    chips = scope.rows(spark, CHIPS, branch=plan.branch).select("id", "content_digest")
    published = scope.rows(spark, EMBEDDINGS).select(*key)
    with merge.view_of(vectors) as of_vectors, merge.view_of(chips) as of_chips, merge.view_of(published) as of_main:
        lost = spark.sql(without_chip(of_vectors, of_chips, of_main))
        number = merge.delete(spark, plan, EMBEDDINGS, lost, scope.bounds(EMBEDDINGS))
    _log.info("dropped %d vectors of pixels that their chips no longer have", number)
    return number
