"""When parts of maintenance are due, by what the table's properties say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.lake.clock import Clock

CLOCK = Clock(name="claylake.part", every=timedelta(days=7))
NOW = datetime(2024, 9, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", [None, "last week", "", "2024-09-01T12:00:01+00:00", "2031-01-01T00:00:00+00:00"])
def test_it_is_due_where_the_last_time_is_unknown_or_lies_ahead(text):
    assert CLOCK.due({} if text is None else {CLOCK.name: text}, NOW) is None


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)))
def test_it_rests_so_long_and_then_runs(age):
    last = NOW - age
    due = CLOCK.due({CLOCK.name: last.isoformat(), "claylake.other": NOW.isoformat()}, NOW)
    assert due == (last + CLOCK.every if age < CLOCK.every else None)


def test_without_a_rest_it_is_always_due():
    always = Clock(name=CLOCK.name, every=timedelta(0))
    assert always.due({CLOCK.name: NOW.isoformat()}, NOW) is None
