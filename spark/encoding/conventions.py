"""A chip's time and place as Clay v1.5 takes them, under one of three conventions.

`tutorial` is what Clay's notebooks and most users feed, `training` what its training data held (longitude first, always
noon), `blank` the zeros that a fifth of the training chips had. Vectors of different conventions do not compare.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from spark.encoding.errors import ChoiceError, InputError

CONVENTIONS = ("tutorial", "training", "blank")
WEEKS_PER_TURN = 52
HOURS_PER_TURN = 24
TRAINING_HOUR = 12


def encode_metadata(
    convention: str, lonlat: NDArray[np.floating], when: Sequence[datetime] | NDArray[np.datetime64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Encode times and places.

    Args:
        convention: One of `CONVENTIONS`.
        lonlat: `(n, 2)` degrees.
        when: n aware datetimes, or `(n,)` datetime64 in UTC. As in Clay, hours are whole, and week 53 equals week 1.

    Returns:
        time `(n, 4)`: sine and cosine of the week, sine and cosine of the hour; and latlon `(n, 4)`: sine and cosine
        of latitude, then of longitude (`tutorial`), or of longitude, then of latitude (`training`).

    Raises:
        ChoiceError: No such convention.
        InputError: Not n places and n times, or one of them is not on Earth or not in UTC.
    """
    if convention not in CONVENTIONS:
        raise ChoiceError("convention", convention, CONVENTIONS)
    places = _checked_places(lonlat)
    moments = _utc(when)
    if len(moments) != len(places):
        raise InputError(f"{len(places)} places but {len(moments)} times; each chip needs one of both")
    if convention == "blank":
        zeros = np.zeros((len(places), 4), dtype=np.float32)
        return zeros, zeros.copy()
    weeks = np.array([moment.isocalendar().week for moment in moments], dtype=np.float64)
    hours = np.array(
        [moment.hour if convention == "tutorial" else TRAINING_HOUR for moment in moments], dtype=np.float64
    )
    time = np.hstack((_circle(weeks * 2 * np.pi / WEEKS_PER_TURN), _circle(hours * 2 * np.pi / HOURS_PER_TURN)))
    lon, lat = _circle(np.radians(places[:, 0])), _circle(np.radians(places[:, 1]))
    latlon = np.hstack((lat, lon) if convention == "tutorial" else (lon, lat))
    return time.astype(np.float32), latlon.astype(np.float32)


def _circle(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sine and cosine of `(n,)` angles, `(n, 2)`."""
    return np.column_stack((np.sin(angles), np.cos(angles)))


def _checked_places(lonlat: NDArray[np.floating]) -> NDArray[np.float64]:
    places = np.asarray(lonlat, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2:
        raise InputError(f"lonlat has shape {places.shape}; it must be (n, 2), longitude first, in degrees")
    on_earth = (np.abs(places) <= (180.0, 90.0)).all(axis=1)  # false for NaN, too
    if not on_earth.all():
        raise InputError(
            f"lonlat {places[~on_earth][0].tolist()} is not on Earth; it must be (longitude, latitude) in degrees"
        )
    return places


def _utc(when: Sequence[datetime] | NDArray[np.datetime64]) -> list[datetime]:
    if isinstance(when, np.ndarray):
        if when.dtype.kind != "M" or when.ndim != 1 or np.isnat(when).any():
            raise InputError(
                f"when is {when.dtype} of shape {when.shape}; it must be (n,) datetime64 without NaT, in UTC"
            )
        return [moment.replace(tzinfo=UTC) for moment in when.astype("datetime64[s]").tolist()]
    naive = [moment for moment in when if moment.tzinfo is None]
    if naive:
        raise InputError(f"{naive[0].isoformat()} has no time zone; give aware datetimes")
    return [moment.astimezone(UTC) for moment in when]
