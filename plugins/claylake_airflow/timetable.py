"""One run for each calendar month, released some days after the month has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.exceptions import AirflowTimetableInvalid
from airflow.sdk import timezone
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable
from airflow.utils.types import DagRunType
from pendulum import DateTime

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.timetables.base import TimeRestriction

_MOST_SETTLE_DAYS = 60
_SUFFIX_LENGTH = 8


class MonthlySettledTimetable(Timetable):
    """Data interval: a calendar month in UTC. Released `settle_days` after the month's end.

    Late scenes still reach the catalogue for some days; the month waits for them.

    A manual run takes its interval from its logical date: the first instant of a month means that
    month, as for a scheduled run of the same date; any other moment means the newest month that
    was released by then.
    """

    def __init__(self, settle_days: int = 10) -> None:
        self.settle_days = settle_days
        self.description = f"Each calendar month (UTC), {settle_days} days after it has ended"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MonthlySettledTimetable) and other.settle_days == self.settle_days

    def __hash__(self) -> int:
        return hash((type(self), self.settle_days))

    @property
    def summary(self) -> str:
        """Short text for the list of DAGs."""
        return f"monthly + {self.settle_days} days"

    def validate(self) -> None:
        """Refuse settle days that are negative or would hold a month back for longer than two.

        Raises:
            AirflowTimetableInvalid: with the allowed range.
        """
        if not 0 <= self.settle_days <= _MOST_SETTLE_DAYS:
            msg = f"settle_days is {self.settle_days}: allowed are 0 to {_MOST_SETTLE_DAYS}"
            raise AirflowTimetableInvalid(msg)

    def serialize(self) -> dict[str, Any]:
        """What `deserialize` needs."""
        return {"settle_days": self.settle_days}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> MonthlySettledTimetable:
        """The timetable that `serialize` described."""
        return cls(settle_days=int(data["settle_days"]))

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """The month meant by a manual run; `run_after` is its logical date."""
        moment = _utc(run_after)
        return _interval(moment if moment == _floor(moment) else self._newest_released(moment))

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The month after the last automated one, or the first one that the restriction allows."""
        earliest = None if restriction.earliest is None else _ceil(_utc(restriction.earliest))
        if not restriction.catchup:
            newest = self._newest_released(_utc(timezone.utcnow()))
            earliest = newest if earliest is None else max(newest, earliest)
        start = _after(last_automated_data_interval) or earliest
        if start is None:
            return None
        if earliest is not None:
            start = max(start, earliest)
        if restriction.latest is not None and start > restriction.latest:
            return None
        interval = _interval(start)
        return DagRunInfo(run_after=self._release(interval.end), data_interval=interval)

    def generate_run_id(
        self, *, run_type: DagRunType, run_after: DateTime, data_interval: DataInterval | None, **extra: Any
    ) -> str:
        """Run ids that name the month: ``scheduled__2024-07``; Airflow's own would name the release date.

        A backfill's first run of a month is named by Airflow without the timetable. A
        repeated one comes here, and needs a suffix because the month has run before.
        """
        if data_interval is None or run_type not in (DagRunType.SCHEDULED, DagRunType.BACKFILL_JOB):
            return super().generate_run_id(run_type=run_type, run_after=run_after, data_interval=data_interval, **extra)
        month = _utc(data_interval.start).format("YYYY-MM")
        if run_type == DagRunType.SCHEDULED:
            return run_type.generate_run_id(suffix=month)
        from airflow.utils.strings import get_random_string

        return run_type.generate_run_id(suffix=f"{month}__{get_random_string(_SUFFIX_LENGTH)}")

    def _release(self, end: DateTime) -> DateTime:
        return end.add(days=self.settle_days)

    def _newest_released(self, moment: DateTime) -> DateTime:
        """Start of the newest month that may run at `moment`."""
        return _floor(moment.subtract(days=self.settle_days)).subtract(months=1)


def _utc(moment: datetime) -> DateTime:
    return timezone.coerce_datetime(moment).in_timezone("UTC")


def _floor(moment: DateTime) -> DateTime:
    return moment.start_of("month")


def _ceil(moment: DateTime) -> DateTime:
    start = _floor(moment)
    return start if start == moment else start.add(months=1)


def _interval(start: DateTime) -> DataInterval:
    return DataInterval(start=start, end=start.add(months=1))


def _after(last: DataInterval | None) -> DateTime | None:
    """Start of the month that follows an interval, which another timetable may have made.

    Never the month of `last` itself: its logical date is taken.
    """
    if last is None:
        return None
    start = _floor(_utc(last.end))
    return start if start > _utc(last.start) else start.add(months=1)
