"""When a step is ended, by a clock that the test holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.watchdog.judge import Judge, Limits, Signs

LIMITS = Limits(executor_s=600, stalled_s=3600)


def verdicts(*seen, limits=LIMITS):
    """What is judged of (seconds, signs), in order."""
    judge = Judge(limits, now=0)
    return [judge.verdict(signs, at) for at, signs in seen]


def working(*headway, executors=2):
    return Signs(executors=executors, headway=headway)


def test_an_executor_that_never_comes_is_waited_for_so_long_and_no_longer():
    before, after = verdicts((599, working(executors=0)), (600, working(executors=0)))
    assert before is None
    assert after.message == "no executor has come within 10 minutes"
    assert after.is_final


def test_a_session_that_never_answers_is_one_without_executors():
    assert verdicts((599, None), (600, None))[1].message == "no executor has come within 10 minutes"


def test_lost_executors_may_come_back_and_another_attempt_may_help_where_none_does():
    gone = working(executors=0)
    found = verdicts((100, working()), (699, gone), (699.5, working()), (1299, gone), (1299.5, gone))
    assert found[:4] == [None] * 4
    assert found[4].message == "no executor is left, and none has come for 10 minutes"
    assert not found[4].is_final


def test_a_step_without_headway_is_ended_and_may_be_tried_again():
    found = verdicts((10, working(1)), (3000, working(2)), (6599, working(2)), (6600, working(2)))
    assert found[:3] == [None] * 3
    assert found[3].message == "no task has finished and no byte was moved for 60 minutes"
    assert not found[3].is_final


def test_a_session_that_stops_answering_makes_no_headway():
    seen = working(1)
    judge = Judge(Limits(executor_s=9e9, stalled_s=60), now=0)
    assert [judge.verdict(seen, at) is None for at in (0, 59, 60)] == [True, True, False]


@given(st.lists(st.floats(0.1, 3599), min_size=1, max_size=50))
def test_any_headway_within_the_limit_keeps_a_step_alive(pauses):
    at, judge = 0.0, Judge(LIMITS, now=0)
    for number, pause in enumerate(pauses):
        at += pause
        assert judge.verdict(working(number), at) is None


@pytest.mark.parametrize(("seconds", "text"), [(90, "90 s"), (120, "2 minutes")])
def test_times_are_for_people(seconds, text):
    assert text in verdicts((seconds, None), limits=Limits(executor_s=seconds, stalled_s=9e9))[0].message
