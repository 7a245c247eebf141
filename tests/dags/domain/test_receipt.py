from datetime import UTC, datetime, timedelta, timezone

import pytest

from claylake.run.receipt import Receipt, make_receipt
from claylake.run.receipt_note import note
from claylake.run.reports import EmbedReport, ExtractReport, MaintainReport, Optimizer, PublishReport
from claylake.run.usage import stage_seconds, usage_of

START = datetime(2024, 8, 11, 10, 0, tzinfo=UTC)


def cluster(end=START + timedelta(hours=2), state="TERMINATED"):
    timeline = {"CreationDateTime": START, "ReadyDateTime": START + timedelta(minutes=8)}
    if end is not None:
        timeline["EndDateTime"] = end
    return {"Id": "j-ABC", "Status": {"State": state, "Timeline": timeline}}


def step(name, begin=0, minutes=30, state="COMPLETED"):
    begun = START + timedelta(minutes=begin)
    timeline = {"CreationDateTime": begun, "StartDateTime": begun}
    if minutes is not None:
        timeline["EndDateTime"] = begun + timedelta(minutes=minutes)
    return {"Id": "s-1", "Name": name, "Status": {"State": state, "Timeline": timeline}}


@pytest.fixture
def reported(plan_of):
    """A plan whose four steps have left their reports."""
    plan = plan_of()
    ExtractReport(
        seconds=100,
        scenes=2,
        passes=2,
        candidates=32,
        chips=20,
        present=4,
        rejected={"cloud": 5, "nodata": 1},
        failed={"unreadable": 2},
        scene_status={"done": 1, "partial": 1},
        bytes_read=9_000_000,
        message="extracted",
    ).save(plan)
    EmbedReport(
        seconds=10,
        vectors=20,
        present=4,
        failed={"poison": 1},
        model_version=plan.model_version,
        convention="tutorial",
        precision="fp32",
        device="cpu",
        message="embedded",
    ).save(plan)
    PublishReport(
        seconds=5,
        tables=(),
        audits={"ids": 0},
        failed_frac=0.0625,
        rows_added=72,
        month_chips=24,
        month_vectors=24,
        area_km2=104.9,
        report="s3://lake/runs/r/report/index.html",
        message="published",
    ).save(plan)
    maintenance(by="jobs", message="kept").save(plan)
    return plan


def test_a_whole_run(reported, now):
    names = [f"claylake {stage} 0123456789#1" for stage in ("extract", "embed", "publish", "maintain")]
    receipt = make_receipt(reported, cluster=cluster(), steps=[step(name) for name in names], now=now)
    assert receipt.outcome == "published"
    assert (receipt.scenes, receipt.candidates, receipt.chips, receipt.vectors) == (2, 32, 20, 20)
    assert receipt.rejected == {"cloud": 5, "nodata": 1}
    assert receipt.failed == {"unreadable": 2, "embed:poison": 1}
    assert receipt.km2 == pytest.approx(16 * 6.5536)
    assert receipt.bytes_read == 9_000_000
    assert receipt.stage_seconds == {"extract": 1800, "embed": 1800, "publish": 1800, "maintain": 1800}
    assert receipt.chips_per_second == pytest.approx(20 / 1800)
    # Without EMR's list of instances: as requested, the dearest of the GPU types.
    assert receipt.instance_hours == {"m7i.xlarge": 2, "g5.4xlarge": 2}
    # Root disks of 60 GiB, and one of 50 GiB at 250 MiB/s.
    disks = 2 * (0.08 * (60 + 60 + 50) + 0.04 * 125) / 730
    assert receipt.usd == pytest.approx(2 * (0.2016 * 1.25 + 1.624 * 0.65) + disks)
    assert receipt.layout == "all_gpu"
    assert receipt.usd_per_1000_chips == pytest.approx(50 * receipt.usd)
    # (4 x 5 W) + (16 x 5 W + 150 W), two hours, PUE 1.15
    assert receipt.kwh == pytest.approx(2 * 250 * 1.15 / 1000)
    assert any("PUE" in line for line in receipt.assumptions)
    assert receipt.messages == ("extracted", "embedded", "published", "kept")
    assert Receipt.load(reported) == receipt


def test_its_note(reported, now):
    text = note(make_receipt(reported, cluster=cluster(), steps=[], now=now))
    for words in (
        "**town 2024-07: published**",
        "2 scenes, 105 km²: 20 chips (0.2/s), 20 vectors, 6 (cloud 5, nodata 1) rejected",
        "Failed: 3 (unreadable 2, embed:poison 1)",
        "Published: 24 chips, 24 vectors",
        "cluster j-ABC TERMINATED, 2.0 h, all_gpu",
        "per 1,000 chips",
        "[Report](s3://lake/runs/r/report/index.html)",
    ):
        assert words in text
    assert len(text) <= 1000


def optimizer(table, problem):
    return Optimizer(table=table, kind="retention", enabled=True, problem=problem)


def maintenance(*optimizers, by="glue", message="checked"):
    return MaintainReport(
        seconds=4,
        rewritten_files={},
        rewritten_manifests={},
        expired_files={},
        orphan_files={},
        dropped_branches={},
        by=by,
        optimizers=optimizers,
        message=message,
    )


def test_a_note_warns_of_glues_optimizers_and_the_run_stays_published(reported, now):
    maintenance(optimizer("chips", "is disabled"), optimizer("scenes", None), optimizer("embeddings", "x")).save(
        reported
    )
    receipt = make_receipt(reported, cluster=cluster(), steps=[], now=now)
    assert receipt.outcome == "published"
    assert receipt.warnings == ("Glue's retention of chips is disabled", "Glue's retention of embeddings x")
    assert "**Warning: Glue's retention of chips is disabled; 1 more** (all in receipt.json)" in note(receipt)
    assert Receipt.load(reported) == receipt


def test_a_note_without_warnings_says_nothing_of_them(reported, now):
    maintenance(optimizer("chips", None)).save(reported)
    assert "Upkeep" not in note(make_receipt(reported, cluster=cluster(), steps=[], now=now))


def test_a_long_warning_leaves_room_for_cost_and_report(reported, now):
    maintenance(optimizer("chips", "failed: " + "Access denied " * 200)).save(reported)
    text = note(make_receipt(reported, cluster=cluster(), steps=[], now=now))
    assert "…**" in text
    assert text.endswith("[Report](s3://lake/runs/r/report/index.html)")


def test_nothing_new_costs_nothing(plan_of, now):
    receipt = make_receipt(plan_of(work="nothing"), cluster=None, steps=[], now=now)
    assert receipt.outcome == "nothing new"
    assert (receipt.usd, receipt.kwh, receipt.chips, receipt.usd_per_1000_chips) == (0, 0, 0, None)
    assert "No cluster, no cost" in note(receipt)


def test_a_dry_run_tells_the_estimate(plan_of, now):
    receipt = make_receipt(plan_of({"limits": {"dry_run": True}}), cluster=None, steps=[], now=now)
    assert receipt.outcome == "dry run"
    assert "estimate: 20 chips, 0.60 USD" in note(receipt)


def test_a_run_stopped_before_its_cluster(plan_of, now):
    assert make_receipt(plan_of(), cluster=None, steps=[], now=now).outcome == "not started"


def test_a_failed_run_still_costs(plan_of, now):
    steps = [step("claylake extract 0123456789#1", 0, 30, "FAILED"), step("claylake extract 0123456789#2", 40, None)]
    receipt = make_receipt(plan_of(), cluster=cluster(end=None, state="RUNNING"), steps=steps, now=now)
    assert receipt.outcome == "failed"
    assert receipt.usd > 0
    assert receipt.cluster_seconds == 2 * 3600
    assert receipt.stage_seconds == {"extract": 30 * 60 + 80 * 60}
    assert receipt.chips_per_second is None
    assert "failed" in note(receipt)


def test_a_run_that_ended_before_its_chips_were_embedded_again_has_failed(reported, now):
    PublishReport.load(reported).model_copy(update={"embed_again": 4}).save(reported)
    receipt = make_receipt(reported, cluster=cluster(), steps=[], now=now)
    assert (receipt.outcome, receipt.month_chips, receipt.rows_added) == ("failed", None, 72)


def test_a_note_fits_airflows_limit(reported, now):
    receipt = make_receipt(reported, cluster=cluster(), steps=[], now=now)
    many = receipt.model_copy(
        update={"failed": {f"reason{n}" * 20: 1 for n in range(50)}, "report": "s3://" + "x" * 900}
    )
    assert len(note(many)) == 1000


def test_times_in_any_zone_are_the_same(plan_of, now):
    plan = plan_of()
    east = timezone(timedelta(hours=10))
    there = {
        "Id": "j",
        "Status": {
            "Timeline": {
                "CreationDateTime": START.astimezone(east),
                "EndDateTime": (START + timedelta(hours=1)).replace(tzinfo=None),
            }
        },
    }
    assert usage_of(there, plan, now).instance_hours["m7i.xlarge"] == 1


def test_a_cluster_without_a_timeline_is_no_crash(plan_of, now):
    usage = usage_of({"Id": "j"}, plan_of(), now)
    assert (usage.usd, usage.state) == (0, "unknown")


def instance(kind, market, begin=0, minutes=None):
    timeline = {"CreationDateTime": START + timedelta(minutes=begin)}
    if minutes is not None:
        timeline["EndDateTime"] = START + timedelta(minutes=begin + minutes)
    return {"InstanceType": kind, "Market": market, "Status": {"Timeline": timeline}}


def test_instances_count_as_long_as_each_has_lived(reported, now):
    """A GPU node joined later, was taken away, and was replaced on demand."""
    instances = [
        instance("m7i.xlarge", "ON_DEMAND", 0, 120),
        instance("m7i.2xlarge", "SPOT", 0, 120),
        instance("g6.2xlarge", "SPOT", 60, 15),
        instance("g5.2xlarge", "ON_DEMAND", 90, 30),
    ]
    receipt = make_receipt(reported, cluster=cluster(), steps=[], now=now, instances=instances)
    assert receipt.instance_hours == {"m7i.xlarge": 2, "m7i.2xlarge": 2, "g6.2xlarge": 0.25, "g5.2xlarge": 0.5}
    assert receipt.spot_hours == {"m7i.2xlarge": 2, "g6.2xlarge": 0.25}
    assert receipt.fallback_hours == {"g5.2xlarge": 0.5}
    text = "2.2 of 4.8 instance-hours spot; **no spot capacity, so on demand instead: 0.5 h of g5.2xlarge**"
    assert text in note(receipt)
    spot, on_demand = 0.65, 1.25
    usd = 2 * 0.2016 * on_demand + 2 * 0.4032 * spot + 0.25 * 0.9776 * spot + 0.5 * 1.212 * on_demand
    # GPU nodes, in the layout all_gpu, have disks for data, which the others' types do not.
    root, data = 0.08 * 60 / 730, (0.08 * 50 + 0.04 * 125) / 730
    assert receipt.usd == pytest.approx(usd + 4.75 * root + 0.75 * data)
    assert "by EMR's record" in receipt.assumptions[0]


@pytest.mark.parametrize(
    ("cluster_settings", "instances", "fallback"),
    [
        ({}, [("m7i.xlarge", "ON_DEMAND", 0, 120), ("g6.2xlarge", "SPOT", 10, 90)], {}),
        # Workers of the primary node's type: one of these is the primary node, the one that lived longest.
        (
            {"layout": "cpu", "cpu_types": ["m7i.xlarge"]},
            [("m7i.xlarge", "ON_DEMAND", 30, 60), ("m7i.xlarge", "ON_DEMAND", 0, 120), ("m7i.xlarge", "SPOT", 0, 20)],
            {"m7i.xlarge": 1.0},
        ),
        ({"spot": False}, [("m7i.xlarge", "ON_DEMAND", 0, 120), ("g6.2xlarge", "ON_DEMAND", 0, 120)], {}),
    ],
)
def test_what_was_on_demand_for_want_of_spot_capacity(plan_of, now, cluster_settings, instances, fallback):
    plan = plan_of({"cluster": cluster_settings})
    receipt = make_receipt(plan, cluster=cluster(), steps=[], now=now, instances=[instance(*one) for one in instances])
    assert receipt.fallback_hours == fallback
    assert ("on demand instead" in note(receipt)) == bool(fallback)


def test_without_records_of_instances_nothing_is_said_of_the_market(plan_of, now):
    assert make_receipt(plan_of(), cluster=cluster(), steps=[], now=now).fallback_hours == {}


def test_an_instance_that_still_runs_counts_until_now(plan_of, now):
    usage = usage_of(cluster(end=None), plan_of(), now, [instance("g5.2xlarge", "SPOT")])
    assert usage.instance_hours == {"g5.2xlarge": 2}


def test_strange_steps_are_left_aside(now):
    assert (
        stage_seconds([{"Name": "setup"}, step("other extract x y"), step("claylake train 1"), {}], ("embed",), now)
        == {}
    )
