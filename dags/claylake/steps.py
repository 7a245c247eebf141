"""The EMR steps of a plan: one spark-submit each, told nothing but the plan's URI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from claylake.artifacts import code_uri, jar_uris, job_uri
from claylake.errors import BadInputError
from claylake.identity import step_name
from claylake.instances import instance
from claylake.plan import PLAN
from claylake.vocabulary import STEPS

if TYPE_CHECKING:
    from claylake.plan import Plan

GPU_STEP: Final = "embed"
GPU_SCRIPT: Final = "/usr/lib/spark/scripts/gpu/getGpusResources.sh"
"""Comes with EMR's Spark; prints the node's GPUs as Spark wants them."""
_DRIVER_SHARE: Final = 0.2
_HEAP_SHARE: Final = 0.4
"""The rest of an executor is for Python workers: pixels live there."""
_OVERHEAD_LEAST_GIB: Final = 1


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
    cluster, python = plan.settings.cluster, plan.deployed.python
    node = instance(cluster.core_type)
    gpu = name == GPU_STEP and node.gpus > 0
    per_node = node.gpus if gpu else 1
    driver_gib = max(1, int(node.yarn_gib * _DRIVER_SHARE))
    # The driver runs on a core node too, beside that node's executors.
    executor_gib = (node.yarn_gib - driver_gib - _OVERHEAD_LEAST_GIB) / per_node
    heap_gib = max(1, int(executor_gib * _HEAP_SHARE))
    cores = max(1, (node.vcpus - 1) // per_node)
    conf: dict[str, object] = {
        "spark.pyspark.python": python,
        "spark.pyspark.driver.python": python,
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON": python,
        "spark.executorEnv.PYSPARK_PYTHON": python,
        "spark.dynamicAllocation.enabled": "false",
        "spark.executor.instances": cluster.gpu_count * per_node,
        "spark.executor.cores": cores,
        "spark.executor.memory": f"{heap_gib}g",
        "spark.executor.memoryOverhead": f"{max(_OVERHEAD_LEAST_GIB, int(executor_gib) - heap_gib)}g",
        "spark.driver.memory": f"{driver_gib}g",
        "spark.driver.memoryOverhead": f"{_OVERHEAD_LEAST_GIB}g",
    }
    if gpu:
        conf |= {
            "spark.executor.resource.gpu.amount": 1,
            "spark.executor.resource.gpu.discoveryScript": GPU_SCRIPT,
            # One task at a time holds the GPU; more would each load the encoder.
            "spark.task.resource.gpu.amount": 1,
        }
    return conf
