"""Months of pixels that end: dropped from the table of chips by metadata alone, with a mark that says up to where."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final

from claylake.chips_kept import PROPERTY, first_kept, mark_of
from claylake.month import Month
from claylake.vocabulary import CHIPS
from spark.lake import names
from spark.lake.refs import Refs, expressions, load

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pyspark.sql import SparkSession

    from claylake.plan import Plan

_log = logging.getLogger(__name__)
_FIRST_MONTH: Final = re.compile(r"run_.+_(\d{4})(\d{2})_[0-9a-f]{10}(_next_[0-9a-f]{8})?")
"""The first month of a run's work, in the name of its branch (`claylake.plan.Plan.branch`)."""


def end_old(spark: SparkSession, plan: Plan, now: datetime) -> int:
    """Drop from main the chips of months that are no longer kept; gives how many. Commits nothing for none.

    One commit of metadata drops whole partitions and moves the mark. A chip belongs to the partition of its datetime,
    which is that of its pass or, at midnight, the next: such chips go a month later, and none goes early. Months from
    the first one on that a run still works on stay until it has published: else its new vectors would lose their chips.
    Files are deleted when the snapshots expire that had them.

    Args:
        spark: session.
        plan: where the table is, and the limit.
        now: what months count back from, UTC.
    """
    kept = first_kept(plan.settings.maintenance.chips_keep_months, now)
    if kept is None:
        return 0
    iceberg = load(spark, names.main_table(plan, CHIPS))
    first = min((kept, *_under_way(Refs.of(iceberg).heads)))
    older = expressions(spark).lessThan("datetime", first.start.isoformat())
    chips = _rows(iceberg, older)
    if chips:
        change = iceberg.newTransaction()
        mark = max(first, mark_of(dict(iceberg.properties())) or first)
        change.updateProperties().set(PROPERTY, str(mark)).commit()
        # Refused by Iceberg where a file has a row that stays: no file is ever written for this.
        change.newDelete().deleteFromRowFilter(older).commit()
        change.commitTransaction()
        _log.info("dropped %d chips of months before %s", chips, first)
    return chips


def kept_from(spark: SparkSession, plan: Plan) -> Month | None:
    """The first month whose pixels have not ended; None where none has."""
    return mark_of(dict(load(spark, names.main_table(plan, CHIPS)).properties()))


def _under_way(branches: Iterable[str]) -> list[Month]:
    """The first month of each run that has not published its branch."""
    found = (_FIRST_MONTH.fullmatch(branch) for branch in branches)
    return [Month(int(name[1]), int(name[2])) for name in found if name]


def _rows(iceberg: Any, condition: Any) -> int:
    """Rows of main's files that may meet the condition, from metadata."""
    tasks = iceberg.newScan().filter(condition).planFiles()
    try:
        return sum(task.file().recordCount() for task in tasks.iterator())
    finally:
        tasks.close()
