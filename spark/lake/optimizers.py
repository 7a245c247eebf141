"""The last runs of Glue's table optimizers, as Glue reports them.

Glue decides when they run: nothing here starts them, waits for them or fails because of them. Whatever is wrong
becomes an `Optimizer.problem`, a query that Glue refuses as well.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from claylake.run.reports import Optimizer, OptimizerRun
from claylake.vocabulary import OPTIMIZER_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claylake.plan import Plan


class KindMetrics(TypedDict, total=False):
    """What a run did to an Iceberg table, by Glue's names."""

    IcebergMetrics: dict[str, int | float | str]


class TableOptimizerRun(TypedDict, total=False):
    """A run as Glue's API has it; which of the metrics it has depends on the optimizer's kind."""

    eventType: str
    startTimestamp: datetime
    endTimestamp: datetime
    error: str
    metrics: dict[str, int | float | str]
    compactionMetrics: KindMetrics
    retentionMetrics: KindMetrics
    orphanFileDeletionMetrics: KindMetrics


class Configuration(TypedDict, total=False):
    """Of an optimizer."""

    enabled: bool


class TableOptimizer(TypedDict, total=False):
    """An optimizer as Glue's API has it."""

    configuration: Configuration
    lastRun: TableOptimizerRun


class _Request(TypedDict):
    CatalogId: str
    DatabaseName: str
    TableName: str
    Type: str


def optimizers_of(plan: Plan, tables: Iterable[str]) -> tuple[Optimizer, ...]:
    """The optimizers of these tables, each with its last run; none where Glue does not maintain them."""
    deployed = plan.settings.deployed
    if deployed is None or deployed.optimizers is None:
        return ()
    import boto3

    glue = boto3.client("glue", region_name=deployed.region)
    catalog, database = deployed.optimizers.catalog_id, deployed.database
    return tuple(
        _optimizer(glue, _Request(CatalogId=catalog, DatabaseName=database, TableName=table, Type=kind))
        for table in tables
        for kind in OPTIMIZER_KINDS
    )


def read_run(run: TableOptimizerRun) -> OptimizerRun:
    """A run from Glue's; the guide spells event types in capitals, the service model in small."""
    kinds = (run.get("compactionMetrics"), run.get("retentionMetrics"), run.get("orphanFileDeletionMetrics"))
    metrics = {name: value for kind in kinds if kind for name, value in kind.get("IcebergMetrics", {}).items()}
    return OptimizerRun(
        state=str(run.get("eventType", "unknown")).lower(),
        started=_utc(run.get("startTimestamp")),
        ended=_utc(run.get("endTimestamp")),
        metrics=metrics or run.get("metrics", {}),
        error=run.get("error") or None,
    )


def _optimizer(glue: Any, request: _Request) -> Optimizer:
    from botocore.exceptions import BotoCoreError, ClientError

    table, kind = request["TableName"], request["Type"]
    try:
        found: TableOptimizer = glue.get_table_optimizer(**request)["TableOptimizer"]
        recent = found.get("lastRun")
        latest = read_run(recent) if recent else None
        running = latest if latest and latest.runs else None
        last = _last_ended(glue, request) if running else latest
    except ClientError as error:
        missing = error.response["Error"]["Code"] == "EntityNotFoundException"
        problem = (
            "is missing, although by deployed.json Glue maintains the tables" if missing else f"is unknown: {error}"
        )
        return Optimizer(table=table, kind=kind, enabled=None, problem=problem)
    except BotoCoreError as error:
        return Optimizer(table=table, kind=kind, enabled=None, problem=f"is unknown: {error}")
    enabled = bool(found.get("configuration", {}).get("enabled"))
    return Optimizer(
        table=table, kind=kind, enabled=enabled, running=running, last=last, problem=_problem(last, enabled=enabled)
    )


def _last_ended(glue: Any, request: _Request) -> OptimizerRun | None:
    """The newest run that has ended; Glue does not promise an order."""
    pages = glue.get_paginator("list_table_optimizer_runs").paginate(**request)
    runs: list[TableOptimizerRun] = [run for page in pages for run in page["TableOptimizerRuns"]]
    ended = [run for run in map(read_run, runs) if not run.runs]
    return max(ended, key=_when, default=None)


def _when(run: OptimizerRun) -> datetime:
    return run.started or run.ended or datetime.min.replace(tzinfo=UTC)


def _problem(last: OptimizerRun | None, *, enabled: bool) -> str | None:
    problems = [] if enabled else ["is disabled"]
    if last is not None and last.failed:
        moment = last.ended or last.started
        when = f" on {moment:%Y-%m-%d %H:%M} UTC" if moment else ""
        problems.append(f"{last.state}{when}: {last.error or 'Glue gives no reason'}")
    return "; ".join(problems) or None


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
