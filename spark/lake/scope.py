"""What a run is about, as a condition on rows: its cells and its months."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from claylake import store
from claylake.month import Month
from claylake.pass_month import of_months_sql
from claylake.plan import CELLS
from spark.lake import names
from spark.lake.bounds import Bounds
from spark.lake.columns import filled
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from claylake.plan import Plan

_COLUMNS = ("cell_id", "lon", "lat", "geohash")


def read_cells_table(plan: Plan) -> pa.Table:
    """The cells.parquet of a plan's run folder.

    Raises:
        StoreError: if it is not there.
    """
    import pyarrow.parquet as pq

    return pq.read_table(io.BytesIO(store.read(plan.uri(CELLS))))


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The cells of a plan, read once, and the literal bounds of what they may hold in its months."""

    plan: Plan
    cells: pa.Table

    @classmethod
    def of(cls, plan: Plan) -> Scope:
        """Read the run folder's cells.

        Raises:
            StoreError: if they are not there.
        """
        return cls(plan=plan, cells=read_cells_table(plan))

    def bounds(self, name: str, slack: timedelta = timedelta(0)) -> Bounds:
        """Literal bounds in one of the tables, wider by `slack` in time."""
        geohashes = filled(self.cells.column("geohash"), str)
        return Bounds.of_cells(TABLES[name], self.plan.start - slack, self.plan.end + slack, geohashes)

    def cells_frame(self, spark: SparkSession) -> DataFrame:
        """Columns cell_id, lon, lat (degrees, of the centre) and geohash."""
        return spark.createDataFrame(self.cells.select(_COLUMNS).to_pandas())

    def where(self, name: str, alias: str = "t", slack: timedelta = timedelta(0)) -> str:
        """SQL condition: within the bounds, and of a pass that the plan's months own.

        The condition leaves the cells to a join.

        Args:
            name: a name of `spark.lake.tables.TABLES`.
            alias: of the table in the query.
            slack: time by which the bounds are wider on both sides; the months stay.
        """
        shape = TABLES[name]
        ids = f"{alias}.`pass`" if "pass" in shape.columns.names else f"{alias}.id"
        months = map(Month.parse, self.plan.months)
        return f"{self.bounds(name, slack).condition(shape, alias)} AND {of_months_sql(ids, months)}"

    def rows(
        self,
        spark: SparkSession,
        name: str,
        *,
        branch: str | None = None,
        snapshot: int | None = None,
        slack: timedelta = timedelta(0),
    ) -> DataFrame:
        """A table's rows of these cells and months on a branch, all columns; null those that a snapshot had not yet.

        Args:
            spark: session.
            name: a name of `spark.lake.tables.TABLES`.
            branch: short name; None for main.
            snapshot: id of one, instead of a branch.
            slack: as of `where`.
        """
        table = names.table_at(self.plan, name, branch=branch, snapshot=snapshot)
        from pyspark.sql import functions as f

        rows = spark.sql(f"SELECT t.* FROM {table} t WHERE {self.where(name, slack=slack)}")
        kinds = TABLES[name].columns.kinds
        if lacking := kinds.keys() - set(rows.columns):
            rows = rows.withColumns({column: f.lit(None).cast(kinds[column]) for column in lacking})
        if "cell_id" not in kinds:
            return rows
        wanted = self.cells_frame(spark).select("cell_id")
        return rows.join(f.broadcast(wanted), on="cell_id", how="left_semi")
