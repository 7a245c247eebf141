"""The EMR steps of a plan: one spark-submit each, whose only argument is the plan's URI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from claylake.cluster.identity import step_name
from claylake.cluster.memory import DRIVER_OVERHEAD_GIB, driver_heap_gib, executor_of
from claylake.cluster.shape import shape_of
from claylake.errors import BadInputError
from claylake.plan import PLAN
from claylake.release import code_uri, jar_uris, job_uri
from claylake.vocabulary import STEPS

if TYPE_CHECKING:
    from claylake.plan import Plan

GPU_STEP: Final = "embed"
GPU_SCRIPT: Final = "/opt/claylake/bin/gpu-discovery.sh"
"""Put there by the bootstrap; prints the node's GPUs as Spark wants them."""


def step(plan: Plan, name: str) -> dict[str, Any]:
    """One entry of AddJobFlowSteps. The DAG, not EMR, decides what a failure means.

    Raises:
        BadInputError: for a name that is not one of the steps.
    """
    if name not in STEPS:
        msg = f"{name!r} is not a step: there are {', '.join(STEPS)}"
        raise BadInputError(msg)
    deployed = plan.deployed
    confs = [argument for key, value in _conf(plan, name).items() for argument in ("--conf", f"{key}={value}")]
    arguments = [
        "spark-submit",
        *("--deploy-mode", "cluster", "--master", "yarn", "--name", name),
        *("--jars", ",".join(jar_uris(deployed)), "--py-files", code_uri(deployed)),
        *confs,
        *(job_uri(deployed, name), "--plan", plan.uri(PLAN)),
    ]
    return {
        "Name": step_name(plan, name),
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": arguments},
    }


def _conf(plan: Plan, name: str) -> dict[str, object]:
    shape, python = shape_of(plan.settings.cluster, plan.layout), plan.deployed.python
    workers = shape.embedders if name == GPU_STEP else shape.core
    executor = executor_of(shape, workers)
    conf: dict[str, object] = {
        "spark.pyspark.python": python,
        "spark.pyspark.driver.python": python,
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON": python,
        "spark.executorEnv.PYSPARK_PYTHON": python,
        **_region(plan.deployed.region),
        # Whether a step is tried again is decided by the DAG, which knows why it failed.
        "spark.yarn.maxAppAttempts": 1,
        "spark.dynamicAllocation.enabled": "false",
        "spark.executor.instances": workers.units,
        "spark.executor.cores": executor.cores,
        "spark.executor.memory": f"{executor.heap_gib}g",
        "spark.executor.memoryOverhead": f"{executor.overhead_gib}g",
        "spark.driver.memory": f"{driver_heap_gib(shape)}g",
        "spark.driver.memoryOverhead": f"{DRIVER_OVERHEAD_GIB}g",
    }
    if name == GPU_STEP and workers.has_gpus:
        conf |= {
            "spark.executor.resource.gpu.amount": 1,
            "spark.executor.resource.gpu.discoveryScript": GPU_SCRIPT,
            # One task at a time holds the GPU; more would each load the encoder.
            "spark.task.resource.gpu.amount": 1,
        }
    return conf


def _region(region: str) -> dict[str, object]:
    """The region in the names that boto3, and AWS's SDK for Java and GDAL, read it from.

    EMR sets neither in containers, and boto3 never reads it from the instance: its calls would go by us-east-1.
    """
    places, names = ("spark.yarn.appMasterEnv", "spark.executorEnv"), ("AWS_DEFAULT_REGION", "AWS_REGION")
    return {f"{place}.{name}": region for place in places for name in names}
