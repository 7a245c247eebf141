"""Glue's table optimizers: those calls that moto lacks, and runs that tests make up."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from infra.local.client import StackFailedError
from tests.infra.local.clusters import client

CATALOG = {"CatalogId": "123456789012", "DatabaseName": "claylake"}
CONFIGURATION = {"roleArn": "arn:aws:iam::123456789012:role/optimizer", "enabled": True}


@pytest.fixture(scope="module")
def glue(stack):
    made = client(stack, "glue")
    for table in ("chips", "bare"):
        made.create_table(DatabaseName="claylake", TableInput={"Name": table})
    for kind, enabled in (("compaction", True), ("retention", False)):
        made.create_table_optimizer(
            **CATALOG, TableName="chips", Type=kind, TableOptimizerConfiguration={**CONFIGURATION, "enabled": enabled}
        )
    return made


def of(kind, table="chips"):
    return {**CATALOG, "TableName": table, "Type": kind}


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"]


def test_what_was_created_is_told_and_nothing_else(glue):
    found = glue.get_table_optimizer(**of("retention"))
    assert found["TableName"] == "chips"
    assert found["TableOptimizer"] == {
        "type": "retention", "configuration": {**CONFIGURATION, "enabled": False}, "configurationSource": "table"
    }  # fmt: skip
    assert glue.list_table_optimizer_runs(**of("retention"))["TableOptimizerRuns"] == []
    again = {**of("retention"), "TableOptimizerConfiguration": CONFIGURATION}
    assert refused(glue.create_table_optimizer, **again) == "AlreadyExistsException"
    assert refused(glue.create_table_optimizer, **{**again, "TableName": "none"}) == "EntityNotFoundException"
    for call in (glue.get_table_optimizer, glue.list_table_optimizer_runs):
        assert refused(call, **of("orphan_file_deletion")) == "EntityNotFoundException"
        assert refused(call, **of("compaction", "bare")) == "EntityNotFoundException"


def test_many_are_asked_for_at_once(glue):
    entries = [
        {"catalogId": "123456789012", "databaseName": "claylake", "tableName": "chips", "type": kind}
        for kind in ("compaction", "retention", "orphan_file_deletion")
    ]
    answer = glue.batch_get_table_optimizer(Entries=entries)
    assert [one["tableOptimizer"]["type"] for one in answer["TableOptimizers"]] == ["compaction", "retention"]
    (failure,) = answer["Failures"]
    assert (failure["type"], failure["error"]["ErrorCode"]) == ("orphan_file_deletion", "EntityNotFoundException")


def test_runs_are_told_newest_first_in_pages(stack, glue):
    for day in range(1, 13):
        stack.optimizer_ran(
            database="claylake",
            table="chips",
            kind="compaction",
            eventType="completed",
            startTimestamp=f"2024-08-{day:02d}T10:00:00Z",
            endTimestamp=f"2024-08-{day:02d}T10:05:00Z",
            compactionMetrics={"IcebergMetrics": {"NumberOfFilesCompacted": day, "DpuHours": 0.5}},
        )
    last = glue.get_table_optimizer(**of("compaction"))["TableOptimizer"]["lastRun"]
    assert last["startTimestamp"] == datetime(2024, 8, 12, 10, tzinfo=UTC)
    assert last["compactionMetrics"]["IcebergMetrics"] == {"NumberOfFilesCompacted": 12, "DpuHours": 0.5}
    first = glue.list_table_optimizer_runs(**of("compaction"))
    assert len(first["TableOptimizerRuns"]) == 10
    pages = glue.get_paginator("list_table_optimizer_runs").paginate(**of("compaction"))
    days = [run["startTimestamp"].day for page in pages for run in page["TableOptimizerRuns"]]
    assert days == list(range(12, 0, -1))
    counted = {(one["table"], one["type"]): one["runs"] for one in stack.control("GET", "optimizers")}
    assert counted == {("chips", "compaction"): 12, ("chips", "retention"): 0}


@pytest.mark.parametrize(
    ("kind", "run", "said"),
    [
        ("compaction", {"eventType": "exploded"}, "eventType is one of starting, completed, failed, in_progress"),
        ("compaction", {"eventtype": "failed"}, "eventtype"),
        ("compaction", {"error": 5}, "error"),
        ("orphan_file_deletion", {"eventType": "failed"}, "create it first"),
    ],
)
def test_what_glue_cannot_have_said_is_refused(stack, glue, kind, run, said):
    with pytest.raises(StackFailedError, match=said):
        stack.optimizer_ran(database="claylake", table="chips", kind=kind, **run)
