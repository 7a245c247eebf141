"""How SQL names a table: as readers of main see it, and as a branch has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.vocabulary import CATALOG

if TYPE_CHECKING:
    from claylake.plan import Plan


def main(plan: Plan, table: str) -> str:
    """What readers see: ``lake.<database>.<table>``."""
    return f"{CATALOG}.{plan.database}.{table}"


def on_branch(plan: Plan, table: str) -> str:
    """The run's own view of a table, main's history included: readable and writable."""
    return named(plan, table, plan.branch)


def named(plan: Plan, table: str, branch: str) -> str:
    """A table as any branch of it has it."""
    return f"{main(plan, table)}.branch_{branch}"
