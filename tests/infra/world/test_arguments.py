"""What a world is made of is read from text, and said back."""

import math
from datetime import UTC, datetime

import pytest

from infra.world.arguments import (
    DEFAULT_EVENTS,
    WorldArguments,
    read_events,
    read_months,
)
from infra.world.errors import WorldError
from infra.world.events.event import FLOOD_DAYS, Event
from infra.world.imaging.passes import passes_of


def test_the_default_is_one_fire_in_a_folder_and_with_a_stamp_that_never_change():
    assert read_events(None) == DEFAULT_EVENTS == read_events(["fire,63%/71%,2024-08-29T13:00Z"])
    assert WorldArguments().folder == "demo"
    assert WorldArguments().stamp == "2-demo-7"
    assert WorldArguments(size="tiny").folder == "tiny"


def test_other_arguments_have_a_folder_and_a_stamp_of_their_own():
    fire = Event.parse("fire,63%/71%,2024-08-29")
    worlds = [
        WorldArguments(),
        WorldArguments(events=()),
        WorldArguments(events=(fire,)),
        WorldArguments(events=(fire,), seed=8),
        WorldArguments(events=(fire,), size="tiny"),
        WorldArguments(events=(fire, *DEFAULT_EVENTS)),
    ]
    assert len({world.folder for world in worlds}) == len({world.stamp for world in worlds}) == len(worlds)


@pytest.mark.parametrize(
    "text",
    [
        "fire,63%/71%,2024-08-29T13:00Z",
        "flood,11.74/48.42,2024-08-10/2024-08-24,300ha",
        "clear-cut,12.5%/0%,2015-01-01,0.5ha",
        "settlement,-70.25/-33.5,2031-12-31",
    ],
)
def test_an_event_says_itself(text):
    assert str(Event.parse(text)) == text
    assert Event.parse(str(Event.parse(text))) == Event.parse(text)


def test_a_size_in_metres_is_a_circle_across():
    event = Event.parse("fire,50%/50%,2024-08-01,1000m")
    assert event.area_m2 == pytest.approx(math.pi * 500**2)


def test_a_flood_without_an_end_has_one():
    event = Event.parse("flood,50%/50%,2024-08-01")
    assert (event.end - event.start).days == FLOOD_DAYS
    assert event.start == datetime(2024, 8, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "given", "allowed"),
    [
        ("fire", "'fire'", "kind,where,when"),
        ("quake,50%/50%,2024-08-01", "'quake'", "fire, flood, clear-cut, settlement"),
        ("fire,50%/101%,2024-08-01", "50%/101%", "100%/100%"),
        ("fire,181/48,2024-08-01", "181/48", "lon/lat"),
        ("fire,town,2024-08-01", "'town'", "lon/lat"),
        ("fire,50%/50%,2024-02-30", "'2024-02-30'", "yyyy-mm-dd"),
        ("fire,50%/50%,August", "'August'", "yyyy-mm-dd"),
        ("fire,50%/50%,2024-08-01/2024-08-02", "2024-08-02", "only a flood"),
        ("flood,50%/50%,2024-08-02/2024-08-01", "2024-08-01", "after 2024-08-02"),
        ("fire,50%/50%,2024-08-01,3km", "'3km'", "hectares"),
        ("fire,50%/50%,2024-08-01,0.1ha", "0.1ha", "0.5 to 5000 ha"),
        ("fire,50%/50%,2024-08-01,9000m", "9000m", "0.5 to 5000 ha"),
    ],
)
def test_a_bad_event_names_what_was_given_and_what_is_allowed(text, given, allowed):
    with pytest.raises(WorldError) as error:
        Event.parse(text)
    assert given in str(error.value)
    assert allowed in str(error.value)


def test_none_is_no_event_and_stands_alone():
    assert read_events(["none"]) == ()
    with pytest.raises(WorldError, match="stands alone"):
        read_events(["none", "fire,50%/50%,2024-08-01"])


def test_months_are_ranges_and_lists_in_order():
    assert read_months("2024-12/2025-02,2019-05") == ("2019-05", "2024-12", "2025-01", "2025-02")


@pytest.mark.parametrize(
    ("text", "allowed"), [("2015-06", "2015-07"), ("2024-9", "yyyy-mm"), ("2024-09/2024-08", "earlier month first")]
)
def test_months_that_are_none_are_refused(text, allowed):
    with pytest.raises(WorldError, match=allowed):
        read_months(text)


@pytest.mark.parametrize("size", ["demo", "tiny"])
def test_every_month_has_passes_of_satellites_that_fly(size):
    for month in (
        read_months("2015-07/2024-12,2025-01/2032-12") if size == "demo" else ("2015-07", "2017-03", "2032-02")
    ):
        passes = passes_of(month, size)
        assert passes, month
        assert all(f"{taken.start:%Y-%m}" == month and taken.orbit_number > 0 for taken in passes)
        assert month >= "2017-03" or {taken.platform for taken in passes} == {"S2A"}
