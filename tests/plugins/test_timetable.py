"""Months, released after they have settled."""

from __future__ import annotations

import pendulum
import pytest
from airflow.exceptions import AirflowTimetableInvalid
from airflow.sdk import timezone
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.utils.types import DagRunType

from claylake_airflow.timetable import MonthlySettledTimetable


def utc(*parts):
    return pendulum.datetime(*parts, tz="UTC")


def month(year, number):
    start = utc(year, number, 1)
    return DataInterval(start, start.add(months=1))


def following(last, *, earliest=None, latest=None, catchup=True, settle_days=10):
    return MonthlySettledTimetable(settle_days).next_dagrun_info(
        last_automated_data_interval=last, restriction=TimeRestriction(earliest, latest, catchup)
    )


@pytest.fixture
def at(monkeypatch):
    return lambda *parts: monkeypatch.setattr(timezone, "utcnow", lambda: utc(*parts))


def test_first_run_is_the_start_dates_month():
    info = following(None, earliest=utc(2024, 1, 1))
    assert info.data_interval == month(2024, 1)
    assert info.run_after == utc(2024, 2, 11)
    assert info.logical_date == utc(2024, 1, 1)


def test_without_a_start_date_there_is_no_run():
    assert following(None) is None


def test_a_start_date_within_a_month_begins_with_the_next():
    assert following(None, earliest=utc(2024, 1, 1, 0, 0, 1)).data_interval == month(2024, 2)


@pytest.mark.parametrize(
    ("last", "then"),
    [((2023, 11), (2023, 12)), ((2023, 12), (2024, 1)), ((2024, 1), (2024, 2)), ((2024, 2), (2024, 3))],
)
def test_months_follow_each_other_over_year_ends_and_leap_days(last, then):
    info = following(month(*last), earliest=utc(2023, 1, 1))
    assert info.data_interval == month(*then)
    assert info.run_after == month(*then).end.add(days=10)


def test_december_is_released_in_january():
    assert following(month(2023, 11), earliest=utc(2023, 1, 1)).run_after == utc(2024, 1, 11)


def test_catch_up_walks_every_month_once():
    found, last = [], None
    while (info := following(last, earliest=utc(2023, 10, 1), latest=utc(2024, 3, 1))) is not None:
        found.append(info.data_interval.start.format("YYYY-MM"))
        last = info.data_interval
    assert found == ["2023-10", "2023-11", "2023-12", "2024-01", "2024-02", "2024-03"]


@pytest.mark.parametrize(
    ("moment", "newest"),
    [
        ((2024, 3, 10, 23, 59, 59), (2024, 1)),
        ((2024, 3, 11), (2024, 2)),
        ((2024, 1, 10), (2023, 11)),
        ((2024, 1, 11), (2023, 12)),
    ],
)
def test_without_catch_up_only_the_newest_released_month_runs(at, moment, newest):
    at(*moment)
    assert following(None, earliest=utc(2020, 1, 1), catchup=False).data_interval == month(*newest)
    assert following(month(2020, 1), earliest=utc(2020, 1, 1), catchup=False).data_interval == month(*newest)


def test_without_catch_up_a_later_start_date_wins(at):
    at(2024, 3, 11)
    assert following(None, earliest=utc(2024, 6, 1), catchup=False).data_interval == month(2024, 6)


def test_without_catch_up_a_finished_month_is_not_repeated(at):
    at(2024, 3, 11)
    assert following(month(2024, 2), earliest=None, catchup=False).data_interval == month(2024, 3)


def test_a_start_date_moved_ahead_skips_months():
    assert following(month(2024, 1), earliest=utc(2024, 6, 1)).data_interval == month(2024, 6)


def test_the_end_date_is_inclusive():
    assert following(month(2024, 1), latest=utc(2024, 2, 1)).data_interval == month(2024, 2)
    assert following(month(2024, 1), latest=utc(2024, 1, 31)) is None


@pytest.mark.parametrize(
    ("last", "then"),
    [
        (DataInterval(utc(2024, 7, 10), utc(2024, 7, 11)), (2024, 8)),
        (DataInterval(utc(2024, 7, 1), utc(2024, 7, 1)), (2024, 8)),
        (DataInterval(utc(2024, 6, 24), utc(2024, 7, 1)), (2024, 7)),
        (DataInterval(utc(2024, 6, 28), utc(2024, 7, 5)), (2024, 7)),
    ],
)
def test_after_another_timetable_no_logical_date_is_used_twice(last, then):
    assert following(last).data_interval == month(*then)


@pytest.mark.parametrize(
    ("moment", "meant"),
    [
        (utc(2024, 7, 1), (2024, 7)),
        (utc(2024, 8, 11), (2024, 7)),
        (utc(2024, 8, 10, 23), (2024, 6)),
        (utc(2024, 1, 5), (2023, 11)),
        (pendulum.datetime(2024, 7, 1, 2, tz="Europe/Berlin"), (2024, 7)),
    ],
)
def test_a_manual_run_means_the_month_of_its_logical_date_or_the_newest_released(moment, meant):
    assert MonthlySettledTimetable(10).infer_manual_data_interval(run_after=moment) == month(*meant)


def test_zero_settle_days_release_at_the_months_end():
    assert following(month(2024, 1), settle_days=0).run_after == utc(2024, 3, 1)


def run_id(run_type, interval, run_after=None):
    return MonthlySettledTimetable().generate_run_id(
        run_type=run_type, run_after=run_after or utc(2024, 8, 11), data_interval=interval, partition_key=None
    )


def test_scheduled_run_ids_carry_the_month():
    assert run_id(DagRunType.SCHEDULED, month(2024, 7)) == "scheduled__2024-07"
    assert DagRunType.from_run_id("scheduled__2024-07") == DagRunType.SCHEDULED


def test_repeated_backfills_of_a_month_differ():
    ids = {run_id(DagRunType.BACKFILL_JOB, month(2024, 7)) for _ in range(20)}
    assert len(ids) == 20
    assert all(each.startswith("backfill__2024-07__") for each in ids)


@pytest.mark.parametrize("interval", [None, month(2024, 7)])
def test_manual_run_ids_stay_airflows_own(interval):
    assert run_id(DagRunType.MANUAL, interval) == "manual__2024-08-11T00:00:00+00:00"


@pytest.mark.parametrize("days", [-1, 61])
def test_settle_days_out_of_range_are_refused(days):
    with pytest.raises(AirflowTimetableInvalid, match="0 to 60"):
        MonthlySettledTimetable(days).validate()


def test_it_survives_serialisation_by_way_of_the_plugin():
    stored = encode_timetable(MonthlySettledTimetable(7))
    again = decode_timetable(stored)
    assert again == MonthlySettledTimetable(7)
    assert hash(again) == hash(MonthlySettledTimetable(7))
    assert again != MonthlySettledTimetable(8)
    assert (again.description, again.summary) == (
        "Each calendar month (UTC), 7 days after it has ended",
        "monthly + 7 days",
    )
