"""Clusters live, wait and end as EMR's do."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.emr import fleet as emr_fleet
from infra.local.emr.life import ClusterLife
from infra.local.steps import runner as step_runner
from tests.infra.local.clusters import (
    add,
    cluster_status,
    run_cluster,
    step,
    step_state,
    until_there,
    wait_cluster,
    wait_step,
)
from tests.shared.waiting import until_one_of


@pytest.fixture
def let_pass(monkeypatch):
    """Clusters called "held" stay in each passing state until this is called."""
    turns, pause = threading.Semaphore(0), ClusterLife._pause

    def hold(life, **how):
        if life._cluster.name == "held":
            turns.acquire()
        else:
            pause(life, **how)

    monkeypatch.setattr(ClusterLife, "_pause", hold)
    return turns.release


def test_cluster_passes_through_its_states(emr, let_pass):
    cluster = run_cluster(emr, Name="held")
    assert cluster_status(emr, cluster)["State"] == "STARTING"
    let_pass()
    wait_cluster(emr, cluster, "BOOTSTRAPPING")
    let_pass()
    # RUNNING is too short to be seen when there is no step.
    wait_cluster(emr, cluster, "WAITING")
    described = emr.describe_cluster(ClusterId=cluster)["Cluster"]
    assert described["Tags"] == [{"Key": "pipeline", "Value": "claylake"}]
    assert described["InstanceCollectionType"] == "INSTANCE_FLEET"
    assert described["Ec2InstanceAttributes"]["Ec2SubnetId"] == "subnet-local"
    assert "ReadyDateTime" in described["Status"]["Timeline"]
    emr.terminate_job_flows(JobFlowIds=[cluster])
    assert cluster_status(emr, cluster)["State"] == "TERMINATING"
    let_pass()
    assert "EndDateTime" in wait_cluster(emr, cluster, "TERMINATED")["Timeline"]


def test_cluster_without_keep_alive_ends_after_its_steps(emr):
    cluster = run_cluster(emr, keep=False, Steps=[step("true")])
    status = wait_cluster(emr, cluster, "TERMINATED")
    assert status["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"
    assert [s["Status"]["State"] for s in emr.list_steps(ClusterId=cluster)["Steps"]] == ["COMPLETED"]


def test_ended_cluster_takes_no_steps(emr):
    cluster = run_cluster(emr)
    emr.terminate_job_flows(JobFlowIds=[cluster])
    with pytest.raises(emr.exceptions.ClientError, match="shutting down, terminated, or finished") as error:
        add(emr, cluster, step("true"))
    assert error.value.response["Error"]["Code"] == "ValidationException"
    wait_cluster(emr, cluster, "TERMINATED")
    emr.terminate_job_flows(JobFlowIds=[cluster])


@pytest.mark.parametrize(
    ("on_failure", "pending", "state"),
    [
        ("CONTINUE", "COMPLETED", "WAITING"),
        ("CANCEL_AND_WAIT", "CANCELLED", "WAITING"),
        ("TERMINATE_CLUSTER", "CANCELLED", "TERMINATED_WITH_ERRORS"),
    ],
)
def test_action_on_failure(emr, on_failure, pending, state):
    steps = [step("false", on_failure=on_failure), step("true")]
    cluster = run_cluster(emr, Steps=steps)
    status = wait_cluster(emr, cluster, state)
    states = {s["Config"]["Args"][0]: s["Status"]["State"] for s in emr.list_steps(ClusterId=cluster)["Steps"]}
    assert states == {"false": "FAILED", "true": pending}
    if state != "WAITING":
        assert status["StateChangeReason"]["Code"] == "STEP_FAILURE"
    emr.terminate_job_flows(JobFlowIds=[cluster])


def test_idle_cluster_ends_by_its_policy(emr):
    # The stack counts idle time 100 times as fast: 60 s are 0.6 s. The step is there before the first of them.
    cluster = run_cluster(emr, AutoTerminationPolicy={"IdleTimeout": 60}, Steps=[step("sleep", "1.2")])
    assert emr.get_auto_termination_policy(ClusterId=cluster)["AutoTerminationPolicy"] == {"IdleTimeout": 60}
    [busy] = [each["Id"] for each in emr.list_steps(ClusterId=cluster)["Steps"]]
    wait_step(emr, cluster, busy)
    status = wait_cluster(emr, cluster, "TERMINATED")
    assert "auto-termination" in status["StateChangeReason"]["Message"]


def test_policy_can_come_later_and_is_checked(emr, cluster):
    wait_cluster(emr, cluster, "WAITING")
    with pytest.raises(emr.exceptions.ClientError, match="between 60 and 604800"):
        emr.put_auto_termination_policy(ClusterId=cluster, AutoTerminationPolicy={"IdleTimeout": 59})
    emr.put_auto_termination_policy(ClusterId=cluster, AutoTerminationPolicy={"IdleTimeout": 61})
    wait_cluster(emr, cluster, "TERMINATED")


def test_clusters_are_listed_by_state_and_age_newest_first(emr):
    before = datetime.now(UTC) - timedelta(seconds=1)
    gone, kept = run_cluster(emr, Name="gone"), run_cluster(emr, Name="kept")
    emr.terminate_job_flows(JobFlowIds=[gone])
    wait_cluster(emr, gone, "TERMINATED")
    wait_cluster(emr, kept, "WAITING")

    def listed(**query):
        return [c["Id"] for page in emr.get_paginator("list_clusters").paginate(**query) for c in page["Clusters"]]

    alive = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]
    assert kept in listed(ClusterStates=alive)
    assert gone not in listed(ClusterStates=alive)
    assert listed(CreatedAfter=before)[:2] == [kept, gone]
    assert listed(CreatedAfter=datetime.now(UTC) + timedelta(hours=1)) == []
    emr.terminate_job_flows(JobFlowIds=[kept])


def test_unknown_ids_are_errors_of_the_api(emr, cluster):
    with pytest.raises(emr.exceptions.ClientError, match="is not valid") as error:
        emr.describe_cluster(ClusterId="j-NONE")
    assert error.value.response["Error"]["Code"] == "InvalidRequestException"
    with pytest.raises(emr.exceptions.ClientError, match="s-NONE"):
        emr.describe_step(ClusterId=cluster, StepId="s-NONE")
    with pytest.raises(emr.exceptions.ClientError, match="j-NONE"):
        emr.list_steps(ClusterId="j-NONE")


def test_step_limits(emr, cluster):
    with pytest.raises(emr.exceptions.ClientError, match="over 10240"):
        add(emr, cluster, step("echo", "x" * 10_240))


def test_fleets_arrive_resize_and_go(emr, cluster, monkeypatch):
    def fleets():
        return {f["InstanceFleetType"]: f for f in emr.list_instance_fleets(ClusterId=cluster)["InstanceFleets"]}

    wait_cluster(emr, cluster, "WAITING")
    assert {kind: f["Status"]["State"] for kind, f in fleets().items()} == {"MASTER": "RUNNING", "CORE": "RUNNING"}
    # From here on the clock by which nodes come and go stands still, but for this test's own steps.
    now = [time.monotonic()]
    monkeypatch.setattr(emr_fleet, "monotonic", lambda: now[0])
    config = {
        "Name": "gpu",
        "InstanceFleetType": "TASK",
        "TargetSpotCapacity": 2,
        "InstanceTypeConfigs": [
            {
                "InstanceType": "g5.xlarge",
                "Configurations": [{"Classification": "yarn-site", "Properties": {"a.b": "c"}}],
            }
        ],
    }
    fleet_id = emr.add_instance_fleet(ClusterId=cluster, InstanceFleet=config)["InstanceFleetId"]
    assert (fleets()["TASK"]["Status"]["State"], fleets()["TASK"]["ProvisionedSpotCapacity"]) == ("PROVISIONING", 0)
    now[0] += 1
    assert fleets()["TASK"]["Status"]["State"] == "RUNNING"
    task = fleets()["TASK"]
    assert (task["TargetSpotCapacity"], task["ProvisionedSpotCapacity"]) == (2, 2)
    [kind] = task["InstanceTypeSpecifications"]
    assert kind["Configurations"][0]["Properties"] == {"a.b": "c"}
    with pytest.raises(emr.exceptions.ClientError, match="already has a fleet"):
        emr.add_instance_fleet(ClusterId=cluster, InstanceFleet=config)
    emr.modify_instance_fleet(
        ClusterId=cluster,
        InstanceFleet={"InstanceFleetId": fleet_id, "TargetOnDemandCapacity": 0, "TargetSpotCapacity": 0},
    )
    assert (fleets()["TASK"]["Status"]["State"], fleets()["TASK"]["ProvisionedSpotCapacity"]) == ("RESIZING", 2)
    now[0] += 1
    assert fleets()["TASK"]["ProvisionedSpotCapacity"] == 0
    emr.terminate_job_flows(JobFlowIds=[cluster])
    wait_cluster(emr, cluster, "TERMINATED")
    assert {f["Status"]["State"] for f in fleets().values()} == {"TERMINATED"}


def test_managed_scaling_policy_is_kept(emr, cluster):
    limits = {"UnitType": "InstanceFleetUnits", "MinimumCapacityUnits": 1, "MaximumCapacityUnits": 3}
    emr.put_managed_scaling_policy(ClusterId=cluster, ManagedScalingPolicy={"ComputeLimits": limits})
    assert emr.get_managed_scaling_policy(ClusterId=cluster)["ManagedScalingPolicy"]["ComputeLimits"] == limits


def test_termination_protection_holds(emr, cluster):
    emr.set_termination_protection(JobFlowIds=[cluster], TerminationProtected=True)
    with pytest.raises(emr.exceptions.ClientError, match="termination protected"):
        emr.terminate_job_flows(JobFlowIds=[cluster])
    emr.set_termination_protection(JobFlowIds=[cluster], TerminationProtected=False)


def test_bootstrap_fault(emr, faults):
    faults.fault(fail_bootstrap="doomed")
    cluster = run_cluster(emr, Name="doomed", Steps=[step("true")])
    status = wait_cluster(emr, cluster, "TERMINATED_WITH_ERRORS")
    assert status["StateChangeReason"]["Code"] == "BOOTSTRAP_FAILURE"
    assert [s["Status"]["State"] for s in emr.list_steps(ClusterId=cluster)["Steps"]] == ["CANCELLED"]


def test_a_cluster_that_ends_takes_no_fault_from_the_next(emr, faults, let_pass):
    cluster = run_cluster(emr, Name="held")
    emr.terminate_job_flows(JobFlowIds=[cluster])
    faults.fault(fail_bootstrap="")
    for _ in ("STARTING", "BOOTSTRAPPING", "TERMINATING"):
        let_pass()
    assert wait_cluster(emr, cluster, "TERMINATED")["StateChangeReason"]["Code"] == "USER_REQUEST"
    assert [fault["kind"] for fault in faults.control("GET", "faults")] == ["fail_bootstrap"]


@pytest.mark.parametrize(("kind", "ran"), [("fail_step", False), ("fail_step_after", True), ("kill_step", True)])
def test_step_faults_strike_the_named_step_once(emr, faults, cluster, tmp_path, monkeypatch, kind, ran):
    trace, end = tmp_path / "ran", tmp_path / "end"

    def timer(after_s, strike, numbers):
        """The fault's own, which finds the step begun however slow the machine is."""

        def when_begun():
            until_one_of(trace.exists, (True,))
            strike(*numbers)

        return threading.Timer(after_s, when_begun)

    monkeypatch.setattr(step_runner, "Timer", timer)
    faults.fault(**{kind: "embed", "after_s": 0.3})
    command = step("sh", "-c", f"touch {trace}; {until_there(end)}", name="embed-1")
    if kind != "kill_step":
        end.touch()
    other, struck = add(emr, cluster, step("true", name="extract"), command)
    wait_step(emr, cluster, struck, "FAILED")
    assert step_state(emr, cluster, other) == "COMPLETED"
    assert trace.exists() is ran
    end.touch()
    [again] = add(emr, cluster, command)
    wait_step(emr, cluster, again, "COMPLETED")


def test_rejected_calls(emr, faults):
    faults.fault(reject_call="RunJobFlow", code="InternalServerException")
    with pytest.raises(emr.exceptions.ClientError, match="Injected fault") as error:
        run_cluster(emr)
    assert error.value.response["Error"]["Code"] == "InternalServerException"
    assert faults.control("GET", "faults") == []


def test_fleet_without_spot_capacity(emr, faults, cluster):
    faults.fault(no_spot="gpu")
    config = {"Name": "gpu", "InstanceFleetType": "TASK", "TargetSpotCapacity": 2, "TargetOnDemandCapacity": 1}
    fleet_id = emr.add_instance_fleet(ClusterId=cluster, InstanceFleet=config)["InstanceFleetId"]

    def task():
        return next(f for f in emr.list_instance_fleets(ClusterId=cluster)["InstanceFleets"] if f["Name"] == "gpu")

    until_one_of(lambda: task()["Status"]["State"], ("SUSPENDED",))
    assert (task()["ProvisionedSpotCapacity"], task()["ProvisionedOnDemandCapacity"]) == (0, 1)
    target = {"InstanceFleetId": fleet_id, "TargetOnDemandCapacity": 3, "TargetSpotCapacity": 0}
    emr.modify_instance_fleet(ClusterId=cluster, InstanceFleet=target)
    until_one_of(lambda: task()["Status"]["State"], ("RUNNING",))
    assert task()["ProvisionedOnDemandCapacity"] == 3


def test_instances_are_recorded_with_their_times(emr, cluster):
    def instances(**which):
        pages = emr.get_paginator("list_instances").paginate(ClusterId=cluster, **which)
        return [each for page in pages for each in page["Instances"]]

    wait_cluster(emr, cluster, "WAITING")
    assert [each["InstanceType"] for each in instances()] == ["m7i.xlarge", "m7i.xlarge"]
    kinds = [{"InstanceType": "g5.12xlarge", "WeightedCapacity": 4}]
    config = {"Name": "gpu", "InstanceFleetType": "TASK", "TargetSpotCapacity": 6, "InstanceTypeConfigs": kinds}
    fleet_id = emr.add_instance_fleet(ClusterId=cluster, InstanceFleet=config)["InstanceFleetId"]
    until_one_of(lambda: len(instances(InstanceFleetId=fleet_id)), (2,))
    assert {(each["InstanceType"], each["Market"]) for each in instances(InstanceFleetId=fleet_id)} == {
        ("g5.12xlarge", "SPOT")
    }
    target = {"InstanceFleetId": fleet_id, "TargetSpotCapacity": 0}
    emr.modify_instance_fleet(ClusterId=cluster, InstanceFleet=target)
    # Nobody looks meanwhile: instances end when they are due, not when they are looked at.
    time.sleep(1.5)
    resized = datetime.now(UTC)
    ends = [each["Status"]["Timeline"]["EndDateTime"] for each in instances(InstanceFleetId=fleet_id)]
    assert all(resized - end > timedelta(seconds=0.5) for end in ends)
    emr.terminate_job_flows(JobFlowIds=[cluster])
    wait_cluster(emr, cluster, "TERMINATED")
    for each in instances():
        timeline = each["Status"]["Timeline"]
        assert timeline["CreationDateTime"] <= timeline["EndDateTime"]


def test_suspended_fleet(emr, faults, cluster):
    faults.fault(suspend_fleet="gpu")
    config = {"Name": "gpu", "InstanceFleetType": "TASK", "TargetSpotCapacity": 1}
    emr.add_instance_fleet(ClusterId=cluster, InstanceFleet=config)

    def task():
        return next(f for f in emr.list_instance_fleets(ClusterId=cluster)["InstanceFleets"] if f["Name"] == "gpu")

    until_one_of(lambda: task()["Status"]["State"], ("SUSPENDED",))
    assert task()["ProvisionedSpotCapacity"] == 0
