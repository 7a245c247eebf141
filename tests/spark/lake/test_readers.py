"""What pyiceberg calls to read a lake, all of which the policy of readers must allow."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from claylake.run.tables import catalog
from claylake.vocabulary import CHANGES, PUBLISH_ORDER
from infra.local.options import DATABASE, LAKE_BUCKET, STEP_KEY
from spark.publishing.run import publish_run
from tests.spark.lake import rows, runs

pytestmark = pytest.mark.slow

RECORDED = Path(__file__).parents[2] / "infra/cdk/recorded_reader_calls.json"


def test_reading_makes_no_call_that_is_not_recorded(spark, stack, make_plan, monkeypatch):
    """CLAYLAKE_RECORD_CALLS=1 writes the file anew: each new line is something that the policy has to allow."""
    plan = make_plan()
    runs.write(spark, plan, runs.rows_of(plan, rows.CELLS_3X3[:1]))
    publish_run(spark, plan)
    stack.control("DELETE", "calls")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", STEP_KEY)  # whose calls are noted
    lake = catalog(plan.deployed)
    assert {name for _, name in lake.list_tables(plan.database)} >= set(PUBLISH_ORDER)
    for table in PUBLISH_ORDER:
        # A first month has nothing to compare with.
        assert len(lake.load_table(f"{plan.database}.{table}").scan().to_arrow()) == (table != CHANGES)
    calls = [
        {**call, "caller": "reader", "resource": resource}
        for call in stack.calls()
        for resource in [call["resource"].replace(plan.database, DATABASE).replace("claylake-tests", LAKE_BUCKET)]
    ]
    if os.environ.get("CLAYLAKE_RECORD_CALLS") == "1":
        lines = ",\n".join("  " + json.dumps(call) for call in calls)
        RECORDED.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    assert calls == json.loads(RECORDED.read_text(encoding="utf-8"))
