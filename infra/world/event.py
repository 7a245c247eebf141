"""An event between two passes, read from text and checked."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from infra.world.errors import WorldError

FIRE, FLOOD, CLEAR_CUT, SETTLEMENT = "fire", "flood", "clear-cut", "settlement"
KINDS = (FIRE, FLOOD, CLEAR_CUT, SETTLEMENT)
AREA_HA = (0.5, 5000.0)
"""Smallest and largest event: 50 pixels, and about the whole of the tiny world."""
FLOOD_DAYS = 14
"""How long water stands where a flood has no end."""

_FORM = "kind,where,when[,size], such as fire,63%/71%,2024-08-29T13:00 or flood,11.74/48.42,2024-08-10/2024-08-24,300ha"
_NUMBER = r"-?\d+(?:\.\d+)?"
_SHARE = re.compile(rf"({_NUMBER})%/({_NUMBER})%")
_DEGREES = re.compile(rf"({_NUMBER})/({_NUMBER})")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(ha|m)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\dZ?)?")


@dataclass(frozen=True, kw_only=True)
class Where:
    """A point: degrees of longitude and latitude, or shares of the world's extent, 0 to 1 eastwards and northwards."""

    east: float
    north: float
    is_share: bool

    def __str__(self) -> str:
        """As in an argument."""
        if self.is_share:
            return f"{100 * self.east:.6g}%/{100 * self.north:.6g}%"
        return f"{self.east:.9g}/{self.north:.9g}"


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that changes the ground between two passes.

    Attributes:
        kind: One of `KINDS`.
        where: Its centre.
        start: Passes after it show it; UTC.
        end: When the water of a flood is gone; None for other kinds.
        area_m2: How large it is; None takes a diameter of 8 % of the world's shorter side plus 120 m.
    """

    kind: str
    where: Where
    start: datetime
    end: datetime | None = None
    area_m2: float | None = None

    def __str__(self) -> str:
        """As an argument; equal events have equal texts."""
        when = "/".join(_text(moment) for moment in (self.start, self.end) if moment)
        size = [] if self.area_m2 is None else [f"{self.area_m2 / 1e4:.9g}ha"]
        return ",".join([self.kind, str(self.where), when, *size])

    @classmethod
    def parse(cls, text: str) -> Event:
        """Read `kind,where,when[,size]`.

        `where` is `lon/lat` in degrees, or `east%/north%` of the world's extent. `when` is a date or a minute in UTC;
        a flood may have a last one, too, after a slash. `size` is an area in ha, or the diameter in m of a circle of
        that area.

        Raises:
            WorldError: A part is missing, unknown or out of range; the message says which, and what is allowed.
        """
        parts = [part.strip() for part in text.split(",")]
        if len(parts) not in {3, 4} or not all(parts):
            raise WorldError(f"event {text!r} is not of the form {_FORM}")
        kind, where, when = parts[:3]
        if kind not in KINDS:
            raise WorldError(f"event {text!r}: no kind of event is called {kind!r}; kinds are {', '.join(KINDS)}")
        first, slash, last = when.partition("/")
        start = _moment(first, text)
        end = _moment(last, text) if slash else None
        if end and kind != FLOOD:
            raise WorldError(f"event {text!r}: only a flood ends; give a {kind} one date")
        if end and end <= start:
            raise WorldError(f"event {text!r}: it ends on {last}, which is not after {first}")
        if kind == FLOOD and end is None:
            end = start + timedelta(days=FLOOD_DAYS)
        return cls(
            kind=kind,
            where=_where(where, text),
            start=start,
            end=end,
            area_m2=_area(parts[3], text) if len(parts) == 4 else None,
        )


def _where(where: str, event: str) -> Where:
    share, degrees = _SHARE.fullmatch(where), _DEGREES.fullmatch(where)
    if share:
        east, north = float(share[1]) / 100, float(share[2]) / 100
        if 0 <= east <= 1 and 0 <= north <= 1:
            return Where(east=east, north=north, is_share=True)
        raise WorldError(f"event {event!r}: {where} lies outside of 0%/0% (south-west) to 100%/100% (north-east)")
    if degrees:
        lon, lat = float(degrees[1]), float(degrees[2])
        if -180 <= lon <= 180 and -90 <= lat <= 90:
            return Where(east=lon, north=lat, is_share=False)
    raise WorldError(f"event {event!r}: {where!r} is no place; give lon/lat in degrees, or east%/north% of the world")


def _moment(text: str, event: str) -> datetime:
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise WorldError(f"event {event!r}: {text!r} is no date; give yyyy-mm-dd or yyyy-mm-ddThh:mm, in UTC")


def _area(size: str, event: str) -> float:
    low, high = AREA_HA
    found = _SIZE.fullmatch(size)
    if found is None:
        raise WorldError(f"event {event!r}: {size!r} is no size; give hectares (120ha), or a diameter in metres (900m)")
    number = float(found[1])
    hectares = number if found[2] == "ha" else math.pi * (number / 2) ** 2 / 1e4
    if not low <= hectares <= high:
        given = size if found[2] == "ha" else f"{size} across, {hectares:.3g} ha,"
        raise WorldError(f"event {event!r}: {given} is not within {low:g} to {high:g} ha")
    return hectares * 1e4


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}" if moment.hour or moment.minute else f"{moment:%Y-%m-%d}"
