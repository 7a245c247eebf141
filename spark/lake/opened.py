"""When a run last opened a branch, kept as one small object for each branch beside the run folders.

Iceberg keeps no such date: a branch has its head snapshot alone, which is as old as the last write. In a table that
rested for a month, a branch opened a second ago points at a snapshot a month old.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from claylake import store

if TYPE_CHECKING:
    from claylake.plan import Plan


def record(plan: Plan, branch: str, now: datetime) -> None:
    """Note that a run opens the branch.

    Args:
        plan: of the run.
        branch: short name.
        now: UTC-aware.
    """
    document = {"branch": branch, "opened": now.astimezone(UTC).isoformat(), "run": plan.run.model_dump()}
    store.write(_uri(plan, branch), json.dumps(document, indent=1).encode(), "application/json")


def last_opened(plan: Plan, branch: str, now: datetime) -> datetime:
    """When a run last opened the branch, UTC.

    A branch without a record, as version 0.1.0 left them, counts as opened now, and gets its record.

    Args:
        plan: of any run on the same lake.
        branch: short name.
        now: UTC-aware.
    """
    uri = _uri(plan, branch)
    if not store.exists(uri):
        record(plan, branch, now)
        return now
    return datetime.fromisoformat(json.loads(store.read(uri))["opened"])


def _uri(plan: Plan, branch: str) -> str:
    return store.join(plan.deployed.lake, "runs", "branches", plan.database, f"{branch}.json")
