"""Which of a run's chips still lack a vector, in the order in which they are embedded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.vocabulary import CHIPS
from spark.lake import names
from spark.lake.bounds import Bounds
from spark.lake.tables import TABLES
from spark.lake.vectors import comparable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

    from spark.lake.scope import Scope

CHIPS_PER_COMMIT = 20_000
"""What a lost cluster loses at most."""
SELECTED = ("id", "content_digest", "datetime", "geohash", "cell_id")


def without_vector(spark: SparkSession, scope: Scope) -> tuple[int, pd.DataFrame]:
    """How many chips of the run's cells and months there are, and those to embed: no pixels yet.

    A chip lacks a vector if the branch has none of its content digest and of the kind that the plan
    makes. Ordered by geohash and id, as the tables are.
    """
    branch = scope.plan.branch
    chips = scope.rows(spark, CHIPS, branch=branch).select(*SELECTED)
    made = comparable(spark, scope, branch=branch).select("id", "content_digest")
    missing = chips.join(made, on=["id", "content_digest"], how="left_anti")
    return chips.count(), missing.orderBy("geohash", "id").toPandas()


def commits(pending: pd.DataFrame, size: int = CHIPS_PER_COMMIT) -> Iterator[pd.DataFrame]:
    """The pending chips in groups, each committed on its own."""
    for start in range(0, len(pending), size):
        yield pending.iloc[start : start + size]


def with_pixels(spark: SparkSession, scope: Scope, group: pd.DataFrame) -> DataFrame:
    """The chips of a group, with their pixels and the centre of their cell (lon, lat).

    Args:
        spark: session.
        scope: whose plan's branch is read, and whose cells the chips are of.
        group: columns `SELECTED` of the chips, as `commits` gives them; at least one row.
    """
    from pyspark.sql import functions as f

    plan, shape = scope.plan, TABLES[CHIPS]
    bounds = Bounds.of_cells(
        shape, group["datetime"].min().tz_localize("UTC"), group["datetime"].max().tz_localize("UTC"), group["geohash"]
    )
    chips = spark.sql(f"SELECT * FROM {names.branch_table(plan, CHIPS)} t WHERE {bounds.condition(shape, 't')}")
    cells = scope.cells.select(["cell_id", "lon", "lat"]).to_pandas()
    wanted = spark.createDataFrame(group[["id", "cell_id"]].merge(cells, on="cell_id")[["id", "lon", "lat"]])
    # The small side is broadcast: the pixels stay where they are read.
    return chips.join(f.broadcast(wanted), on="id", how="inner")
