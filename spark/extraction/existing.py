"""The chips that exist for a plan's cells and months: published, left on the branch by an earlier attempt, or ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake import sql
from claylake.chips_kept import ended, mark_of
from claylake.month import Month
from claylake.pass_month import of_months_sql
from claylake.vocabulary import CHIPS, OBSERVATIONS, OUTCOME_CHIP
from spark.lake.bounds import Bounds
from spark.lake.branch_state import BranchState
from spark.lake.columns import Columns, filled
from spark.lake.months import kept_from
from spark.lake.names import branch_table, main_table
from spark.lake.tables import FRACTIONS, SECOND_SCENE, TABLES

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from claylake.plan import Plan

COLUMNS = ("cell_id", "pass", "datetime", "scene_id", SECOND_SCENE, "baseline", "scl_mean", *FRACTIONS)
_KEY = ["cell_id", "pass"]


def existing_chips(spark: SparkSession, plan: Plan, cells: pa.Table) -> DataFrame:
    """`COLUMNS` of the chips on the plan's branch, and of those whose pixels have ended. No pixels are read.

    Nor are files of other places and times. What a chip that has ended was made of is known from its observation; what
    that does not hold is null.

    Args:
        spark: session.
        plan: whose branch is read, and whose months bound it.
        cells: the run's, with columns cell_id and geohash.
    """
    from pyspark.sql import functions as f

    chips = _rows(spark, plan, cells, CHIPS, branch_table(plan, CHIPS))
    gone = ended(map(Month.parse, plan.months), kept_from(spark, plan))
    if gone:
        observed = _rows(spark, plan, cells, OBSERVATIONS, main_table(plan, OBSERVATIONS))
        known = observed.where(f"outcome = {sql.string(OUTCOME_CHIP)} AND {of_months_sql('`pass`', gone)}")
        chips = chips.unionByName(known.join(chips.select(*_KEY), on=_KEY, how="left_anti"), allowMissingColumns=True)
    ids = Columns({"cell_id": "string"}).frame_of(spark, cells)
    return chips.select(*COLUMNS).join(f.broadcast(ids), on="cell_id", how="left_semi")


def few_existing_chips(spark: SparkSession, plan: Plan, cells: pa.Table, cell_ids: Collection[str]) -> pd.DataFrame:
    """The same of some cells, collected. No Spark job where no file of the branch can hold such a chip.

    Args:
        spark: session.
        plan: whose branch is read, and whose months bound it.
        cells: the run's, with columns cell_id and geohash.
        cell_ids: of those that are wanted.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    some = cells.filter(pc.is_in(cells["cell_id"], pa.array(sorted(cell_ids), pa.string())))
    branch = BranchState.of(spark, plan, CHIPS)
    bounds = Bounds.of_cells(TABLES[CHIPS], plan.start, plan.end, filled(some["geohash"], str))
    gone = ended(map(Month.parse, plan.months), mark_of(dict(branch.iceberg.properties())))
    if not len(some) or not (gone or branch.may_hold(bounds)):
        return pd.DataFrame(columns=COLUMNS)
    return existing_chips(spark, plan, some).toPandas()


def _rows(spark: SparkSession, plan: Plan, cells: pa.Table, name: str, where: str) -> DataFrame:
    """The columns of `COLUMNS` that a table has, and an observation's outcome, within the bounds of cells and months.

    Args:
        spark: session.
        plan: gives the months.
        cells: the run's.
        name: short name of the table.
        where: full name, of main or a branch.
    """
    table = TABLES[name]
    bounds = Bounds.of_cells(table, plan.start, plan.end, filled(cells["geohash"], str))
    columns = [column for column in (*COLUMNS, "outcome") if column in table.columns.names]
    return spark.sql(f"SELECT {sql.names(columns, 't')} FROM {where} t WHERE {bounds.condition(table, 't')}")
