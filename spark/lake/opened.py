"""When a run last opened a branch, and which runs worked on it: one small object per branch beside the run folders.

Iceberg keeps no such date: a branch has its head snapshot alone, which is as old as the last write. In a table that
rested for a month, a branch opened a second ago points at a snapshot a month old.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from claylake import store

if TYPE_CHECKING:
    from claylake.plan import Plan


def record(plan: Plan, branch: str, now: datetime, *, anew: bool = False) -> None:
    """Note that a run opens the branch. Where it is the run's own, the run folder joins those that worked on it.

    Args:
        plan: of the run.
        branch: short name.
        now: UTC-aware.
        anew: the branch has just been created: folders of an earlier one of its name are forgotten.
    """
    folders = [] if anew else _known(plan, branch).get("folders", [])
    if branch == plan.branch and plan.folder not in folders:
        folders = [*folders, plan.folder]
    opened = {"branch": branch, "opened": now.astimezone(UTC).isoformat(), "run": plan.run.model_dump()}
    document = opened | {"folders": folders}
    store.write(_uri(plan, branch), json.dumps(document, indent=1).encode(), "application/json")


def last_opened(plan: Plan, branch: str, now: datetime) -> datetime:
    """When a run last opened the branch, UTC.

    A branch without a record, as version 0.1.0 left them, counts as opened now, and gets its record.

    Args:
        plan: of any run on the same lake.
        branch: short name.
        now: UTC-aware.
    """
    known = _known(plan, branch)
    if not known:
        record(plan, branch, now)
        return now
    return datetime.fromisoformat(known["opened"])


def folders(plan: Plan) -> tuple[str, ...]:
    """Folders of the runs that worked on the plan's branch since it was created, this run's last.

    Records of version 0.1.0 name none.
    """
    known: list[str] = _known(plan, plan.branch).get("folders", [])
    return (*(folder for folder in known if folder != plan.folder), plan.folder)


def _known(plan: Plan, branch: str) -> dict[str, Any]:
    """The branch's record; empty where there is none."""
    uri = _uri(plan, branch)
    document: dict[str, Any] = json.loads(store.read(uri)) if store.exists(uri) else {}
    return document


def _uri(plan: Plan, branch: str) -> str:
    return store.join(plan.where.lake, "runs", "branches", plan.database, f"{branch}.json")
