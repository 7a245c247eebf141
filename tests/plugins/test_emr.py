"""Reading EMR's answers, and whose turn it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from claylake.cluster import identity
from claylake_airflow import emr, reaper

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def cluster(number, run="run1", aoi="lisbon", state="RUNNING", **more):
    tags = {emr.TAG_PIPELINE: "claylake", emr.TAG_DAG: f"claylake__{aoi}", emr.TAG_RUN: run, emr.TAG_AOI: aoi}
    created = NOON + timedelta(minutes=number)
    return emr.Cluster(id=f"j-{number}", name="claylake x", state=state, created=created, tags=tags, **more)


def blocker(*clusters, run=("claylake__lisbon", "run1"), aoi="lisbon", most=2):
    return emr.blocker(clusters, run=run, aoi=aoi, most=most)


def test_tag_names_are_those_of_the_domain():
    assert (emr.TAG_PIPELINE, emr.TAG_DAG) == (identity.TAG_PIPELINE, identity.TAG_DAG_ID)
    assert (emr.TAG_RUN, emr.TAG_AOI) == (identity.TAG_RUN_ID, identity.TAG_AOI)
    assert reaper.TAG_MAX_UNTIL == identity.TAG_MAX_UNTIL


def test_nothing_alive_blocks_nothing():
    assert blocker() == ""


def test_the_runs_own_cluster_does_not_block_it():
    assert blocker(cluster(1), most=1) == ""


def test_another_run_of_the_aoi_blocks():
    assert blocker(cluster(1, run="run0"), most=9).startswith("AOI lisbon is in use by the run of j-1")


def test_a_full_house_blocks():
    others = [cluster(1, aoi="porto"), cluster(2, aoi="faro")]
    assert blocker(others[0], most=2) == ""
    assert blocker(*others, most=2).startswith("2 of at most 2 clusters are alive: j-1 ")


def test_order_is_by_age_and_leaves_out_what_is_not_ours_or_ends():
    foreign = emr.Cluster(id="j-0", name="claylake x", state="RUNNING", created=NOON)
    found = emr.order([cluster(3), cluster(1), foreign, cluster(2, state="TERMINATING")])
    assert [one.id for one in found] == ["j-1", "j-3"]


def test_a_cluster_is_read_with_its_reason():
    answer = {
        "Id": "j-1",
        "Name": "n",
        "LogUri": "s3n://b/logs/",
        "Status": {
            "State": "TERMINATED_WITH_ERRORS",
            "StateChangeReason": {"Code": "BOOTSTRAP_FAILURE", "Message": "on the primary"},
            "Timeline": {"CreationDateTime": NOON},
        },
        "Tags": [{"Key": emr.TAG_RUN, "Value": "run1"}, {"Key": "flag"}],
    }
    read = emr.Cluster.read(answer)
    assert read.reason == "BOOTSTRAP_FAILURE: on the primary"
    assert read.tags == {emr.TAG_RUN: "run1", "flag": ""}
    assert emr.Cluster.read({**answer, "LogUri": None, "Tags": []}).log_uri == ""


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"FailureDetails": {"Reason": "Unknown Error.", "Message": "boom"}}, "Unknown Error.: boom"),
        ({"StateChangeReason": {"Code": "NONE", "Message": "shut down"}}, "NONE: shut down"),
        ({}, ""),
    ],
)
def test_a_step_is_read_with_its_failure(status, told):
    assert emr.Step.read({"Id": "s-1", "Name": "n", "Status": {"State": "FAILED", **status}}).failure == told


def condemned(*clusters, is_active=lambda *_: True, now=NOON + timedelta(hours=1)):
    found = reaper.leaked_clusters(clusters, log_uri="s3://b/logs", is_active=is_active, now=now, max_hours=12)
    return {one.cluster.id: one.why for one in found}


def test_an_active_run_keeps_its_cluster():
    assert condemned(cluster(1, log_uri="s3n://b/logs/")) == {}


def test_a_cluster_whose_run_is_over_goes():
    runs = {("claylake__lisbon", "run1")}
    found = condemned(
        cluster(1, log_uri="s3n://b/logs/"),
        cluster(2, run="run2", log_uri="s3n://b/logs/"),
        is_active=lambda *run: run in runs,
    )
    assert found == {"j-2": "its run is not active"}


def test_another_deployments_clusters_are_left_alone():
    assert condemned(cluster(1, log_uri="s3n://other/logs/"), cluster(2), is_active=lambda *_: False) == {}


def test_age_condemns_even_an_active_runs_cluster():
    old = cluster(0, log_uri="s3://b/logs/")
    assert condemned(old, now=NOON + timedelta(hours=12)) == {}
    assert "was to end by" in condemned(old, now=NOON + timedelta(hours=12, seconds=1))["j-0"]


@pytest.mark.parametrize(
    ("until", "goes"), [("2026-01-03T00:00:00+00:00", False), ("2026-01-01T12:30:00", True), ("soon", True)]
)
def test_a_clusters_own_limit_goes_before_the_settings(until, goes):
    one = cluster(0, log_uri="s3://b/logs/")
    one = emr.Cluster(**{**vars(one), "tags": {**one.tags, reaper.TAG_MAX_UNTIL: until}})
    assert bool(condemned(one, now=NOON + timedelta(hours=20))) is goes


def test_a_run_is_active_when_the_api_counts_it():
    class Api:
        def get_dr_count(self, dag_id, run_ids, states):
            return int((dag_id, run_ids, states) == ("d", ["r"], ["queued", "running"]))

    assert reaper.is_active(Api(), "d", "r")
    assert not reaper.is_active(Api(), "d", "gone")
    assert not reaper.is_active(Api(), "", "")


def test_an_api_that_fails_condemns_nobody():
    class Api:
        def get_dr_count(self, **_):
            raise ConnectionError

    with pytest.raises(ConnectionError):
        condemned(cluster(1, log_uri="s3://b/logs"), is_active=lambda *run: reaper.is_active(Api(), *run))
