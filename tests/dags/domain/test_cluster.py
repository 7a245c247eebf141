from datetime import UTC, datetime, timedelta

import botocore.loaders
import pytest
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from claylake import cluster
from claylake.artifacts import JARS
from claylake.errors import BadInputError
from claylake.plan import RunRef
from claylake.vocabulary import STEPS

EMR = ServiceModel(botocore.loaders.Loader().load_service_model("emr", "service-2"))
MOST_CHARACTERS = 10_240


def validate(operation, arguments):
    report = ParamValidator().validate(arguments, EMR.operation_model(operation).input_shape)
    assert not report.has_errors(), report.generate_report()


def fleets(request):
    return {fleet["InstanceFleetType"]: fleet for fleet in request["Instances"]["InstanceFleets"]}


@pytest.mark.parametrize(
    "sections", [{}, {"cluster": {"spot": False, "gpu_count": 4}}, {"cluster": {"core_type": "m7i.2xlarge"}}]
)
def test_emr_takes_the_request(plan_of, now, sections):
    plan = plan_of(sections)
    validate("RunJobFlow", cluster.request(plan, now))
    validate("AddJobFlowSteps", {"JobFlowId": "j-1", "Steps": [cluster.step(plan, name) for name in STEPS]})


def test_names_are_the_runs_own(plan_of):
    plan, again = plan_of(), plan_of(work="vectors")
    other = plan_of(run=RunRef(dag_id="claylake__town", run_id="manual__1"))
    assert cluster.name(plan) == cluster.name(again) != cluster.name(other)
    assert cluster.name(plan).startswith("claylake town 2024-07 ")
    names = {cluster.step(plan, name)["Name"] for name in STEPS}
    assert len(names) == len(STEPS)
    assert names == {cluster.step(again, name)["Name"] for name in STEPS}
    assert names.isdisjoint(cluster.step(other, name)["Name"] for name in STEPS)


def test_tags_find_the_run(plan_of, now):
    plan = plan_of()
    assert cluster.tags(plan) == {
        "claylake:pipeline": "claylake",
        "claylake:dag_id": "claylake__town",
        "claylake:run_id": "scheduled__2024-08-11T00:00:00+00:00",
        "claylake:aoi": "town",
    }
    tags = {tag["Key"]: tag["Value"] for tag in cluster.request(plan, now)["Tags"]}
    assert tags == {**cluster.tags(plan), "claylake:max-until": "2024-08-12T00:00:00+00:00"}
    long = plan_of(run=RunRef(dag_id="d", run_id="r" * 400))
    assert all(len(value) <= 256 for value in cluster.tags(long).values())


def test_without_a_clock_the_life_counts_from_now(plan_of):
    tags = {tag["Key"]: tag["Value"] for tag in cluster.request(plan_of())["Tags"]}
    until = datetime.fromisoformat(tags["claylake:max-until"])
    assert abs(until - datetime.now(UTC) - timedelta(hours=12)) < timedelta(minutes=1)


@pytest.mark.parametrize(("idle", "keep", "seconds"), [(60, 0, 3600), (10, 120, 125 * 60)])
def test_an_idle_cluster_ends_but_not_while_it_is_kept(plan_of, now, idle, keep, seconds):
    plan = plan_of({"cluster": {"idle_minutes": idle, "keep_cluster_minutes": keep}})
    assert cluster.request(plan, now)["AutoTerminationPolicy"] == {"IdleTimeout": seconds}


def test_gpus_are_named_on_gpu_types_only(plan_of, now):
    request = cluster.request(plan_of(), now)
    (primary,) = fleets(request)["MASTER"]["InstanceTypeConfigs"]
    (core,) = fleets(request)["CORE"]["InstanceTypeConfigs"]
    assert "Configurations" not in primary
    per_type = {each["Classification"]: each for each in core["Configurations"]}
    assert per_type["yarn-site"]["Properties"]["yarn.nodemanager.resource-plugins"] == "yarn.io/gpu"
    assert {each["Classification"] for each in per_type["container-executor"]["Configurations"]} == {"gpu", "cgroups"}
    everywhere = {each["Classification"]: each["Properties"] for each in request["Configurations"]}
    assert everywhere["yarn-site"] == {"yarn.resource-types": "yarn.io/gpu"}
    assert everywhere["capacity-scheduler"]["yarn.scheduler.capacity.resource-calculator"].endswith(
        "DominantResourceCalculator"
    )
    assert "SQLPlugin" not in str(request)


def test_cpu_clusters_know_nothing_of_gpus(plan_of, now):
    plan = plan_of({"cluster": {"core_type": "m7i.2xlarge"}})
    assert "gpu" not in str(cluster.request(plan, now)).lower()
    assert "resource.gpu" not in str([cluster.step(plan, name) for name in STEPS])


def test_spot_falls_back_to_on_demand(plan_of, now):
    core = fleets(cluster.request(plan_of({"cluster": {"gpu_count": 3}}), now))["CORE"]
    assert core["TargetSpotCapacity"] == 3
    assert "TargetOnDemandCapacity" not in core
    assert core["LaunchSpecifications"]["SpotSpecification"]["TimeoutAction"] == "SWITCH_TO_ON_DEMAND"
    core = fleets(cluster.request(plan_of({"cluster": {"gpu_count": 3, "spot": False}}), now))["CORE"]
    assert core["TargetOnDemandCapacity"] == 3
    assert "LaunchSpecifications" not in core


def test_the_cluster_waits_for_steps_and_may_be_ended(plan_of, now):
    request = cluster.request(plan_of(), now)
    assert request["Instances"]["KeepJobFlowAliveWhenNoSteps"] is True
    assert request["Instances"]["TerminationProtected"] is False
    assert request["ReleaseLabel"] == "emr-7.14.0"
    assert request["LogUri"] == "s3://lake/logs/"
    assert request["Instances"]["Ec2SubnetIds"] == ["subnet-1", "subnet-2"]
    assert "SecurityConfiguration" not in request


def options(arguments, name):
    return [arguments[index + 1] for index, word in enumerate(arguments) if word == name]


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_one_spark_submit_with_the_plans_uri(plan_of, name):
    step = cluster.step(plan_of(folder="s3://lake/runs/r"), name)
    assert step["ActionOnFailure"] == "CONTINUE"
    assert step["HadoopJarStep"]["Jar"] == "command-runner.jar"
    arguments = step["HadoopJarStep"]["Args"]
    assert arguments[:7] == ["spark-submit", "--deploy-mode", "cluster", "--master", "yarn", "--name", name]
    assert arguments[-3:] == [f"s3://artifacts/jobs/{name}.py", "--plan", "s3://lake/runs/r/plan.json"]
    assert options(arguments, "--jars") == [",".join(f"s3://artifacts/jars/{jar}" for jar in JARS)]
    assert options(arguments, "--py-files") == ["s3://artifacts/claylake.zip"]
    conf = dict(pair.split("=", 1) for pair in options(arguments, "--conf"))
    for key in ("spark.pyspark.python", "spark.pyspark.driver.python", "spark.yarn.appMasterEnv.PYSPARK_PYTHON"):
        assert conf[key] == "/usr/bin/python3.11"
    assert conf["spark.dynamicAllocation.enabled"] == "false"
    assert ("spark.executor.resource.gpu.amount" in conf) == (name == "embed")


@pytest.mark.parametrize("core", ["g4dn.xlarge", "g5.xlarge", "g6.2xlarge", "m7i.xlarge", "r7i.xlarge", "c7i.xlarge"])
@pytest.mark.parametrize("name", STEPS)
def test_driver_and_executor_fit_one_node(plan_of, core, name):
    from claylake.instances import instance

    plan = plan_of({"cluster": {"core_type": core}})
    conf = dict(pair.split("=", 1) for pair in options(cluster.step(plan, name)["HadoopJarStep"]["Args"], "--conf"))
    keys = ("executor.memory", "executor.memoryOverhead", "driver.memory", "driver.memoryOverhead")
    used = sum(int(conf[f"spark.{key}"].removesuffix("g")) for key in keys)
    assert used <= instance(core).yarn_gib
    assert int(conf["spark.executor.cores"]) + 1 <= instance(core).vcpus


def test_one_gpu_executor_per_gpu(plan_of):
    sections = {
        "cluster": {"core_type": "g5.12xlarge", "gpu_count": 2},
        "prices": {"instance_usd_h": {"g5.12xlarge": 5.7, "m7i.xlarge": 0.2}},
    }
    plan = plan_of(sections)
    conf = dict(pair.split("=", 1) for pair in options(cluster.step(plan, "embed")["HadoopJarStep"]["Args"], "--conf"))
    assert conf["spark.executor.instances"] == "8"
    conf = dict(
        pair.split("=", 1) for pair in options(cluster.step(plan, "extract")["HadoopJarStep"]["Args"], "--conf")
    )
    assert conf["spark.executor.instances"] == "2"


@pytest.mark.parametrize("name", STEPS)
def test_a_steps_strings_stay_within_emrs_limit(plan_of, name):
    folder = "s3://" + "b" * 63 + "/runs/" + "d" * 250 + "/2024-07/" + "r" * 250
    step = cluster.step(plan_of(folder=folder), name)
    assert sum(len(argument) for argument in step["HadoopJarStep"]["Args"]) + len(step["Name"]) < MOST_CHARACTERS / 2


def test_an_unknown_step_names_the_known_ones(plan_of):
    with pytest.raises(BadInputError, match="there are extract, embed, publish, maintain"):
        cluster.step(plan_of(), "train")
