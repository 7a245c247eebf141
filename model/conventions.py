"""How a chip's time and place become numbers, written for building references.

The embed job has its own implementation (`spark.encoding.conventions`). Reference vectors are made with this one, so
the self-check compares the two.
"""

from collections.abc import Sequence
from datetime import datetime
from math import cos, pi, radians, sin

import torch
from torch import Tensor

from model.errors import UnknownNameError

CONVENTIONS = ("tutorial", "training", "blank")
DEFAULT_CONVENTION = "tutorial"

WEEKS_PER_TURN = 52
HOURS_PER_TURN = 24
TRAINING_HOUR = 12


def time_and_place(
    convention: str, lonlat: Sequence[tuple[float, float]], when: Sequence[datetime]
) -> tuple[Tensor, Tensor]:
    """Encode times and places by a named convention of Clay v1.5.

    `tutorial` is what its notebooks do, `training` what its training data held, `blank` what a fifth of that held.

    Args:
        convention: One of `CONVENTIONS`.
        lonlat: n places, degrees.
        when: n times, UTC.

    Returns:
        time `[n, 4]` and latlon `[n, 4]`, float32.

    Raises:
        UnknownNameError: No such convention.
    """
    if convention not in CONVENTIONS:
        raise UnknownNameError("convention", convention, CONVENTIONS)
    if convention == "blank":
        return torch.zeros(len(when), 4), torch.zeros(len(lonlat), 4)
    times = [_time(moment, moment.hour if convention == "tutorial" else TRAINING_HOUR) for moment in when]
    places = [_lat_lon(*place) if convention == "tutorial" else _lon_lat(*place) for place in lonlat]
    return torch.tensor(times), torch.tensor(places)


def _time(moment: datetime, hour: int) -> tuple[float, ...]:
    week_angle = moment.isocalendar().week * 2 * pi / WEEKS_PER_TURN
    hour_angle = hour * 2 * pi / HOURS_PER_TURN
    return sin(week_angle), cos(week_angle), sin(hour_angle), cos(hour_angle)


def _lat_lon(lon: float, lat: float) -> tuple[float, ...]:
    return sin(radians(lat)), cos(radians(lat)), sin(radians(lon)), cos(radians(lon))


def _lon_lat(lon: float, lat: float) -> tuple[float, ...]:
    return sin(radians(lon)), cos(radians(lon)), sin(radians(lat)), cos(radians(lat))
