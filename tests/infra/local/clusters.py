"""Talking to the local EMR in tests."""

import subprocess

from infra.local.options import CREDENTIALS, REGION
from tests.shared.waiting import until_one_of


def client(stack, service):
    import boto3

    keys = {name.lower(): value for name, value in CREDENTIALS.items()}
    return boto3.client(service, endpoint_url=stack.endpoint, region_name=REGION, **keys)


def run_cluster(emr, *, keep=True, **more):
    instances = {
        "KeepJobFlowAliveWhenNoSteps": keep,
        "Ec2SubnetIds": ["subnet-local"],
        "InstanceFleets": [
            {
                "Name": kind.lower(),
                "InstanceFleetType": kind,
                "TargetOnDemandCapacity": 1,
                "InstanceTypeConfigs": [{"InstanceType": "m7i.xlarge", "WeightedCapacity": 1}],
            }
            for kind in ("MASTER", "CORE")
        ],
    }
    request = {
        "Name": "test",
        "ReleaseLabel": "emr-7.14.0",
        "LogUri": "s3://claylake-local/logs",
        "ServiceRole": "service",
        "JobFlowRole": "instance",
        "Instances": instances,
        "Tags": [{"Key": "pipeline", "Value": "claylake"}],
        **more,
    }
    return emr.run_job_flow(**request)["JobFlowId"]


ENDLESS = ("sleep", "3600")
"""A step that lives until it, or its cluster, is ended."""


def until_there(path):
    """Shell code that ends when a file appears."""
    return f"until [ -e {path} ]; do sleep 0.05; done"


def step(*args, name="step", on_failure="CONTINUE"):
    jar = {"Jar": "command-runner.jar", "Args": list(args)}
    return {"Name": name, "ActionOnFailure": on_failure, "HadoopJarStep": jar}


def add(emr, cluster, *steps):
    return emr.add_job_flow_steps(JobFlowId=cluster, Steps=list(steps))["StepIds"]


def step_state(emr, cluster, step_id):
    return emr.describe_step(ClusterId=cluster, StepId=step_id)["Step"]["Status"]["State"]


def wait_step(emr, cluster, step_id, *states):
    until_one_of(lambda: step_state(emr, cluster, step_id), states or ("COMPLETED",))
    return emr.describe_step(ClusterId=cluster, StepId=step_id)["Step"]["Status"]


def cluster_status(emr, cluster):
    return emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]


def wait_cluster(emr, cluster, *states):
    until_one_of(lambda: cluster_status(emr, cluster)["State"], states)
    return cluster_status(emr, cluster)


def is_alive(pid):
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] not in {"", "Z"}
