"""Values of STAC properties in the forms that catalogues and writers of JSON give them: read where plain."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Final

_CRS: Final = re.compile(
    r"(?:EPSG:|URN:(?:X-)?OGC:DEF:CRS:EPSG:[0-9.]*:|HTTPS?://(?:WWW\.)?OPENGIS\.NET/DEF/CRS/EPSG/[0-9.]+/)?([0-9]{1,6})"
)
_BASELINE: Final = re.compile(r"N?([0-9]{1,2})\.([0-9]{2})|N?([0-9]{2})([0-9]{2})|([0-9]{1,2}(?:\.[0-9])?)")
_LEAP_SECOND: Final = re.compile(r"(?<=[0-9]{2}:[0-9]{2}):60|(?<=T[0-9]{4})60")
_LARGEST_PERCENTAGE: Final = 100.0
_ROUNDING: Final = 0.01
_LONGEST: Final = 60


def moment(value: object) -> datetime:
    """A time as STAC writes it (RFC 3339), in UTC; without a zone it is UTC.

    A leap second counts as the second before it, so that it stays in its month.

    Raises:
        ValueError: for any other form.
    """
    try:
        found = datetime.fromisoformat(_LEAP_SECOND.sub(lambda second: second[0][:-2] + "59", str(value).strip()))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{shown(value)} is not a time: expected e.g. 2024-07-10T10:06:29Z") from error


def percentage(key: str, value: object) -> float | None:
    """A number of 0..100, also as text; None for null, NaN and an empty text: not known.

    Raises:
        ValueError: for anything else, naming `key`.
    """
    if value is None or value == "":
        return None
    found = number(key, value.strip().removesuffix("%") if isinstance(value, str) else value)
    if math.isnan(found):
        return None
    if not -_ROUNDING <= found <= _LARGEST_PERCENTAGE + _ROUNDING:
        raise ValueError(f"{key} {shown(value)} is not a percentage, 0 to 100")
    return min(max(found, 0.0), _LARGEST_PERCENTAGE)


def epsg(key: str, value: object) -> int:
    """The code of ``EPSG:32633``, ``32633``, 32633, a URN or an OGC address.

    Raises:
        ValueError: for anything else, naming `key`.
    """
    plain = int(value) if isinstance(value, float) and value.is_integer() else value
    code = _CRS.fullmatch(str(plain).strip().upper())
    if code is None or isinstance(value, bool):
        raise ValueError(f"{key} {shown(value)} is not an EPSG code: e.g. EPSG:32633")
    return int(code[1])


def baseline(key: str, value: object) -> str:
    """A processing baseline as ``05.10``. A number is what JSON leaves of it: 5.1 is ``05.10``.

    Raises:
        ValueError: for what has not a baseline's form, naming `key`.
    """
    text = str(value).strip().upper()
    if isinstance(value, int | float):
        found = number(key, value)
        text = f"{found:.2f}" if math.isclose(found, round(found, 2), abs_tol=1e-9) else text
    form = _BASELINE.fullmatch(text)
    if form is None:
        raise ValueError(f"{key} {shown(value)} is not a processing baseline: e.g. 05.10")
    if form[5]:
        return f"{float(form[5]):05.2f}"
    major, minor = (form[1], form[2]) if form[1] else (form[3], form[4])
    return f"{int(major):02d}.{minor}"


def whole_number(key: str, value: object) -> int:
    """A whole number, also as text.

    Raises:
        ValueError: for anything else, naming `key`.
    """
    found = number(key, value)
    if not found.is_integer():
        raise ValueError(f"{key} {shown(value)} is not a whole number")
    return int(found)


def number(key: str, value: object) -> float:
    """A number, also as text.

    Raises:
        ValueError: for anything else, naming `key`.
    """
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"{key} {shown(value)} is not a number")


def shown(value: object) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
