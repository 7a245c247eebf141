"""Where Glue's optimizers maintain the tables, the step reports how they did, drops stale branches, and touches nothing else."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from claylake import store
from claylake.configuration.maintenance import Optimizers
from claylake.run.reports import MaintainReport, Optimizer, OptimizerRun
from claylake.vocabulary import OPTIMIZER_KINDS, PUBLISH_ORDER
from infra.local.options import DATABASE, STEP_KEY
from spark.lake import branches, maintenance, names, opened
from spark.lake.opening import open_branches
from spark.lake.optimizers import optimizers_of, read_run
from spark.lake.refs import Refs
from spark.publishing.maintain import maintain
from tests.spark.lake import rows, runs

pytestmark = pytest.mark.slow

ACCOUNT = "123456789012"
RECORDED = Path(__file__).parents[2] / "infra/cdk/recorded_glue_calls.json"
LATE = datetime.now(UTC) + timedelta(days=100)
"""When everything that the limits keep is older than they say."""


def by_glue(plan):
    """The plan of a stage whose tables Glue maintains."""
    deployed = plan.deployed.model_copy(update={"maintenance": "glue", "optimizers": Optimizers(catalog_id=ACCOUNT)})
    changed = plan.model_copy(update={"settings": plan.settings.model_copy(update={"deployed": deployed})})
    changed.save()
    return changed


@pytest.fixture
def glue(stack):
    """Who deploys: no step, so its calls are not noted."""
    return boto3.client("glue")


@pytest.fixture
def as_step(stack, monkeypatch):
    """From its call on, boto3 calls as a step does, and its requests to Glue are noted."""

    def begin():
        stack.control("DELETE", "calls")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", STEP_KEY)
        # The session of before keeps its credentials.
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        return lambda: [call for call in stack.calls() if call["service"] == "glue"]

    return begin


def create(glue, plan, tables=PUBLISH_ORDER, kinds=OPTIMIZER_KINDS, *, enabled=True):
    for table in tables:
        for kind in kinds:
            glue.create_table_optimizer(
                CatalogId=ACCOUNT,
                DatabaseName=plan.database,
                TableName=table,
                Type=kind,
                TableOptimizerConfiguration={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/o", "enabled": enabled},
            )


def ran(stack, plan, table, kind, state, day, **more: Any):
    ended = {"endTimestamp": f"2024-08-{day:02d}T10:05:00Z"} if state in {"completed", "failed"} else {}
    stack.optimizer_ran(
        database=plan.database,
        table=table,
        kind=kind,
        eventType=state,
        startTimestamp=f"2024-08-{day:02d}T10:00:00Z",
        **ended,
        **more,
    )


@pytest.fixture
def plan(spark, make_plan):
    """Tables that a step of its own would maintain: small files, old snapshots, an orphan, a stale branch."""
    plan = by_glue(make_plan())
    open_branches(spark, plan)
    made = runs.rows_of(plan, rows.CELLS_3X3[:6])
    for row in made["chips"]:
        rows.frame(spark, "chips", [row]).writeTo(names.main_table(plan, "chips")).append()
    branches.drop(spark, plan)
    for branch in ("run_dead_202401_0000000000", "keep_me"):
        spark.sql(f"ALTER TABLE {names.main_table(plan, 'chips')} CREATE BRANCH {branch}")
    opened.record(plan, "run_dead_202401_0000000000", datetime(2024, 1, 31, tzinfo=UTC))
    return plan


def held(spark, plan):
    """Files and snapshots of all tables."""
    state = {}
    for table in PUBLISH_ORDER:
        name = names.main_table(plan, table)
        files = {row["file_path"] for row in spark.sql(f"SELECT file_path FROM {name}.all_files").collect()}
        state[table] = (files, set(Refs.read(spark, name).snapshots))
    return state


def test_the_step_only_drops_stale_branches_and_tells_of_every_optimizer(spark, stack, glue, plan):
    create(glue, plan, kinds=OPTIMIZER_KINDS[:2])
    create(glue, plan, tables=("chips",), kinds=("orphan_file_deletion",), enabled=False)
    metrics = {"NumberOfFilesCompacted": 40, "DpuHours": 0.25}
    ran(stack, plan, "chips", "compaction", "completed", 2, compactionMetrics={"IcebergMetrics": metrics})
    ran(stack, plan, "chips", "retention", "failed", 3, error="AccessDenied: kms:Decrypt")
    ran(stack, plan, "embeddings", "compaction", "in_progress", 4)

    name = names.main_table(plan, "chips")
    (folder,) = {row["file_path"].rpartition("/")[0] for row in spark.sql(f"SELECT * FROM {name}.files").collect()}
    orphan = store.write(f"{folder}/orphan.parquet", b"x")
    before, state = held(spark, plan), runs.state(spark, plan)
    assert len(before["chips"][1]) >= 6

    report = maintain(spark, plan, LATE)

    assert MaintainReport.load(plan) == report
    assert (held(spark, plan), runs.state(spark, plan)) == (before, state)
    assert store.exists(orphan)
    assert set(Refs.read(spark, name).heads) == {"main", "keep_me"}
    assert report.by == "glue"
    assert report.dropped_branches == {"chips": 1, "embeddings": 0, "observations": 0, "changes": 0, "scenes": 0}
    for counts in (report.rewritten_files, report.rewritten_manifests, report.expired_files, report.orphan_files):
        assert set(counts.values()) == {0}

    found = {(one.table, one.kind): one for one in report.optimizers}
    assert list(found) == [(table, kind) for table in PUBLISH_ORDER for kind in OPTIMIZER_KINDS]
    done = found["chips", "compaction"]
    assert (done.enabled, done.running, done.problem) == (True, None, None)
    assert done.last == OptimizerRun(
        state="completed",
        started=datetime(2024, 8, 2, 10, tzinfo=UTC),
        ended=datetime(2024, 8, 2, 10, 5, tzinfo=UTC),
        metrics=metrics,
    )
    busy = found["embeddings", "compaction"]
    assert (busy.enabled, busy.last, busy.problem) == (True, None, None)
    assert busy.running.started == datetime(2024, 8, 4, 10, tzinfo=UTC)
    assert found["scenes", "retention"] == Optimizer(table="scenes", kind="retention", enabled=True)
    missing = "is missing, although by deployed.json Glue maintains the tables"
    assert set(report.warnings) == {
        "Glue's retention of chips failed on 2024-08-03 10:05 UTC: AccessDenied: kms:Decrypt",
        "Glue's orphan_file_deletion of chips is disabled",
        *(f"Glue's orphan_file_deletion of {table} {missing}" for table in PUBLISH_ORDER[1:]),
    }
    assert report.message == "Glue's optimizers: 1 well, 8 not run yet, 6 to look at; 1 stale branches dropped"


def test_a_step_of_its_own_maintains_and_requests_nothing_of_glue(spark, plan, as_step, monkeypatch):
    deployed = plan.deployed.model_copy(update={"maintenance": "jobs", "optimizers": None})
    alone = plan.model_copy(update={"settings": plan.settings.model_copy(update={"deployed": deployed})})
    asked = as_step()
    # Iceberg removes no orphans younger than a day, whatever the clock is said to be.
    monkeypatch.setattr(maintenance, "remove_orphans", lambda *_: 3)
    report = maintain(spark, alone, LATE)
    assert (report.by, report.optimizers, report.warnings) == ("jobs", (), ())
    assert report.rewritten_files["chips"] == 6
    assert report.expired_files["chips"] > 0
    assert report.orphan_files["chips"] == 3
    assert asked() == [], "Spark's own calls come from the session's key"


def table(plan):
    """A table that Glue has heard of, without Spark."""
    glue = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": plan.database})
    for name in PUBLISH_ORDER:
        glue.create_table(DatabaseName=plan.database, TableInput={"Name": name})
    return plan


@pytest.mark.parametrize("earlier", ["failed", "completed"])
def test_while_one_runs_the_one_before_counts_however_long_the_list(stack, glue, make_plan, earlier):
    plan = table(by_glue(make_plan()))
    create(glue, plan, ("chips",), ("compaction",))
    # Told last, but older: Glue promises no order.
    ran(stack, plan, "chips", "compaction", earlier, 20)
    for day in range(1, 13):
        ran(stack, plan, "chips", "compaction", "failed" if earlier == "completed" else "completed", day)
    ran(stack, plan, "chips", "compaction", "starting", 21)
    found = optimizers_of(plan, ["chips"])[0]
    assert found.running.started == datetime(2024, 8, 21, 10, tzinfo=UTC)
    assert found.last.state == earlier
    assert found.last.started == datetime(2024, 8, 20, 10, tzinfo=UTC)
    wanted = "failed on 2024-08-20 10:05 UTC: Glue gives no reason" if earlier == "failed" else None
    assert found.problem == wanted


@pytest.mark.parametrize("operation", ["GetTableOptimizer", "ListTableOptimizerRuns"])
def test_that_glue_does_not_answer_is_reported_and_fails_nothing(stack, glue, make_plan, operation):
    plan = table(by_glue(make_plan()))
    create(glue, plan)
    ran(stack, plan, "chips", "compaction", "in_progress", 1)
    stack.fault(reject_call=operation, code="AccessDeniedException")
    try:
        first, *others = optimizers_of(plan, PUBLISH_ORDER)
    finally:
        stack.clear_faults()
    assert first.enabled is None
    assert first.problem.startswith("is unknown: ")
    assert "AccessDeniedException" in first.problem
    assert len(others) == len(PUBLISH_ORDER) * len(OPTIMIZER_KINDS) - 1
    assert all(one.enabled and one.problem is None for one in others)


def test_nobody_answers_at_all(make_plan, monkeypatch):
    plan = by_glue(make_plan())
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    found = optimizers_of(plan, ["chips"])
    assert [one.problem.startswith("is unknown: ") for one in found] == [True, True, True]


def test_calls_are_those_that_the_nodes_role_is_checked_for(stack, glue, make_plan, as_step):
    """CLAYLAKE_RECORD_CALLS=1 writes the file anew: each new line is something that the role has to be allowed."""
    plan = table(by_glue(make_plan()))
    create(glue, plan)
    for name in PUBLISH_ORDER:
        ran(stack, plan, name, "compaction", "in_progress", 1)
    asked = as_step()
    optimizers_of(plan, PUBLISH_ORDER)
    calls = [{**call, "resource": call["resource"].replace(plan.database, DATABASE)} for call in asked()]
    if os.environ.get("CLAYLAKE_RECORD_CALLS") == "1":
        lines = ",\n".join("  " + json.dumps(call) for call in calls)
        RECORDED.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    assert calls == json.loads(RECORDED.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("answer", "state", "failed"),
    [
        ({"eventType": "COMPLETED"}, "completed", False),
        ({"eventType": "completed", "error": "half of it"}, "completed", True),
        ({"eventType": "FAILED"}, "failed", True),
        ({"eventType": "IN_PROGRESS"}, "in_progress", False),
        ({"eventType": "cancelled"}, "cancelled", True),
        ({}, "unknown", True),
    ],
)
def test_states_that_are_not_known_are_not_taken_for_success(answer, state, failed):
    run = read_run(answer)
    assert (run.state, run.failed) == (state, failed)
    assert run.runs == (state == "in_progress")


def test_metrics_of_either_kind_are_kept():
    assert read_run({"retentionMetrics": {"IcebergMetrics": {"NumberOfDataFilesDeleted": 3}}}).metrics == {
        "NumberOfDataFilesDeleted": 3
    }
    assert read_run({"metrics": {"NumberOfFilesCompacted": "7"}}).metrics == {"NumberOfFilesCompacted": "7"}
