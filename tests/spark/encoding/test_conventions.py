from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from spark.encoding.conventions import CONVENTIONS, encode_metadata
from spark.encoding.errors import ChoiceError, InputError

ALGARVE = np.array([[-8.57207, 37.30939]])
AUGUST = [datetime(2018, 8, 28, 11, 30, 56, tzinfo=UTC)]

# Worked out with 30 digits: week 35 is an angle of 35/52 of a turn, hour 11 one of 165 degrees, noon of 180.
WEEK_35 = [-0.885456, -0.464723]
HOUR_11 = [0.258819, -0.965926]
LAT = [0.606119, 0.795374]
LON = [-0.149053, 0.988829]


@pytest.mark.parametrize(
    ("convention", "time", "latlon"),
    [
        ("tutorial", WEEK_35 + HOUR_11, LAT + LON),
        ("training", [*WEEK_35, 0.0, -1.0], LON + LAT),
        ("blank", [0.0] * 4, [0.0] * 4),
    ],
)
def test_conventions_by_hand(convention: str, time: list[float], latlon: list[float]):
    got_time, got_latlon = encode_metadata(convention, ALGARVE, AUGUST)
    assert got_time.dtype == got_latlon.dtype == np.float32
    np.testing.assert_allclose(got_time, [time], atol=2e-6)
    np.testing.assert_allclose(got_latlon, [latlon], atol=2e-6)


@pytest.mark.parametrize(
    ("day", "week"),
    [
        ("2020-12-31", 53),
        ("2021-01-03", 53),
        ("2021-01-04", 1),
        ("2023-01-01", 52),
        ("2018-12-31", 1),
        ("2024-02-29", 9),
        ("2015-07-04", 27),
    ],
)
def test_weeks_are_iso_weeks_of_a_52_week_turn(day: str, week: int):
    time, _ = encode_metadata("tutorial", ALGARVE, np.array([f"{day}T00:59:59.9"], dtype="datetime64[ms]"))
    angle = week * 2 * np.pi / 52
    np.testing.assert_allclose(time, [[np.sin(angle), np.cos(angle), 0, 1]], atol=1e-6)


def test_hour_is_whole_and_utc():
    lisbon_summer = datetime(2018, 8, 28, 12, 59, 59, tzinfo=timezone(timedelta(hours=1)))
    np.testing.assert_allclose(encode_metadata("tutorial", ALGARVE, [lisbon_summer])[0][0, 2:], HOUR_11, atol=2e-6)


def test_datetimes_and_datetime64_agree():
    as_numpy = np.array(["2018-08-28T11:30:56.771"], dtype="datetime64[ns]")
    np.testing.assert_array_equal(
        encode_metadata("tutorial", ALGARVE, as_numpy)[0], encode_metadata("tutorial", ALGARVE, AUGUST)[0]
    )


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(
    ("lonlat", "when", "says"),
    [
        (np.zeros((1, 3)), AUGUST, r"\(n, 2\)"),
        (np.array([[37.3, 98.6]]), AUGUST, "not on Earth"),
        (np.array([[np.nan, 0.0]]), AUGUST, "not on Earth"),
        (ALGARVE, AUGUST * 2, "1 places but 2 times"),
        (ALGARVE, [datetime(2018, 8, 28, 11)], "time zone"),
        (ALGARVE, np.array(["NaT"], dtype="datetime64[s]"), "NaT"),
        (ALGARVE, np.array([20180828]), "datetime64"),
    ],
)
def test_bad_places_and_times_are_refused(convention: str, lonlat: np.ndarray, when: object, says: str):
    with pytest.raises(InputError, match=says):
        encode_metadata(convention, lonlat, when)


def test_unknown_convention_names_those_that_exist():
    with pytest.raises(ChoiceError, match=r"'noon'.*tutorial, training, blank") as caught:
        encode_metadata("noon", ALGARVE, AUGUST)
    assert caught.value.allowed == CONVENTIONS


def test_no_chips_no_metadata():
    time, latlon = encode_metadata("tutorial", np.empty((0, 2)), [])
    assert time.shape == latlon.shape == (0, 4)
