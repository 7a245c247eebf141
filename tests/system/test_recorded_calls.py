"""The AWS calls that whole runs make are those that the deployment's roles are checked for.

They are in ``tests/infra/cdk/recorded_calls.json``. After a change that makes new calls, write the file anew with

    CLAYLAKE_RECORD_CALLS=1 .venv/airflow/bin/python -m pytest -m "not matrix" tests/system

and review the difference: each new line is something that a role has to be allowed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.system.conftest import MONTHS
from tests.system.runs import Runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

RECORDED = Path(__file__).parents[1] / "infra/cdk/recorded_calls.json"


@pytest.fixture
def calls(airflow, stack):
    """What the session's runs have called; alone, this module makes a run of its own."""
    if not any(call["operation"] == "RunJobFlow" for call in stack.calls()):
        assert Runs(airflow, "claylake__tiny").run(month=MONTHS[0])[1] == "success"
    return stack.calls()


def test_runs_make_no_call_that_is_not_recorded(calls):
    """Modules run in alphabetical order: months were made, failed and repaired before this one."""
    assert {"airflow", "step"} == {call["caller"] for call in calls}
    assert any(call["operation"] == "UpdateTable" for call in calls), "no run has got as far as a commit"
    if os.environ.get("CLAYLAKE_RECORD_CALLS") == "1":
        lines = ",\n".join("  " + json.dumps(call) for call in calls)
        RECORDED.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    known = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert [call for call in calls if call not in known] == []
