"""Months made by the real DAG, operators and jobs on the local stack."""

from __future__ import annotations

import io
import subprocess
import urllib.request
from collections import Counter

import pytest

from infra.local.options import REPOSITORY
from infra.local.standalone import AirflowError
from tests.system.conftest import MONTHS
from tests.system.runs import Runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

DAG = "claylake__tiny"
TASKS = (
    "plan", "gate", "create_cluster", "wait_ready", "extract", "gpus_up", "embed", "gpus_down", "publish", "maintain",
    "terminate", "receipt", "verdict",
)  # fmt: skip


@pytest.fixture(scope="module")
def runs(airflow):
    return Runs(airflow, DAG)


@pytest.fixture(scope="module")
def first(runs, lake):
    """The first month, made once."""
    run_id, state = runs.run(month=MONTHS[0])
    assert state == "success", (runs.tasks(run_id), runs.log(run_id, "plan"))
    return run_id


def test_a_month_is_published_whole(runs, lake, first):
    assert runs.tasks(first) == dict.fromkeys(TASKS, "success")
    assert lake.alive() == []
    assert lake.branches() == set()
    receipt = lake.document(DAG, MONTHS[0], "receipt.json")
    extract = lake.document(DAG, MONTHS[0], "extract.json")
    chips = lake.rows("chips", ("id", "cell_id", "pass", "content_digest", "datetime"))
    vectors = lake.rows("embeddings", ("id", "content_digest", "global_embedding"))
    looks = lake.rows("observations", ("cell_id", "pass", "outcome"))
    assert len(chips) == extract["chips"] == receipt["chips"] > 0
    assert {(chip["id"], chip["content_digest"]) for chip in chips} == {(v["id"], v["content_digest"]) for v in vectors}
    assert len(vectors) == len(chips)
    assert {len(vector["global_embedding"]) for vector in vectors} == {1024}
    assert len(looks) == extract["candidates"] == len({(look["cell_id"], look["pass"]) for look in looks})
    outcomes = Counter(look["outcome"].partition(":")[0] for look in looks)
    assert outcomes["chip"] == len(chips)
    assert {chip["datetime"].strftime("%Y-%m") for chip in chips} == {MONTHS[0]}


def test_chips_are_what_the_files_say(home, lake, first):
    """`make verify LAKE=<stand-in>`: by code that shares nothing with the jobs."""
    command = [home.python("infra"), "-m", "infra.local.verify", "--lake", home.state, "--sample", "all"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    chips = len(lake.rows("chips", ("id",)))
    verdict = f"{chips} chips checked, 0 differing pixels, 0 unreadable, 0 other differences"
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, verdict), done.stdout + done.stderr


def test_the_report_holds_pictures(lake, first):
    listing = lake.s3.list_objects_v2(Bucket="claylake-local", Prefix=f"runs/{DAG}/{MONTHS[0]}/")["Contents"]
    reports = [entry for entry in listing if "/report/" in entry["Key"]]
    assert any(entry["Key"].endswith("index.html") for entry in reports)
    pictures = [entry for entry in reports if entry["Key"].endswith(".png")]
    assert len(pictures) >= 2
    for entry in pictures:
        body = io.BytesIO(lake.s3.get_object(Bucket="claylake-local", Key=entry["Key"])["Body"].read())
        assert body.read(8) == b"\x89PNG\r\n\x1a\n"


def test_the_buttons_and_the_note_lead_to_the_report(runs, first):
    tasks = f"dags/{DAG}/dagRuns/{first}/taskInstances"
    links = {
        runs.airflow.call("GET", f"{tasks}/{task}/links")["extra_links"]["Report"] for task in ("publish", "receipt")
    }
    (address,) = links
    assert f"[Report]({address})" in runs.note(first)
    with urllib.request.urlopen(address, timeout=60) as answer:
        assert answer.headers.get_content_type() == "text/html"
        assert MONTHS[0] in answer.read().decode()


def test_the_same_month_again_makes_no_cluster(runs, lake, first):
    snapshots, clusters = lake.snapshots(), lake.clusters()
    run_id, state = runs.run(month=MONTHS[0])
    assert state == "success"
    assert runs.tasks(run_id)["create_cluster"] == "skipped"
    assert runs.tasks(run_id)["receipt"] == "success"
    assert lake.clusters() == clusters
    assert lake.snapshots() == snapshots


@pytest.mark.matrix
def test_deleted_vectors_are_made_again_and_nothing_else(runs, lake, first):
    before, snapshots = lake.content(), lake.snapshots()
    lake.table("embeddings").delete("clear_frac >= 0")
    assert lake.rows("embeddings", ("id",)) == []
    run_id, state = runs.run(month=MONTHS[0])
    assert state == "success", runs.tasks(run_id)
    assert lake.content() == before
    after = lake.snapshots()
    assert after["chips"] == snapshots["chips"]
    assert after["observations"] == snapshots["observations"]
    assert lake.document(DAG, MONTHS[0], "extract.json")["chips"] == 0
    assert lake.document(DAG, MONTHS[0], "embed.json")["vectors"] == len(before["embeddings"])


@pytest.mark.matrix
def test_clearing_a_finished_task_brings_its_cluster_along(runs, lake, first):
    before, clusters = lake.content(), lake.clusters()
    runs.clear(first, "embed")
    assert runs.wait(first) == "success"
    assert lake.content() == before
    assert lake.clusters() == clusters + 1
    assert lake.alive() == []


def test_a_failed_step_leaves_main_alone_and_the_next_run_completes(runs, lake, stack, first):
    """The second run has nodes that join for embedding only: the CPU stands in for their GPUs."""
    before, snapshots = lake.content(), lake.snapshots()
    stack.fault(fail_step="embed", times=2)
    run_id, state = runs.run(month=MONTHS[1])
    stack.clear_faults()
    states = runs.tasks(run_id)
    assert state == "failed"
    assert states["embed"] == "failed"
    assert states["terminate"] == "success"
    assert states["receipt"] == "success"
    assert lake.alive() == []
    assert lake.snapshots() == snapshots
    assert lake.branches() != set(), "what extract has done is kept for the next run"
    run_id, state = runs.run(month=MONTHS[1], layout="split")
    assert state == "success"
    only_embedding_had_gpu_nodes(lake)
    extract = lake.document(DAG, MONTHS[1], "extract.json")
    assert extract["chips"] == 0
    assert extract["present"] > 0, "the chips of the failed run were adopted"
    after = lake.content()
    assert set(before["chips"]) < set(after["chips"])
    assert len(after["chips"]) == len(after["embeddings"])
    assert lake.branches() == set()


def only_embedding_had_gpu_nodes(lake):
    """They came after extraction, and left before the cluster did."""
    receipt = lake.document(DAG, MONTHS[1], "receipt.json")
    assert receipt["layout"] == "split"
    assert 0 < receipt["instance_hours"]["g6.2xlarge"] < receipt["instance_hours"]["m7i.2xlarge"]
    cluster, steps, instances = lake.newest_cluster()
    extracted = max(times["EndDateTime"] for name, times in steps if " extract " in name)
    lives = [times for kind, times in instances if kind == "g6.2xlarge"]
    assert lives
    assert all(extracted <= life["CreationDateTime"] < life["EndDateTime"] < cluster["EndDateTime"] for life in lives)


@pytest.mark.parametrize(
    ("conf", "words"),
    [
        ({"mnth": "2024-08"}, "mnth"),
        ({"month": MONTHS[0], "budget_usd": 0.000001, "min_clear_frac": 0.1}, "budget"),
        ({}, "month"),
    ],
    ids=["unknown", "over-budget", "no-month"],
)
def test_what_cannot_run_fails_before_any_spend(runs, lake, first, conf, words):
    clusters = lake.clusters()
    run_id = runs.trigger(**conf)
    assert runs.wait(run_id) == "failed"
    states = runs.tasks(run_id)
    failed = next(task for task in ("plan", "gate") if states[task] == "failed")
    assert words in runs.log(run_id, failed)
    assert f"**{failed}: " in runs.note(run_id)
    assert words in runs.note(run_id)
    assert lake.clusters() == clusters


def test_the_form_refuses_what_is_not_a_month(runs):
    with pytest.raises(AirflowError, match="August"):
        runs.trigger(month="August")


def test_a_dry_run_stops_before_the_cluster(runs, lake, first):
    clusters, snapshots = lake.clusters(), lake.snapshots()
    run_id, state = runs.run(month=MONTHS[0], dry_run=True, min_clear_frac=0.05)
    assert state == "success"
    assert runs.tasks(run_id)["create_cluster"] == "skipped"
    assert lake.clusters() == clusters
    assert lake.snapshots() == snapshots
    assert lake.document(DAG, MONTHS[0], "receipt.json")["chips"] == 0
