"""A branch put on top of what main has become.

Data files that the run has only added are taken along as they are: a commit of metadata, whatever their size. Keys are
compared only in files that may share one with what main got meanwhile, by their partitions and bounds. Rows are copied
from files in which main has a key too by now, and from all where the branch has replaced or deleted rows, or its
history has expired. Of a chip that both have, main's row stays; where the run replaces chips, that of newer baseline.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claylake import sql
from claylake.vocabulary import CHIPS, OBSERVATIONS
from spark.lake import branches, merge, names, replacing
from spark.lake.bounds import extent_of
from spark.lake.columns import Columns
from spark.lake.errors import LakeError
from spark.lake.reaches import may_collide
from spark.lake.refs import Refs, added_files, load
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from claylake.plan import Plan
    from spark.lake.scope import Scope

_log = logging.getLogger(__name__)
_TRIES = 5
_PATH = Columns({"_file": "string"})
"""Iceberg's metadata column: the data file in which a row is stored."""


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What became of a branch: `rows` on top of main; `shared` of the run's own, whose key main has too by now.

    `copied` rows were written anew, the others are in files taken along.
    """

    rows: int
    shared: int
    copied: int


def rebuild(spark: SparkSession, plan: Plan, scope: Scope, name: str, *, copy: bool = False) -> Rebuilt:
    """Make the plan's branch main plus this run's rows that main lacks.

    Observations that main has too are merged with main's. Works on a second branch and swaps at the end, so that a
    crash loses no row. Where an old attempt that still runs has written to the branch meanwhile, all is done again.

    Args:
        spark: session.
        plan: whose branch, and where the tables are.
        scope: cells and months of the plan: which rows are the run's.
        name: a name of `spark.lake.tables.TABLES`.
        copy: whether all rows are to be copied, each key once.

    Raises:
        LakeError: another attempt at the same work wrote to the branch each time.
    """
    for _ in range(_TRIES):
        done = _rebuilt(spark, plan, scope, name, copy=copy)
        if done is not None:
            return done
        _log.warning("branch %s of %s was written to while it was rebuilt: once more", plan.branch, name)
    raise LakeError(
        f"branch {plan.branch} of {name} was written to {_TRIES} times while it was rebuilt: does an earlier attempt "
        "at this run still work? End its step, then clear the task"
    )


def _rebuilt(spark: SparkSession, plan: Plan, scope: Scope, name: str, *, copy: bool) -> Rebuilt | None:
    """One try of `rebuild`; None where the branch was moved meanwhile."""
    table, shape = names.main_table(plan, name), TABLES[name]
    iceberg = load(spark, table)
    refs = Refs.of(iceberg)
    main, head = refs.main, refs.heads[plan.branch]
    if main is None:
        return Rebuilt(rows=0, shared=0, copied=0)
    fresh = f"{branches.next_prefix(plan)}{uuid.uuid4().hex[:8]}"
    branches.point(spark, table, fresh, main)
    files = None if copy else _own_files(iceberg, refs, plan.branch)
    rows: DataFrame | None
    if files is None:
        rows, shared = scope.rows(spark, name, branch=plan.branch), 0
    else:
        suspects = may_collide(spark, iceberg, shape, files, head)
        shared, touched = _in_common(spark, plan, scope, name, suspects)
        _append(spark, table, fresh, [file for path, file in files.items() if path not in touched])
        rows = _rows_of(spark, plan, scope, name, touched) if touched else None
    copied = 0 if rows is None else _copy(spark, plan, name, rows, fresh)
    if name == OBSERVATIONS and replacing.replaces(plan):
        replacing.follow_observations(spark, scope, branch=fresh)
    refs = Refs.read(spark, table)
    top = refs.heads[fresh]
    moved = branches.move(spark, table, plan.branch, head, top)
    spark.sql(f"ALTER TABLE {table} DROP BRANCH IF EXISTS {sql.name(fresh)}")
    if not moved:
        return None
    done = Rebuilt(rows=refs.rows(top) - refs.rows(main), shared=shared, copied=copied)
    _log.info("rebuilt branch %s of %s on snapshot %s: %s", plan.branch, table, main, done)
    return done


def _own_files(iceberg: Any, refs: Refs, branch: str) -> dict[str, Any] | None:
    """Path to data file (Iceberg's own) of those that the branch added since it left main; None where that is not all.

    Args:
        iceberg: the table.
        refs: its references.
        branch: short name.
    """
    if not refs.only_adds(branch):
        return None
    own = refs.since(refs.heads[branch], refs.main) or ()
    return {file.location(): file for file in added_files(iceberg, own)}


def _in_common(
    spark: SparkSession, plan: Plan, scope: Scope, name: str, files: Collection[str]
) -> tuple[int, set[str]]:
    """How many keys of these files main has, and the files that hold them."""
    if not files:
        return 0, set()
    shape, bounds = TABLES[name], scope.bounds(name)
    own = _rows_of(spark, plan, scope, name, files, (*shape.key, "_file"))
    common = own.join(merge.keys(spark, names.main_table(plan, name), shape, bounds), list(shape.key), "left_semi")
    rows = common.distinct().collect()
    return len({tuple(row[column] for column in shape.key) for row in rows}), {row["_file"] for row in rows}


def _rows_of(
    spark: SparkSession, plan: Plan, scope: Scope, name: str, files: Iterable[str], columns: Sequence[str] | None = None
) -> DataFrame:
    """Rows of these files on the plan's branch: some columns, or all of the table's."""
    from pyspark.sql import functions as f

    shape = TABLES[name]
    wanted = columns or shape.columns.names
    # A data frame: a scene has dozens of files, and a literal list of a run's would be too long.
    paths = _PATH.frame(spark, [{"_file": path} for path in files])
    rows = spark.sql(
        f"SELECT {sql.names(dict.fromkeys((*wanted, '_file')), 't')} FROM {names.branch_table(plan, name)} t "
        f"WHERE {scope.bounds(name).condition(shape, 't')}"
    )
    return rows.join(f.broadcast(paths), on="_file", how="left_semi").select(*map(sql.name, wanted))


def _copy(spark: SparkSession, plan: Plan, name: str, rows: DataFrame, fresh: str) -> int:
    """Write to the fresh branch the rows that main lacks, each key once; observations are merged. Gives how many."""
    if name == OBSERVATIONS:
        return merge.upsert(spark, plan, name, rows, branch=fresh, cheap=True)
    shape = TABLES[name]
    bounds = extent_of(rows, shape).bounds
    if bounds is None:
        return 0
    if name == CHIPS and replacing.replaces(plan):
        replacing.make_room(spark, plan, rows.select(*replacing.BASELINES.names), bounds, branch=fresh)
    lacking = merge.missing(spark, names.branch_table(plan, name, fresh), shape, rows, bounds)
    return merge.insert_only(spark, plan, name, lacking, branch=fresh, cheap=True)


def _append(spark: SparkSession, table: str, branch: str, files: list[Any]) -> None:
    """Commit data files that exist to a branch."""
    if not files:
        return
    append = load(spark, table).newFastAppend().toBranch(branch)
    for file in files:
        append = append.appendFile(file)
    append.commit()
