"""What Glue's table optimizers have done to the tables last, as Glue tells.

They run on Glue's own clock: nothing here starts them, waits for them or fails because of them. What is wrong
becomes an `Optimizer.problem`, even that Glue would not say.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from claylake.reports import Optimizer, OptimizerRun
from claylake.vocabulary import OPTIMIZER_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from claylake.plan import Plan

_METRICS = ("compactionMetrics", "retentionMetrics", "orphanFileDeletionMetrics")


def optimizers_of(plan: Plan, tables: Iterable[str]) -> tuple[Optimizer, ...]:
    """The optimizers of these tables, each with its last run; none where Glue does not tidy."""
    deployed = plan.deployed
    if deployed.optimizers is None:
        return ()
    import boto3

    glue = boto3.client("glue", region_name=deployed.region)
    place = {"CatalogId": deployed.optimizers.catalog_id, "DatabaseName": deployed.database}
    return tuple(_ask(glue, place, table, kind) for table in tables for kind in OPTIMIZER_KINDS)


def read_run(told: Mapping[str, Any]) -> OptimizerRun:
    """A run from Glue's `TableOptimizerRun`; the guide spells event types in capitals, the service model in small."""
    metrics = {name: value for key in _METRICS for name, value in told.get(key, {}).get("IcebergMetrics", {}).items()}
    return OptimizerRun(
        state=str(told.get("eventType", "unknown")).lower(),
        started=_utc(told.get("startTimestamp")),
        ended=_utc(told.get("endTimestamp")),
        metrics=metrics or told.get("metrics", {}),
        error=told.get("error") or None,
    )


def _ask(glue: Any, place: Mapping[str, str], table: str, kind: str) -> Optimizer:
    from botocore.exceptions import BotoCoreError, ClientError

    asked = {**place, "TableName": table, "Type": kind}
    try:
        found = glue.get_table_optimizer(**asked)["TableOptimizer"]
        latest = read_run(found["lastRun"]) if found.get("lastRun") else None
        running = latest if latest and latest.runs else None
        last = _last_ended(glue, asked) if running else latest
    except ClientError as error:
        missing = error.response["Error"]["Code"] == "EntityNotFoundException"
        problem = "is not there, although deployed.json says that Glue tidies" if missing else f"is unknown: {error}"
        return Optimizer(table=table, kind=kind, enabled=None, problem=problem)
    except BotoCoreError as error:
        return Optimizer(table=table, kind=kind, enabled=None, problem=f"is unknown: {error}")
    enabled = bool(found.get("configuration", {}).get("enabled"))
    return Optimizer(
        table=table, kind=kind, enabled=enabled, running=running, last=last, problem=_problem(last, enabled=enabled)
    )


def _last_ended(glue: Any, asked: Mapping[str, str]) -> OptimizerRun | None:
    """The newest run that has ended; Glue does not promise an order."""
    pages = glue.get_paginator("list_table_optimizer_runs").paginate(**asked)
    ended = [run for page in pages for run in map(read_run, page["TableOptimizerRuns"]) if not run.runs]
    return max(ended, key=_when, default=None)


def _when(run: OptimizerRun) -> datetime:
    return run.started or run.ended or datetime.min.replace(tzinfo=UTC)


def _problem(last: OptimizerRun | None, *, enabled: bool) -> str | None:
    said = [] if enabled else ["is disabled"]
    if last is not None and last.failed:
        moment = last.ended or last.started
        when = f" on {moment:%Y-%m-%d %H:%M} UTC" if moment else ""
        said.append(f"{last.state}{when}: {last.error or 'Glue gives no reason'}")
    return "; ".join(said) or None


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
