"""A step's arguments become a local command."""

from pathlib import Path

import pytest

from infra.local.aws.faults import Fault, Faults
from infra.local.errors import CommandError, FaultError
from infra.local.steps.command import localise


def local(*args):
    return localise(
        "command-runner.jar",
        args,
        spark_submit=Path("/env/spark-submit"),
        fetch=lambda uri: Path("/c") / uri.split("/")[-1],
    )


def test_only_master_mode_and_own_files_change():
    command = local(
        "spark-submit", "--deploy-mode", "cluster", "--master=yarn", "--name", "extract", "--jars", "s3://b/a.jar,s3://b/b.jar",
        "--archives", "s3://b/env.tar.gz#env", "--conf", "spark.submit.deployMode=cluster", "--conf", "a=s3://b/c", "--verbose",
        "s3://b/jobs/extract.py", "--master", "mine", "--jars", "s3://b/plan.json",
    )  # fmt: skip
    assert command.argv == (
        "/env/spark-submit", "--master", "local[*]", "--name", "extract", "--jars", "/c/a.jar,/c/b.jar",
        "--archives", "/c/env.tar.gz#env", "--conf", "a=s3://b/c", "--verbose",
        "/c/extract.py", "--master", "mine", "--jars", "s3://b/plan.json",
    )  # fmt: skip
    assert command.is_cluster_mode


def test_nobody_here_hands_out_gpus():
    command = local(
        "spark-submit", "--conf", "spark.executor.resource.gpu.amount=1", "--conf", "spark.task.resource.gpu.amount=1",
        "-c", "spark.driver.resource.gpu.amount=1", "--conf", "spark.executor.cores=7", "x.py",
    )  # fmt: skip
    assert command.argv == ("/env/spark-submit", "--master", "local[*]", "--conf", "spark.executor.cores=7", "x.py")


def test_client_mode_and_other_programs():
    assert not local("spark-submit", "--deploy-mode", "client", "x.py").is_cluster_mode
    assert local("nvidia-smi", "--master", "x").argv == ("nvidia-smi", "--master", "x")


@pytest.mark.parametrize("args", [(), ("spark-submit",), ("spark-submit", "--name", "x")])
def test_incomplete_commands(args):
    with pytest.raises(CommandError):
        local(*args)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"no_such": "x"},
        {"fail_step": "a", "kill_step": "b"},
        {"fail_step": "a", "times": 0},
        {"fail_step": "a", "times": "x"},
    ],
)
def test_bad_faults(document):
    with pytest.raises(FaultError):
        Fault.parse(document)


def test_faults_strike_as_often_as_asked():
    faults = Faults()
    faults.add(Fault.parse({"fail_step": "embed", "times": 2}))
    assert faults.take("fail_step", "extract") is None
    assert faults.take("kill_step", "embed") is None
    assert [bool(faults.take("fail_step", "embed-1")) for _ in range(3)] == [True, True, False]
