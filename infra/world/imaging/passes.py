"""Which satellite passes when, how the sky is, and how the pass was published.

The orbit is Sentinel-2's R065: each of two satellites every ten days, five days apart. Of
those dates a month keeps a few, in one of three patterns by turns; 2024-07 has the first.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from infra.world.arguments import read_month
from infra.world.imaging.roles import PATTERNS, Role

_REFERENCE = date(2024, 7, 3)
_START = time(10, 15, 59)
_ABSOLUTE_ORBIT = {"S2A": 47109, "S2B": 38272}
"""At the reference date and five days later; both give relative orbit 65."""
_FIRST_DAY = {"S2A": date(2015, 6, 27), "S2B": date(2017, 3, 15)}
"""Of each satellite's images."""


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One overflight and its role.

    Attributes:
        platform: S2A or S2B.
        start: start of the datatake, UTC.
        orbit_number: absolute orbit.
        role: what it is for.
    """

    platform: str
    start: datetime
    orbit_number: int
    role: Role

    @property
    def datatake(self) -> str:
        """Platform and start, as in the contracts' pass id."""
        return f"{self.platform}_{self.start:%Y%m%dT%H%M%S}"

    @property
    def day(self) -> int:
        """Day of the year."""
        return self.start.timetuple().tm_yday

    def sun(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Return the sun's azimuth and elevation in degrees, to about half a degree.

        Declination and equation of time after Cooper 1969 and Spencer 1971, simplified.
        """
        angle = 2 * np.pi * (self.day - 81) / 365
        declination = np.radians(23.45 * np.sin(angle))
        minutes = 9.87 * np.sin(2 * angle) - 7.53 * np.cos(angle) - 1.5 * np.sin(angle)
        hours = self.start.hour + (self.start.minute + 5 + minutes) / 60 + longitude / 15 - 12
        hour_angle, phi = np.radians(15 * hours), np.radians(latitude)
        height = np.arcsin(np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour_angle))
        south = np.arctan2(
            np.sin(hour_angle),
            np.cos(hour_angle) * np.sin(phi) - np.tan(declination) * np.cos(phi),
        )
        return float(np.degrees(south) + 180), float(np.degrees(height))


def passes_of(month: str, place: str) -> tuple[Pass, ...]:
    """Return the passes of a month (`yyyy-mm`) at a place, oldest first.

    Raises:
        WorldError: if the month is not a month, or before Sentinel-2.
    """
    first = read_month(month).start.date()
    count = calendar.monthrange(first.year, first.month)[1]
    days = [first + timedelta(days=i) for i in range(count)]
    orbits = [day for day in days if (day - _REFERENCE).days % 5 == 0 and day >= _FIRST_DAY[_platform(day)]]
    patterns = PATTERNS[place]
    roles = patterns[(first.year * 12 + first.month - 1) % len(patterns)]
    return tuple(_pass(orbits[role.orbit], role) for role in roles if role.orbit < len(orbits))


def _platform(day: date) -> str:
    return "S2A" if (day - _REFERENCE).days % 10 == 0 else "S2B"


def _pass(day: date, role: Role) -> Pass:
    since = (day - _REFERENCE).days
    platform = _platform(day)
    # 143 orbits take exactly ten days.
    number = _ABSOLUTE_ORBIT[platform] + 143 * (since // 10)
    start = datetime.combine(day, _START, tzinfo=UTC)
    return Pass(platform=platform, start=start, orbit_number=number, role=role)
