"""Steps run as processes, and end as EMR's do."""

import gzip
import time
from pathlib import Path

import pytest

from tests.infra.local.clusters import (
    ENDLESS,
    add,
    cluster_status,
    is_alive,
    step,
    step_state,
    until_there,
    wait_cluster,
    wait_step,
)
from tests.shared.waiting import until_one_of


def log(s3, *place):
    return gzip.decompress(
        s3.get_object(Bucket="claylake-local", Key="/".join(("logs", *place)))["Body"].read()
    ).decode()


def script(s3, name, text):
    s3.put_object(Bucket="claylake-local", Key=f"artifacts/jobs/{name}.py", Body=text.encode())
    return f"s3://claylake-local/artifacts/jobs/{name}.py"


def running_pid(stack, step_id):
    pids = []

    def found():
        pids[:] = [entry["pid"] for entry in stack.steps() if entry["step"] == step_id]
        return bool(pids)

    until_one_of(found, (True,))
    return pids[0]


def test_submit_runs_the_fetched_script_with_its_own_arguments(emr, s3, cluster):
    s3.put_object(Bucket="claylake-local", Key="artifacts/claylake.zip", Body=b"zip")
    main = script(s3, "good", 'echo "ran with $*"; echo "at $AWS_ENDPOINT_URL $PYSPARK_PYTHON"')
    submit = ["spark-submit", "--deploy-mode", "cluster", "--master", "yarn", "--py-files"]
    [step_id] = add(
        emr, cluster, step(*submit, "s3://claylake-local/artifacts/claylake.zip", main, "--plan", "s3://x/plan.json")
    )
    status = wait_step(emr, cluster, step_id)
    assert status["Timeline"]["StartDateTime"] <= status["Timeline"]["EndDateTime"]
    assert "FailureDetails" not in status
    out = log(s3, cluster, "steps", step_id, "stdout.gz")
    assert "ran with --plan s3://x/plan.json" in out
    assert "submit --master local[*] --py-files /" in out
    assert f"at {emr.meta.endpoint_url}" in out
    assert "exitCode 0" in log(s3, cluster, "steps", step_id, "controller.gz")


def test_failure_of_a_cluster_mode_step_is_told_as_emr_tells_it(emr, s3, cluster):
    main = script(
        s3, "bad", 'echo "Traceback (most recent call last):" >&2; echo "ValueError: no such cell" >&2; exit 3'
    )
    [step_id] = add(emr, cluster, step("spark-submit", "--deploy-mode", "cluster", main))
    failure = wait_step(emr, cluster, step_id, "FAILED")["FailureDetails"]
    assert failure["Reason"] == "Unknown Error."
    assert "finished with failed status" in failure["Message"]
    assert failure["LogFile"] == f"s3://claylake-local/logs/{cluster}/steps/{step_id}/stderr.gz"
    stderr = log(s3, cluster, "steps", step_id, "stderr.gz")
    assert "ValueError: no such cell" in stderr
    application = next(word for word in stderr.split() if word.startswith("application_"))
    container = f"{application.replace('application', 'container')}_01_000001"
    assert "ValueError" in log(s3, cluster, "containers", application, container, "stderr.gz")
    assert cluster_status(emr, cluster)["State"] in {"RUNNING", "WAITING"}


def test_failure_of_another_step_names_the_last_line(emr, cluster):
    [step_id] = add(emr, cluster, step("sh", "-c", "echo one >&2; echo two >&2; exit 1"))
    assert wait_step(emr, cluster, step_id, "FAILED")["FailureDetails"]["Message"] == "two"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (step("spark-submit", "s3://claylake-local/no-such.py"), "cannot fetch s3://claylake-local/no-such.py"),
        (step("no-such-program"), "no-such-program"),
        (step("spark-submit", "--conf"), "--conf lacks its value"),
        (step("spark-submit", "--conf", "a=b"), "needs a script"),
        ({**step("x"), "HadoopJarStep": {"Jar": "other.jar", "Args": []}}, "other.jar"),
    ],
)
def test_step_that_cannot_start_fails_with_the_reason(emr, cluster, bad, message):
    [step_id] = add(emr, cluster, bad)
    assert message in wait_step(emr, cluster, step_id, "FAILED")["FailureDetails"]["Message"]


def test_steps_run_one_after_another(emr, cluster, tmp_path):
    first, second = add(emr, cluster, step("sh", "-c", until_there(tmp_path / "go")), step("true"))
    until_one_of(lambda: step_state(emr, cluster, first), ("RUNNING",))
    assert step_state(emr, cluster, second) == "PENDING"
    (tmp_path / "go").touch()
    end = wait_step(emr, cluster, second)["Timeline"]["StartDateTime"]
    assert wait_step(emr, cluster, first)["Timeline"]["EndDateTime"] <= end
    listed = [entry["Id"] for entry in emr.list_steps(ClusterId=cluster)["Steps"]]
    assert set(listed) == {first, second}


def test_cancel_of_a_pending_and_of_a_running_step(emr, stack, cluster):
    first, second, third = add(emr, cluster, step(*ENDLESS), step(*ENDLESS), step("true"))
    pid = running_pid(stack, first)
    infos = emr.cancel_steps(ClusterId=cluster, StepIds=[second, first], StepCancellationOption="SEND_INTERRUPT")
    assert [info["Status"] for info in infos["CancelStepsInfoList"]] == ["SUBMITTED", "SUBMITTED"]
    wait_step(emr, cluster, first, "CANCELLED")
    assert step_state(emr, cluster, second) == "CANCELLED"
    assert not is_alive(pid)
    wait_step(emr, cluster, third)
    [info] = emr.cancel_steps(ClusterId=cluster, StepIds=[first])["CancelStepsInfoList"]
    assert info["Status"] == "FAILED"


def test_interrupt_may_be_ignored_but_termination_may_not(emr, stack, s3, cluster):
    main = script(s3, "stubborn", "trap '' TERM; echo ready; while true; do sleep 0.1; done")
    [step_id] = add(emr, cluster, step("spark-submit", main))
    pid = running_pid(stack, step_id)
    output = Path(stack.document["root"]) / "steps" / cluster / step_id / "stdout"
    until_one_of(lambda: "ready" in output.read_text(), (True,))
    emr.cancel_steps(ClusterId=cluster, StepIds=[step_id], StepCancellationOption="SEND_INTERRUPT")
    time.sleep(0.5)
    assert step_state(emr, cluster, step_id) == "RUNNING"
    assert is_alive(pid)
    emr.cancel_steps(ClusterId=cluster, StepIds=[step_id], StepCancellationOption="TERMINATE_PROCESS")
    wait_step(emr, cluster, step_id, "CANCELLED")
    assert not is_alive(pid)


def test_terminating_kills_every_process_of_the_step(emr, stack, tmp_path, cluster):
    pids = tmp_path / "pids"
    # The inner `set -m` gives the child a process group of its own, as PySpark's daemon has.
    command = f"set -m; sleep 3600 & echo $! > {pids}; wait"
    running, pending = add(emr, cluster, step("bash", "-c", command), step("true"))
    until_one_of(lambda: pids.exists() and bool(pids.read_text().strip()), (True,))
    outer, inner = running_pid(stack, running), int(pids.read_text())
    emr.terminate_job_flows(JobFlowIds=[cluster])
    status = wait_cluster(emr, cluster, "TERMINATED")
    assert status["StateChangeReason"] == {"Code": "USER_REQUEST", "Message": "Terminated by user request"}
    assert [step_state(emr, cluster, s) for s in (running, pending)] == ["CANCELLED", "CANCELLED"]
    assert not is_alive(outer)
    # Killed it was by now, but a killed process goes only when it has its turn.
    until_one_of(lambda: is_alive(inner), (False,))


def test_leftovers_of_a_finished_step_are_killed(emr, tmp_path, cluster):
    pids = tmp_path / "pids"
    [step_id] = add(emr, cluster, step("sh", "-c", f"sleep 3600 & echo $! > {pids}"))
    wait_step(emr, cluster, step_id)
    until_one_of(lambda: is_alive(int(pids.read_text())), (False,))
