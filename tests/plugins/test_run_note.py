"""The note on the run; writing it is tested with whole runs, in tests/dags/airflow."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException

from claylake_airflow.failures import REASON, name_failure, not_retried
from claylake_airflow.run_note import MARK, merge
from tests.plugins.drive import TaskInstance


def test_ours_alone():
    assert merge(None, "**lisbon**") == f"{MARK}\n**lisbon**"


def test_a_users_words_stay_and_ours_are_replaced():
    first = merge("look at this one", "old")
    assert first == f"look at this one\n\n{MARK}\nold"
    assert merge(first, "new") == f"look at this one\n\n{MARK}\nnew"
    assert merge(merge(None, "old"), "new") == f"{MARK}\nnew"


def test_airflows_limit_is_kept():
    note = merge("mine", "x" * 5000)
    assert len(note) == 1000
    assert note.endswith("x…")


def test_errors_that_a_retry_would_repeat_are_final_and_left_for_the_note():
    ti = TaskInstance("claylake_adhoc", "run1", {})
    with pytest.raises(KeyError), not_retried(ValueError, ti=ti):
        raise KeyError("other")
    assert not ti.pushed
    with pytest.raises(AirflowFailException, match="no such month"), not_retried(ValueError, ti=ti):
        raise ValueError("no such month")
    assert ti.pushed == {REASON: "no such month"}


@pytest.mark.parametrize(("error", "named"), [(ValueError("secret"), "ValueError"), (None, "no exception")])
def test_the_failure_callback_names_the_kind_only(caplog, error, named):
    with caplog.at_level(logging.ERROR):
        name_failure({"ti": SimpleNamespace(task_id="plan", run_id="r"), "exception": error})
    assert caplog.messages == [f"task plan of run r failed: {named}"]
