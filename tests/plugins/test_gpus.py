"""GPU nodes join the local EMR's clusters for embedding, and leave: nothing twice, nothing left behind."""

from __future__ import annotations

import time

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from claylake_airflow import emr, fleet
from claylake_airflow.operators import (
    CreateClusterOperator,
    GpusDownOperator,
    GpusUpOperator,
    ReceiptOperator,
    TerminateClusterOperator,
    WaitClusterReadyOperator,
)
from claylake_airflow.triggers import FleetTrigger
from tests.plugins.drive import context, deferred, fire, make_plan, run
from tests.shared.waiting import until_one_of

pytestmark = pytest.mark.slow

REGION = "us-west-2"


def up(given):
    return run(GpusUpOperator(task_id="gpus_up"), given)


def down(given):
    return GpusDownOperator(task_id="gpus_down").execute(given)


@pytest.fixture
def given(aws, request):
    """Context of a task in a split run whose cluster takes steps."""
    plan = make_plan(aws, run_id=f"run-{request.node.name[:40]}", layout="split", gpu_count=3)
    made = CreateClusterOperator(task_id="create_cluster").execute(context(plan))
    given = context(plan, create_cluster=made)
    run(WaitClusterReadyOperator(task_id="wait_ready"), given)
    return given


def fleets(given):
    return emr.client(REGION).list_instance_fleets(ClusterId=given["ti"].xcoms["create_cluster"])["InstanceFleets"]


def gpus(given):
    """The GPU fleet: (spot, on demand) wanted, and there; None where there is none."""
    found = [each for each in fleets(given) if each["InstanceFleetType"] == "TASK"]
    assert len(found) <= 1
    keys = ("TargetSpotCapacity", "TargetOnDemandCapacity", "ProvisionedSpotCapacity", "ProvisionedOnDemandCapacity")
    return tuple(found[0][key] for key in keys) if found else None


def test_nodes_come_go_and_come_again(given):
    """A task that is cleared finds the fleet of nothing that its teardown has left; EMR would refuse a second one."""
    assert gpus(given) is None
    up(given)
    assert gpus(given) == (3, 0, 3, 0)
    assert given["ti"].pushed["_link_EmrConsoleLink"]
    down(given)
    until_one_of(lambda: gpus(given), [(0, 0, 0, 0)])
    up(given)
    assert gpus(given) == (3, 0, 3, 0)


@pytest.mark.parametrize("layout", ["all_gpu", "cpu"])
def test_in_other_layouts_both_do_nothing_and_succeed(aws, layout):
    """Not even a cluster is asked for: they are part of every run."""
    plan = make_plan(aws, run_id=f"run-{layout}", layout=layout)
    assert up(context(plan)) is None
    assert down(context(plan)) is None


def test_a_second_attempt_uses_the_fleet_that_is_there(given):
    """A worker was lost after the call: EMR would refuse a second fleet."""
    deferred(GpusUpOperator(task_id="gpus_up"), given)
    up(given)
    assert gpus(given) == (3, 0, 3, 0)


def test_missing_spot_capacity_is_asked_for_on_demand(aws, given):
    aws.fault(no_spot="gpus")
    up(given)
    assert gpus(given) == (0, 3, 0, 3)


def test_without_any_capacity_it_fails_with_the_reason_and_leaves_no_order(aws, given):
    """A teardown runs only if its setup has succeeded: what failed must clean up itself."""
    aws.fault(suspend_fleet="gpus")
    with pytest.raises(AirflowException, match=r"no GPU nodes: failed, fleet if-.* is SUSPENDED, 0 of 3 .*quotas of"):
        up(given)
    assert gpus(given)[:2] == (0, 0)


def test_on_demand_nodes_that_do_not_come_in_time_fail_it_too(aws, given):
    make_plan(aws, run_id=given["ti"].run_id, layout="split", spot=False, gpu_count=3)
    trigger = deferred(GpusUpOperator(task_id="gpus_up"), given).trigger
    assert gpus(given)[:2] == (0, 3)
    trigger.deadline, trigger.units = time.time(), 99
    with pytest.raises(AirflowException, match="no GPU nodes: timeout, the deadline has passed"):
        GpusUpOperator(task_id="gpus_up").resume(given, event=fire(trigger))
    assert gpus(given)[:2] == (0, 0)


def test_an_ended_cluster_takes_no_nodes_and_has_none(given):
    """The setup is not retried. The teardown, cleared alone, succeeds: there is nothing to take."""
    assert down(given) is None
    run(TerminateClusterOperator(task_id="terminate"), given)
    assert down(given) is None
    with pytest.raises(AirflowFailException, match=r"is TERMINATED .*clear this task"):
        up(given)


def test_the_wait_is_told_of_a_fleet_that_ends(given):
    trigger = deferred(GpusUpOperator(task_id="gpus_up"), given).trigger
    assert isinstance(trigger, FleetTrigger)
    trigger.units = 99
    run(TerminateClusterOperator(task_id="terminate"), given)
    event = fire(trigger)
    assert event["status"] == "failed"
    assert "is TERMINATED" in event["why"]


def test_the_receipt_counts_nodes_as_long_as_they_were_there(given):
    from claylake.plan import Plan
    from claylake.run.receipt import Receipt

    up(given)
    down(given)
    until_one_of(lambda: gpus(given), [(0, 0, 0, 0)])
    run(TerminateClusterOperator(task_id="terminate"), given)
    ReceiptOperator(task_id="receipt").execute(given)
    receipt = Receipt.load(Plan.load(given["ti"].xcoms["plan"]))
    assert receipt.layout == "split"
    assert set(receipt.instance_hours) == {"m7i.xlarge", "m7i.2xlarge", "g6.2xlarge"}
    # Three of them, for a part of the time.
    assert 0 < receipt.instance_hours["g6.2xlarge"] / 3 < receipt.instance_hours["m7i.2xlarge"]
    assert "by EMR's record" in receipt.assumptions[0]


def test_a_fleet_is_read_with_its_reason():
    answer = {
        "Id": "if-1",
        "InstanceFleetType": "TASK",
        "Status": {"State": "SUSPENDED", "StateChangeReason": {"Code": "INSTANCE_FAILURE", "Message": "no capacity"}},
        "TargetSpotCapacity": 2,
        "ProvisionedSpotCapacity": 1,
    }
    found = fleet.Fleet.read(answer)
    assert (found.wanted, found.running, found.on_demand) == (2, 1, 0)
    assert str(found) == "fleet if-1 is SUSPENDED (INSTANCE_FAILURE: no capacity), 1 of 2 units run"
