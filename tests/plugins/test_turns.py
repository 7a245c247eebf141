"""The order of the queue, against a plain queue; and what a place's name holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claylake_airflow import emr, turns
from claylake_airflow.turns import Place, obstacle

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TEXT = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=20)


def place(number, *, aoi=None, most=2, priority=0, minutes=None):
    since = NOON + timedelta(minutes=number if minutes is None else minutes)
    aoi = aoi or f"aoi{number}"
    names = {"aoi": aoi, "months": "2024-07", "dag_id": f"claylake__{aoi}", "run_id": f"run{number}"}
    return Place(since=since, priority=priority, most=most, **names)


def cluster(of, number=1):
    tags = {emr.TAG_PIPELINE: "claylake", emr.TAG_DAG: of.dag_id, emr.TAG_RUN: of.run_id, emr.TAG_AOI: of.aoi}
    return emr.Cluster(id=f"j-{number}", name="claylake x", state="RUNNING", created=of.since, tags=tags)


def listed(*places, age=timedelta(0), now=NOON):
    return [{"Key": f"queue/{one.name}", "LastModified": now - age} for one in places]


@settings(max_examples=40)
@given(
    since=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    priority=st.integers(-720, 720),
    most=st.integers(1, 50),
    words=st.lists(TEXT, min_size=4, max_size=4),
)
def test_a_name_holds_the_whole_place(since, priority, most, words):
    names = dict(zip(("aoi", "months", "dag_id", "run_id"), words, strict=True))
    one = Place(since=since.replace(tzinfo=UTC), priority=priority, most=most, **names)
    assert Place.read(one.name) == one
    assert "/" not in one.name


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(-720, 720)), unique=True))
def test_names_sort_as_runs_are_served(given):
    places = [place(number, minutes=minutes, priority=hours) for number, (minutes, hours) in enumerate(given)]
    ranks = [one.rank[0] for one in places]
    if len(set(ranks)) == len(ranks):
        assert sorted(places, key=lambda one: one.name) == sorted(places, key=lambda one: one.rank)


def test_a_dead_run_and_what_is_no_place_do_not_count():
    alive, dead = place(1), place(0)
    entries = [*listed(alive), *listed(dead, age=turns.STALE + timedelta(seconds=1))]
    strange = [{"Key": f"queue/{name}", "LastModified": NOON} for name in ("", "a,b", "x,0,2,a,b,c,d")]
    assert turns.read_places([*entries, *strange], NOON) == [alive]


def test_a_place_is_written_again_well_before_it_counts_as_dead():
    # EMR's throttling makes a pause of 30 s up to ten times longer.
    assert timedelta(seconds=turns.REFRESH_S + 30 * 10) < turns.STALE


def test_who_is_before_is_named_first_come_first():
    ahead = [place(3), place(1, priority=2), place(2)]
    why = obstacle(place(9, most=1), ahead, [cluster(place(0))])
    assert why.startswith("1 of at most 1 clusters are alive: j-1 ")
    assert "; 3 runs are before this one: aoi1 2024-07 (since 2026-01-01 12:01, +2 h), aoi2 2024-07 (since" in why
    assert obstacle(place(0), ahead[1:2], []) == ""
    assert obstacle(place(1, most=1), [place(1, most=1)], [cluster(place(0))]).endswith("; no run is before this one")


def test_long_queues_are_counted_not_listed():
    why = obstacle(place(100), [place(number) for number in range(1, 31)], [cluster(place(0)), cluster(place(1))])
    assert "29 runs are before this one: aoi2 " in why
    assert why.endswith(" and 24 more")


def test_a_newcomer_does_not_pass_a_run_that_waits():
    assert obstacle(place(2, most=1), [place(1, most=1)], []).startswith("1 run is before this one: aoi1")


def test_a_run_whose_area_is_in_use_is_passed_and_then_first():
    busy, second, third = cluster(place(0, aoi="lisbon")), place(1, aoi="lisbon"), place(2)
    assert "AOI lisbon is in use" in obstacle(second, [second, third], [busy])
    assert obstacle(third, [second, third], [busy]) == ""
    assert obstacle(second, [second, third], [cluster(third)]) == ""


def test_a_run_that_finds_no_room_is_not_passed_by_one_with_a_higher_limit():
    modest, greedy = place(1, most=1), place(2, most=5)
    assert obstacle(greedy, [modest, greedy], [cluster(place(0))]) != ""


class Run:
    """A run of the simulation."""

    def __init__(self, number, aoi, priority, arrives, lasts, dies):
        self.arrives, self.lasts, self.dies = arrives, lasts, dies
        self.place = place(number, aoi=aoi, priority=priority, minutes=arrives, most=MOST)


MOST = 2
STEP = 5
"""Minutes."""
RUNS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d"]), st.integers(-1, 1), st.integers(0, 20), st.integers(1, 4), st.integers(0, 9)
    ),
    max_size=14,
)  # fmt: skip


def oracle(waiting, alive):
    """The runs that a plain queue serves now: first come first, each AOI once."""
    served, areas = [], {run.place.aoi for run in alive}
    for run in sorted(waiting, key=lambda run: (run.place.since - timedelta(hours=run.place.priority), run.place.run)):
        if run.place.aoi not in areas and len(alive) + len(served) < MOST:
            served.append(run)
            areas.add(run.place.aoi)
    return served


@given(RUNS)
def test_arrivals_ends_and_deaths_are_served_like_a_plain_queue(drawn):
    """Every run decides by itself, at the same moment, from the same listing; a tenth of them die while they wait."""
    runs = [Run(number, aoi, hours, arrives * STEP, lasts, dies == 0) for number, (aoi, hours, arrives, lasts, dies) in enumerate(drawn)]  # fmt: skip
    alive, written, over = {}, {}, set()
    for minute in range(0, STEP * (25 + 8 * len(runs)), STEP):
        now = NOON + timedelta(minutes=minute)
        alive = {run: left - 1 for run, left in alive.items() if left > 1}
        for run in runs:
            if run.arrives <= minute and run not in over and not (run.dies and run in written):
                written[run] = now  # what has died is not written again
        entries = [entry for run, when in written.items() for entry in listed(run.place, now=when)]
        seen = turns.read_places(entries, now)
        clusters = [cluster(run.place, number) for number, run in enumerate(alive)]
        waiting = [run for run in written if not run.dies]
        go = [run for run in waiting if not obstacle(run.place, seen, clusters)]
        # Until its place counts no more, a dead run may hold a room: nobody else takes that.
        counted = [run for run in written if run.place in seen]
        assert {run.place.run for run in go} == {run.place.run for run in oracle(counted, alive) if not run.dies}
        for run in go:
            alive[run] = run.lasts
            over.add(run)
            del written[run]
        assert len(alive) <= MOST
        assert len({run.place.aoi for run in alive}) == len(alive)
    assert over == {run for run in runs if not run.dies}


def test_no_head_start_makes_a_run_wait_for_ever():
    """Runs with a head start of three hours come all the time; the one without is passed for three hours, no longer."""
    patient = place(0)
    for minute in range(0, 600, 10):
        rival = place(minute + 1, priority=3)
        first = min([patient, rival], key=lambda one: one.rank)
        assert (first is patient) == (rival.since - patient.since > timedelta(hours=3))


@pytest.mark.parametrize("queue", ["s3://lake/queue", "s3://lake/queue/"])
def test_a_place_is_an_object_of_the_folder(queue):
    assert turns.folder(queue) == {"Bucket": "lake", "Prefix": "queue/"}
    assert turns.place_object(queue, "x") == {"Bucket": "lake", "Key": "queue/x"}
