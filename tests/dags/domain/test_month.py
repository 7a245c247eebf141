from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claylake.errors import BadInputError
from claylake.month import FIRST_MONTH, Month, parse_months, require_observed

months = st.builds(Month, st.integers(2015, 2200), st.integers(1, 12))


@given(months)
def test_text_round_trips(month):
    assert Month.parse(str(month)) == month


@given(months)
def test_a_month_ends_where_the_next_starts(month):
    assert month.end == month.next().start
    assert month.start < month.end
    assert 28 <= (month.end - month.start).days <= 31
    assert month < month.next()


@given(st.datetimes(datetime(2015, 1, 1), datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_of_is_in_utc(naive, minutes):
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    month = Month.of(moment)
    assert month.start <= moment < month.end


def test_of_takes_the_utc_month():
    east = timezone(timedelta(hours=10))
    assert str(Month.of(datetime(2024, 8, 1, 5, tzinfo=east))) == "2024-07"


@given(months, st.integers(0, 119))
def test_a_range_is_contiguous(first, more):
    last = first
    for _ in range(more):
        last = last.next()
    found = parse_months(f"{first}/{last}")
    assert len(found) == more + 1
    assert found[0] == first
    assert all(month.next() == following for month, following in pairwise(found))


def test_one_month_is_a_range_of_one():
    assert parse_months("2024-07") == (Month(2024, 7),)


@pytest.mark.parametrize("text", ["2024", "2024-13", "2024-7", "07-2024", "2014-12", "", "2024-07-01", None, 7])
def test_bad_months_say_the_form(text):
    with pytest.raises(BadInputError, match="yyyy-mm"):
        Month.parse(text)


@pytest.mark.parametrize("text", ["2024-07/2024-06", "2024-01/2024-02/2024-03", "2024-01/"])
def test_bad_ranges_say_the_form(text):
    with pytest.raises(BadInputError, match="yyyy-mm"):
        parse_months(text)


def test_too_long_a_range_says_what_to_do():
    with pytest.raises(BadInputError, match="more than 120 months: split it"):
        parse_months("2015-07/2026-07")


def test_months_before_sentinel_2_are_refused():
    require_observed(FIRST_MONTH, Month(2024, 7))
    with pytest.raises(BadInputError, match=r"2015-04, 2015-05 lies before Sentinel-2.*2015-06: give later months"):
        require_observed(*parse_months("2015-04/2015-06"))


@pytest.mark.parametrize("text", ["24-07", " 24-07"])
def test_a_year_of_two_digits_is_not_guessed_but_suggested(text):
    with pytest.raises(BadInputError, match=r"is not a month: did you mean 2024-07\? write it as yyyy-mm"):
        Month.parse(text)


def test_digits_are_those_of_the_file_format():
    with pytest.raises(BadInputError):
        Month.parse("2024-\u0660\u0667")
