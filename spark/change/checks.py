"""What must hold of a run's changes before they are published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claylake import sql
from claylake.vocabulary import CHANGES
from spark.lake.audits import tally
from spark.lake.errors import AuditError
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from spark.lake.scope import Scope

VIEW: Final = "audit_changes"
_MAY_BE_NULL: Final = ("score",)


def checks() -> dict[str, str]:
    """Check name to the condition of an offending row of the view `audit_changes`."""
    columns = TABLES[CHANGES].columns.without(*_MAY_BE_NULL).names
    return {
        "change_columns_filled": " OR ".join(f"{sql.name(name)} IS NULL" for name in columns),
        "change_distance_in_0_2": "NOT distance BETWEEN 0 AND 2 OR isnan(distance) OR isnan(score)",
        "change_baseline_is_earlier": "NOT baseline_month < month",
        "change_is_of_its_chips": (
            "NOT startswith(id, concat(cell_id, '_')) OR NOT startswith(baseline_id, concat(cell_id, '_'))"
        ),
    }


def require_sound(spark: SparkSession, scope: Scope, head: int) -> None:
    """Let a snapshot's changes of the run's cells and months pass, or stop publishing.

    Args:
        spark: session.
        scope: cells and months.
        head: the snapshot of the table.

    Raises:
        AuditError: if any check found rows.
    """
    key = sql.names(TABLES[CHANGES].key)
    scope.rows(spark, CHANGES, snapshot=head).createOrReplaceTempView(VIEW)
    try:
        twice = f"SELECT count(*) FROM (SELECT 1 FROM {VIEW} GROUP BY {key} HAVING count(*) > 1)"
        found = tally(spark, {"change_keys_unique": twice}, {VIEW: checks()})
    finally:
        spark.catalog.dropTempView(VIEW)
    bad = {name: rows for name, rows in found.items() if rows}
    if bad:
        raise AuditError(
            scope.plan.branch, bad, "Look at the table changes on the branch; spark/change/checks.py has the rules."
        )
