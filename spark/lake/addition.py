"""A commit that adds data files to a run's branch, on top of one snapshot and no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from spark.lake.errors import LakeError
from spark.lake.refs import api, expressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyspark.sql import SparkSession

    from claylake.plan import Plan
    from spark.datafiles.parquet import DataFile

_RUN = "claylake.run"
"""Entry in the summary of a snapshot."""
CONFLICT = "ValidationException"
"""Iceberg's class: rows were added to the branch meanwhile."""


def head_of(iceberg: Any, plan: Plan) -> int:
    """The snapshot that the plan's branch of Iceberg's own table points at.

    Raises:
        LakeError: there is no such branch.
    """
    ref = iceberg.refs().get(plan.branch)
    if ref is None:
        raise LakeError(f"branch {plan.branch} of {iceberg.name()} is gone: was it dropped by hand? Clear the task")
    head: int = ref.snapshotId()
    return head


def addition(spark: SparkSession, iceberg: Any, files: Iterable[DataFile], plan: Plan, head: int) -> Any:
    """An append to the plan's branch, not yet committed, that fails where anything was added to it after `head`.

    Args:
        spark: session.
        iceberg: Iceberg's own table.
        files: that are stored.
        plan: whose branch.
        head: id of the branch's snapshot.
    """
    change = (
        iceberg.newOverwrite()
        .toBranch(plan.branch)
        .validateFromSnapshot(head)
        .conflictDetectionFilter(expressions(spark).alwaysTrue())
        .validateNoConflictingData()
        .set(_RUN, plan.run.run_id)
    )
    for file in content_files(spark, iceberg, files):
        change.addFile(file)
    return change


def content_files(spark: SparkSession, iceberg: Any, files: Iterable[DataFile]) -> Iterator[Any]:
    """Data files as Iceberg's own.

    Args:
        spark: session.
        iceberg: Iceberg's own table.
        files: of the table.
    """
    java, spec = api(spark), iceberg.spec()
    # To find a name in the JVM is a request to it, as each call is: so once for all files.
    read, parse = java.util.JsonUtil.mapper().readTree, java.ContentFileParser.fromJson
    for file in files:
        yield parse(read(json.dumps(file.document)), spec)
