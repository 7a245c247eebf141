"""Full names of tables in SQL, of a short one such as ``chips``: as main has the table, and as a branch has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import CATALOG

if TYPE_CHECKING:
    from claylake.plan import Plan


def main_table(plan: Plan, name: str) -> str:
    """What readers see: ``lake.<database>.<table>``."""
    return f"{CATALOG}.{plan.database}.{name}"


def table_at(plan: Plan, name: str, *, branch: str | None = None, snapshot: int | None = None) -> str:
    """The table as a branch or a snapshot has it, or as main has it if neither is given.

    Args:
        plan: where the tables are.
        name: short name of the table.
        branch: short name.
        snapshot: its id.
    """
    if snapshot is not None:
        return snapshot_table(plan, name, snapshot)
    return main_table(plan, name) if branch is None else branch_table(plan, name, branch)


def snapshot_table(plan: Plan, name: str, snapshot: int) -> str:
    """The table as one of its snapshots has it; to read only.

    Args:
        plan: where the tables are.
        name: short name of the table.
        snapshot: its id.
    """
    return f"{main_table(plan, name)}.{sql.name(f'snapshot_id_{snapshot}')}"


def branch_table(plan: Plan, name: str, branch: str | None = None) -> str:
    """The table as a branch has it, main's history included: readable and writable.

    Args:
        plan: where the tables are.
        name: short name of the table.
        branch: short name; None for the plan's own branch.
    """
    return f"{main_table(plan, name)}.{sql.name(f'branch_{branch or plan.branch}')}"
