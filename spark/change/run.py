"""The changes of a run's months, written to its branch: what is there already and says the same is left as it is."""

from __future__ import annotations

import logging
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from claylake import sql
from claylake.month import Month
from claylake.vector_kind import VectorKind
from claylake.vocabulary import CHANGES, EMBEDDINGS
from spark.change import pairs
from spark.change.baselines import baselines_of
from spark.change.checks import require_sound
from spark.change.rows import Judge, Row
from spark.lake import merge, names
from spark.lake.bounds import Bounds, from_micros
from spark.lake.branch_state import BranchState
from spark.lake.columns import filled
from spark.lake.tables import TABLES
from spark.session import planned_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyspark.sql import SparkSession

    from spark.lake.scope import Scope

_log = logging.getLogger(__name__)
HISTORY: Final = 36
"""Months before a run's first one whose changes are its cells' history."""
COMPARED: Final = "compared"
TOO_MANY: Final = "too_many_cells"
NO_BASELINE: Final = "no_earlier_month"
"""Cells and months with a clear chip, and none in any earlier month that is compared."""
_PLACE: Final = ("geohash", "geometry", "xmin", "ymin", "xmax", "ymax")
_SAYS: Final = ("id", "baseline_id", "baseline_kind", "distance", "score", "history_months", "clear_frac")
"""Columns in which a row may differ from that of before: the others follow from these and the key."""


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What became of the cells and months: how many were compared, and how many were not, by reason."""

    counts: dict[str, int] = field(default_factory=dict)


def write_changes(spark: SparkSession, scope: Scope, heads: Mapping[str, int]) -> Changed:
    """Write the changes of the plan's months to its branch, and audit them; those of its kind that no longer hold go.

    Nothing is read of months that have no vectors of these cells, by metadata; where no earlier month has any, no Spark
    job is started. Areas of more cells than the setting `change.max_cells` are left out, and their number is the count.

    Args:
        spark: session.
        scope: cells and months.
        heads: by table, the snapshot of the branch that is read: audited vectors and observations.

    Raises:
        AuditError: what was written is wrong; nothing is to be published.
    """
    plan = scope.plan
    if not plan.settings.change.detect:
        return Changed()
    if scope.cells.num_rows > plan.settings.change.max_cells:
        cells, most = scope.cells.num_rows, plan.settings.change.max_cells
        _log.warning("changes of %s: none; it has %d cells, and change.max_cells is %d", plan.branch, cells, most)
        return Changed(counts={TOO_MANY: cells})
    months = [Month.parse(text) for text in plan.months]
    wanted = {*months, *(earlier for month in months for earlier in baselines_of(month))}
    held = pairs.with_vectors(spark, scope, wanted, heads[EMBEDDINGS])
    spans = [(m, earlier) for m in months if m in held for earlier in baselines_of(m) if earlier in held]
    if not spans:
        return Changed()
    with planned_once(spark):
        with pairs.clearest(spark, scope, {month for span in spans for month in span}, heads) as chips:
            found = [row.asDict() for row in pairs.compared(chips, spans).collect()]
            clear = _count(chips.where(sql.is_in("month", plan.months)).groupBy("fault").count().collect())
        made = _rows(spark, scope, months, [row for row in found if not math.isnan(row["distance"])])
        if _put(spark, scope, made):
            head = BranchState.of(spark, plan, CHANGES).head
            require_sound(spark, scope, head)
    cells = len({(row["cell_id"], row["month"]) for row in made})
    counts = {COMPARED: cells, NO_BASELINE: clear.pop(None, 0) - cells, **{str(why): n for why, n in clear.items()}}
    _log.info("changes of %s: %s", plan.branch, counts)
    return Changed(counts={why: number for why, number in counts.items() if number})


def _count(rows: Iterable[Any]) -> Counter[str | None]:
    return Counter({row["fault"]: row["count"] for row in rows})


def _rows(spark: SparkSession, scope: Scope, months: Sequence[Month], found: Sequence[Row]) -> list[Row]:
    """The rows of all months, complete."""
    plan, kind = scope.plan, VectorKind.of(scope.plan)
    places = {row["cell_id"]: {name: row[name] for name in _PLACE} for row in scope.cells.to_pylist()}
    judge = Judge(min_history=plan.settings.change.min_history, past=_history(spark, scope, months[0]))
    lineage = {"run_id": plan.run.run_id, "created_at": datetime.now(UTC)}
    of_kind = {"model_version": kind.model_version, "convention": kind.convention}
    rows = []
    for month in months:
        for row in judge.judge(month, (row for row in found if row["month"] == str(month))):
            when = {"datetime": from_micros(row["micros"])}
            whole = {**row, **when, **places[row["cell_id"]], **of_kind, **lineage}
            rows.append({name: whole[name] for name in TABLES[CHANGES].columns.names})
    return rows


def _history(spark: SparkSession, scope: Scope, first: Month) -> list[Row]:
    """Changes of these cells and this kind in the months before."""
    shape, plan = TABLES[CHANGES], scope.plan
    geohashes = filled(scope.cells["geohash"], str)
    bounds = Bounds.of_cells(shape, first.before(HISTORY).start, first.start, geohashes)
    branch = BranchState.of(spark, plan, CHANGES)
    if not branch.may_hold(bounds):
        return []
    columns = ("cell_id", "month", "baseline_month", "baseline_kind", "distance")
    with merge.view_of(scope.cells_frame(spark).select("cell_id")) as cells:
        rows = spark.sql(
            f"SELECT {sql.names(columns, 't')} FROM {names.snapshot_table(plan, CHANGES, branch.head)} t "
            f"LEFT SEMI JOIN {cells} c ON c.cell_id = t.cell_id WHERE {bounds.condition(shape, 't')} "
            f"AND month < {sql.string(str(first))} AND {VectorKind.of(plan).condition()}"
        ).collect()
    # Their order is part of nothing but sums of floats: sorted, scores are the same each time.
    return sorted((row.asDict() for row in rows), key=lambda row: (row["month"], row["baseline_month"], row["cell_id"]))


def _put(spark: SparkSession, scope: Scope, made: Sequence[Row]) -> bool:
    """Let the branch have these rows and no others of their kind, cells and months; whether anything was to be done."""
    plan, shape, bounds = scope.plan, TABLES[CHANGES], scope.bounds(CHANGES)
    branch, kind = BranchState.of(spark, plan, CHANGES), VectorKind.of(plan).condition()
    before: dict[tuple[Any, ...], Row] = {}
    if branch.may_hold(bounds):
        known = scope.rows(spark, CHANGES, snapshot=branch.head).where(kind).select(*shape.key, *_SAYS).collect()
        before = {_key(row.asDict()): row.asDict() for row in known}
    now = {_key(row): row for row in made}
    new = [row for key, row in now.items() if key not in before or not _same(row, before[key])]
    stale = [row for key, row in before.items() if key not in now or not _same(now[key], row)]
    if stale:
        merge.delete(spark, plan, CHANGES, shape.columns.only(*shape.key).frame(spark, stale), bounds)
    if new and not BranchState.of(spark, plan, CHANGES).append(new):
        merge.insert_only(spark, plan, CHANGES, shape.columns.frame(spark, new))
    return bool(new or stale)


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in TABLES[CHANGES].key)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two rows of a key say the same, up to the precision in which numbers are stored."""
    return all(_equal(one[name], other[name]) for name in _SAYS)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-6)
    return bool(one == other)
