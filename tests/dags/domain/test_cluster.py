from datetime import UTC, datetime, timedelta

import botocore.loaders
import pytest
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from claylake.cluster import fleets, job_flow
from claylake.cluster.estimate import Workload
from claylake.cluster.layout_choice import cheapest
from claylake.cluster.shape import shape_of
from claylake.configuration.instances import instance
from claylake.configuration.settings import Settings, assemble
from claylake.errors import BadInputError
from claylake.plan import RunRef
from claylake.release import JARS
from claylake.vocabulary import STEPS
from tests.dags.domain import golden_requests

EMR = ServiceModel(botocore.loaders.Loader().load_service_model("emr", "service-2"))
MOST_CHARACTERS = 10_240


def validate(operation, arguments):
    report = ParamValidator().validate(arguments, EMR.operation_model(operation).input_shape)
    assert not report.has_errors(), report.generate_report()


def fleets_of(request):
    return {fleet["InstanceFleetType"]: fleet for fleet in request["Instances"]["InstanceFleets"]}


@pytest.mark.parametrize("layout", golden_requests.LAYOUTS)
def test_requests_are_the_reviewed_ones(layout):
    """A difference is to be read line by line; `golden_requests` says how the files are written anew."""
    assert (golden_requests.FOLDER / f"{layout}.json").read_text() == golden_requests.text(layout)


@pytest.mark.parametrize("layout", golden_requests.LAYOUTS)
@pytest.mark.parametrize("more", [{}, {"spot": False, "gpu_count": 4}, {"keep_cluster_minutes": 720}])
def test_emr_takes_the_requests(plan_of, now, layout, more):
    plan = plan_of({"cluster": {"layout": layout, **more}})
    validate("RunJobFlow", job_flow.request(plan, now))
    validate("AddJobFlowSteps", {"JobFlowId": "j-1", "Steps": [job_flow.step(plan, name) for name in STEPS]})
    for operation, arguments in golden_requests.requests(layout).items():
        validate(operation, arguments)


def test_names_are_the_runs_own(plan_of):
    plan, again = plan_of(), plan_of(work="vectors")
    other = plan_of(run=RunRef(dag_id="claylake__town", run_id="manual__1"))
    assert job_flow.name(plan) == job_flow.name(again) != job_flow.name(other)
    assert job_flow.name(plan).startswith("claylake town 2024-07 ")
    names = {job_flow.step(plan, name)["Name"] for name in STEPS}
    assert len(names) == len(STEPS)
    assert names == {job_flow.step(again, name)["Name"] for name in STEPS}
    assert names.isdisjoint(job_flow.step(other, name)["Name"] for name in STEPS)


def test_a_cluster_bears_the_name_of_its_deployment(plan_of):
    plan = plan_of()
    staged = plan_of({"deployed": {**plan.deployed.model_dump(mode="json"), "stage": "claylake-prod"}})
    assert job_flow.tags(staged) == {**job_flow.tags(plan), "claylake:deployment": "claylake-prod"}


def test_tags_find_the_run(plan_of, now):
    plan = plan_of()
    assert job_flow.tags(plan) == {
        "claylake:pipeline": "claylake",
        "claylake:dag_id": "claylake__town",
        "claylake:run_id": "scheduled__2024-08-11T00:00:00+00:00",
        "claylake:aoi": "town",
    }
    tags = {tag["Key"]: tag["Value"] for tag in job_flow.request(plan, now)["Tags"]}
    assert tags == {
        **job_flow.tags(plan),
        "claylake:max-until": "2024-08-12T00:00:00+00:00",
        "for-use-with-amazon-emr-managed-policies": "true",
    }
    long = plan_of(run=RunRef(dag_id="d", run_id="r" * 400))
    assert all(len(value) <= 256 for value in job_flow.tags(long).values())


def test_without_a_clock_the_life_counts_from_now(plan_of):
    before = datetime.now(UTC).replace(microsecond=0)
    tags = {tag["Key"]: tag["Value"] for tag in job_flow.request(plan_of())["Tags"]}
    until = datetime.fromisoformat(tags["claylake:max-until"])
    assert before <= until - timedelta(hours=12) <= datetime.now(UTC)


@pytest.mark.parametrize(("idle", "keep", "seconds"), [(60, 0, 3600), (10, 120, 125 * 60)])
def test_an_idle_cluster_ends_but_not_while_it_is_kept(plan_of, now, idle, keep, seconds):
    plan = plan_of({"cluster": {"idle_minutes": idle, "keep_cluster_minutes": keep}})
    assert job_flow.request(plan, now)["AutoTerminationPolicy"] == {"IdleTimeout": seconds}


def test_waiting_for_gpus_is_no_idling(plan_of, now):
    """EMR does not count a resize as activity: first spot, then on-demand nodes must have time to come and boot."""
    plan = plan_of({"cluster": {"layout": "split", "idle_minutes": 5}})
    waits = 2 * (fleets.SPOT_WAIT_MIN + fleets.BOOT_MIN)
    assert job_flow.request(plan, now)["AutoTerminationPolicy"]["IdleTimeout"] > waits * 60


def classifications(found):
    return {each["Classification"]: each for each in found}


def types_of(*fleets):
    return [kind for fleet in fleets for kind in fleet["InstanceTypeConfigs"]]


def yarn_of(kind):
    return classifications(kind["Configurations"])["yarn-site"]["Properties"]


def test_with_gpus_everywhere_their_settings_are_the_clusters(plan_of, now):
    """As AWS documents it; what the nodes need and what the resource manager needs stand together."""
    request = job_flow.request(plan_of(), now)
    for kind in types_of(fleets_of(request)["CORE"]):
        assert set(classifications(kind["Configurations"])) == {"yarn-site"}
    found = classifications(request["Configurations"])
    assert found["spark"]["Properties"] == {"enableSparkRapids": "true"}
    assert found["yarn-site"]["Properties"]["yarn.nodemanager.resource-plugins"] == "yarn.io/gpu"
    assert found["yarn-site"]["Properties"]["yarn.resource-types"] == "yarn.io/gpu"
    assert set(classifications(found["container-executor"]["Configurations"])) == {"gpu", "cgroups"}
    scheduler = found["capacity-scheduler"]["Properties"]["yarn.scheduler.capacity.resource-calculator"]
    assert scheduler.endswith("DominantResourceCalculator")
    assert "SQLPlugin" not in str(request)


def test_with_gpus_on_some_nodes_their_settings_are_those_types_alone(plan_of, now):
    """A NodeManager that is told to use GPUs and finds none exits."""
    plan = plan_of({"cluster": {"layout": "split"}})
    request, joining = job_flow.request(plan, now), job_flow.gpu_fleet(plan)
    everywhere = classifications(request["Configurations"])
    assert everywhere["yarn-site"]["Properties"]["yarn.resource-types"] == "yarn.io/gpu"
    assert "capacity-scheduler" in everywhere
    assert "nodemanager.resource-plugins" not in str(request)
    for kind in types_of(fleets_of(request)["CORE"]):
        assert set(classifications(kind["Configurations"])) == {"yarn-site"}
    assert len(types_of(joining)) == 4
    for kind in types_of(joining):
        found = classifications(kind["Configurations"])
        assert found["yarn-site"]["Properties"]["yarn.nodemanager.resource-plugins"] == "yarn.io/gpu"
        assert set(classifications(found["container-executor"]["Configurations"])) == {"gpu", "cgroups"}


@pytest.mark.parametrize("layout", golden_requests.LAYOUTS)
def test_yarns_memory_is_stated_for_each_type_and_the_largest_container_for_the_cluster(plan_of, now, layout):
    """A container larger than what the resource manager grants would be refused, however large the node is."""
    plan = plan_of({"cluster": {"layout": layout, "gpu_count": 4, "cpu_count": 4}})
    request, joining = job_flow.request(plan, now), job_flow.gpu_fleet(plan)
    cluster = classifications(request["Configurations"])["yarn-site"]["Properties"]
    kinds = types_of(fleets_of(request)["CORE"], *([joining] if joining else []))
    for kind in kinds:
        yarn = yarn_of(kind)
        assert yarn["yarn.nodemanager.resource.memory-mb"] == str(instance(kind["InstanceType"]).yarn_mib)
        assert yarn["yarn.nodemanager.resource.cpu-vcores"] == str(instance(kind["InstanceType"]).vcpus)
        assert yarn.items() >= cluster.items()
    for limit, stated in (("maximum-allocation-mb", "memory-mb"), ("maximum-allocation-vcores", "cpu-vcores")):
        largest = max(int(yarn_of(kind)[f"yarn.nodemanager.resource.{stated}"]) for kind in kinds)
        assert int(cluster[f"yarn.scheduler.{limit}"]) == largest


@pytest.mark.parametrize(
    ("gib", "emrs"), [(7.5, 5_632), (15, 11_520), (30.5, 23_424), (60, 53_248), (122, 116_736), (244, 241_664)]
)
def test_no_more_is_stated_than_emrs_own_share(gib, emrs):
    """AWS's table "Task configuration": c3.xlarge, c3.2xlarge, i2.xlarge, c3.8xlarge, i2.4xlarge and d2.8xlarge."""
    for name in ("c7i.xlarge", "m7i.xlarge", "g6.2xlarge", "r7i.2xlarge", "g5.12xlarge"):
        kind = instance(name)
        if kind.memory_gib >= gib:
            continue
        assert kind.yarn_mib / kind.memory_gib <= emrs / gib


@pytest.mark.parametrize("name", ["c4.xlarge", "m4.2xlarge", "r3.2xlarge", "inf1.xlarge"])
def test_a_type_with_less_memory_than_its_name_says_is_refused(name):
    with pytest.raises(BadInputError, match=f"{name}: its memory is not known"):
        instance(name)


@pytest.mark.parametrize(
    ("cpu_types", "count"), [(["c7i.large"], 1), (["m7i.large", "c7i.xlarge"], 2), (["c5.large", "m7i.xlarge"], 4)]
)
def test_types_that_cannot_hold_driver_and_executors_are_refused_by_the_plan(cpu_types, count):
    prices = {"instance_usd_h": dict.fromkeys([*cpu_types, "m7i.xlarge"], 1.0)}
    settings = assemble(
        {"x": {"cluster": {"layout": "cpu", "cpu_types": cpu_types, "cpu_count": count}, "prices": prices}}
    )
    with pytest.raises(BadInputError, match="too little memory beside"):
        cheapest(Workload(scenes=1, cells=1, candidates=1, chips=1, vectors=1), settings)


@pytest.mark.parametrize("layout", golden_requests.LAYOUTS)
def test_every_fleet_offers_several_types_of_several_sizes(plan_of, now, layout):
    plan = plan_of({"cluster": {"layout": layout, "gpu_count": 4, "cpu_count": 2}})
    joining = job_flow.gpu_fleet(plan)
    for fleet in (fleets_of(job_flow.request(plan, now))["CORE"], *([joining] if joining else [])):
        names = [kind["InstanceType"] for kind in fleet["InstanceTypeConfigs"]]
        assert len(names) >= 4
        assert len({name.partition(".")[2] for name in names}) >= 2


def test_no_node_is_more_than_the_fleet_is_to_have_unless_all_are(plan_of):
    def names(**cluster):
        return [kind.name for kind in shape_of(plan_of({"cluster": cluster}).settings.cluster, "all_gpu").core.types]

    assert names(gpu_count=3) == ["g6.2xlarge", "g5.2xlarge", "g6.4xlarge", "g5.4xlarge"]
    assert names(gpu_count=1, gpu_types=["g5.12xlarge"]) == ["g5.12xlarge"]


@pytest.mark.parametrize("layout", ["all_gpu", "cpu"])
def test_nodes_join_in_the_split_layout_only(plan_of, layout):
    assert job_flow.gpu_fleet(plan_of({"cluster": {"layout": layout}})) is None


def test_cpu_clusters_know_nothing_of_gpus(plan_of, now):
    plan = plan_of({"cluster": {"layout": "cpu"}})
    assert "gpu" not in str(job_flow.request(plan, now)).lower()
    assert "resource.gpu" not in str([job_flow.step(plan, name) for name in STEPS])


def test_the_chosen_layout_is_the_one_that_is_made(plan_of, now):
    plan = plan_of({"cluster": {"compute": "auto"}})
    plan = plan.model_copy(
        update={"estimate": cheapest(Workload(scenes=1, cells=1, candidates=1, chips=1, vectors=1), plan.settings)}
    )
    assert plan.layout == "cpu"
    core = fleets_of(job_flow.request(plan, now))["CORE"]
    assert {kind["InstanceType"] for kind in core["InstanceTypeConfigs"]} <= set(plan.settings.cluster.cpu_types)
    assert "resource.gpu" not in str(job_flow.step(plan, "embed"))


def test_spot_falls_back_to_on_demand(plan_of, now):
    core = fleets_of(job_flow.request(plan_of({"cluster": {"gpu_count": 3}}), now))["CORE"]
    assert (core["TargetSpotCapacity"], core["TargetOnDemandCapacity"]) == (3, 0)
    spot = core["LaunchSpecifications"]["SpotSpecification"]
    assert (spot["TimeoutAction"], spot["AllocationStrategy"]) == ("SWITCH_TO_ON_DEMAND", "price-capacity-optimized")
    core = fleets_of(job_flow.request(plan_of({"cluster": {"gpu_count": 3, "spot": False}}), now))["CORE"]
    assert (core["TargetSpotCapacity"], core["TargetOnDemandCapacity"]) == (0, 3)
    assert set(core["LaunchSpecifications"]) == {"OnDemandSpecification"}


def test_the_primary_node_is_never_spot(plan_of, now):
    primary = fleets_of(job_flow.request(plan_of(), now))["MASTER"]
    assert (primary["TargetSpotCapacity"], primary["TargetOnDemandCapacity"]) == (0, 1)


@pytest.mark.parametrize(
    ("store_gb", "fixed", "gib"),
    [(0, None, 40), (0.01, None, 50), (40, None, 100), (10_000, None, 2000), (40, 300, 300)],
)
def test_disks_follow_what_is_stored(plan_of, now, store_gb, fixed, gib):
    """Two nodes share it; a size in the settings wins."""
    plan = plan_of({"cluster": {"gpu_count": 2, "ebs_gib": fixed}})
    plan = plan.model_copy(update={"estimate": plan.estimate.model_copy(update={"store_gb": store_gb})})
    core = fleets_of(job_flow.request(plan, now))["CORE"]
    for kind in core["InstanceTypeConfigs"]:
        [disk] = kind["EbsConfiguration"]["EbsBlockDeviceConfigs"]
        assert disk["VolumeSpecification"] == {"VolumeType": "gp3", "SizeInGB": gib, "Throughput": 250}


RELEASE = "0123456789abcdef" * 4


@pytest.mark.parametrize(("layout", "embed_on"), [("all_gpu", "gpu"), ("split", "gpu"), ("cpu", "workers")])
def test_nodes_are_prepared_from_a_release_and_check_it(plan_of, now, layout, embed_on):
    plan = plan_of({"cluster": {"layout": layout}, "deployed": {"release": RELEASE}})
    [action] = job_flow.request(plan, now)["BootstrapActions"]
    script = action["ScriptBootstrapAction"]
    assert script["Path"] == "s3://artifacts/bin/bootstrap.sh"
    assert script["Args"] == ["s3://artifacts", RELEASE, embed_on]


def test_without_a_release_nodes_need_no_preparation(plan_of, now):
    assert job_flow.request(plan_of(), now)["BootstrapActions"] == []


def test_security_groups_are_the_deployed_ones(plan_of, now):
    groups = {"primary": "sg-1", "core": "sg-2", "service_access": "sg-3"}
    instances = job_flow.request(plan_of({"deployed": {"security_groups": groups}}), now)["Instances"]
    assert instances["EmrManagedMasterSecurityGroup"] == "sg-1"
    assert instances["EmrManagedSlaveSecurityGroup"] == "sg-2"
    assert instances["ServiceAccessSecurityGroup"] == "sg-3"
    assert "ServiceAccessSecurityGroup" not in job_flow.request(plan_of(), now)["Instances"]


def test_quiet_logs_still_name_the_application(plan_of, now):
    """By it alone a failed step's own log is found (`step_log`)."""
    found = classifications(job_flow.request(plan_of(), now)["Configurations"])["spark-log4j2"]["Properties"]
    assert found["rootLogger.level"] == "warn"
    assert found["logger.yarnclient.name"] == "org.apache.spark.deploy.yarn.Client"
    assert found["logger.yarnclient.level"] == "info"


def test_the_cluster_waits_for_steps_and_may_be_ended(plan_of, now):
    request = job_flow.request(plan_of(), now)
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
    step = job_flow.step(plan_of(folder="s3://lake/runs/r"), name)
    assert step["ActionOnFailure"] == "CONTINUE"
    assert step["HadoopJarStep"]["Jar"] == "command-runner.jar"
    arguments = step["HadoopJarStep"]["Args"]
    assert arguments[:7] == ["spark-submit", "--deploy-mode", "cluster", "--master", "yarn", "--name", name]
    assert arguments[-3:] == [f"s3://artifacts/jobs/{name}.py", "--plan", "s3://lake/runs/r/plan.json"]
    assert options(arguments, "--jars") == [",".join(f"s3://artifacts/jars/{jar}" for jar in JARS)]
    assert options(arguments, "--py-files") == ["s3://artifacts/claylake.zip"]
    conf = dict(pair.split("=", 1) for pair in options(arguments, "--conf"))
    for key in ("spark.pyspark.python", "spark.pyspark.driver.python", "spark.yarn.appMasterEnv.PYSPARK_PYTHON"):
        assert conf[key] == "/opt/claylake/python/bin/python"
    assert conf["spark.dynamicAllocation.enabled"] == "false"
    assert conf["spark.yarn.maxAppAttempts"] == "1"
    assert ("spark.executor.resource.gpu.amount" in conf) == (name == "embed")


def conf_of(plan, name):
    return dict(pair.split("=", 1) for pair in options(job_flow.step(plan, name)["HadoopJarStep"]["Args"], "--conf"))


PRICES = {"instance_usd_h": {**Settings().prices.instance_usd_h, "g5.12xlarge": 5.7, "m7i.4xlarge": 0.8}}
MIXED = {"gpu_types": ["g4dn.xlarge", "g5.12xlarge"], "cpu_types": ["c7i.xlarge", "m7i.4xlarge"]}


@pytest.mark.parametrize("layout", golden_requests.LAYOUTS)
@pytest.mark.parametrize("types", [{}, MIXED], ids=["alike", "mixed"])
@pytest.mark.parametrize("name", STEPS)
def test_driver_and_executors_fit_a_node_of_every_type(plan_of, layout, types, name):
    """All executors that a node's units stand for, and the driver, on the node that YARN puts it on; and 512 MiB."""
    plan = plan_of({"cluster": {"layout": layout, "gpu_count": 4, "cpu_count": 4, **types}, "prices": PRICES})
    shape, conf = shape_of(plan.settings.cluster, layout), conf_of(plan, name)
    nodes = shape.embedders if name == "embed" else shape.core

    def mib(of):
        return 1024 * sum(int(conf[f"spark.{of}.{key}"].removesuffix("g")) for key in ("memory", "memoryOverhead"))

    for kind in nodes.types:
        assert nodes.weight(kind) * mib("executor") + mib("driver") + 512 <= kind.yarn_mib
        assert nodes.weight(kind) * int(conf["spark.executor.cores"]) + 1 <= kind.vcpus
    for kind in shape.core.types:
        assert mib("driver") + 512 <= kind.yarn_mib


@pytest.mark.parametrize("name", STEPS)
def test_driver_and_workers_call_aws_in_the_deployments_region(plan_of, name):
    """`boto3` reads the first name, GDAL and Java the second; EMR sets neither in containers."""
    conf = conf_of(plan_of({"deployed": {"region": "eu-central-1"}}), name)
    for place in ("spark.yarn.appMasterEnv", "spark.executorEnv"):
        for variable in ("AWS_DEFAULT_REGION", "AWS_REGION"):
            assert conf[f"{place}.{variable}"] == "eu-central-1"


def test_one_gpu_executor_per_gpu(plan_of):
    plan = plan_of({"cluster": {"gpu_types": ["g5.12xlarge"], "gpu_count": 8}, "prices": PRICES})
    assert [conf_of(plan, name)["spark.executor.instances"] for name in STEPS] == ["8"] * 4
    core = fleets_of(job_flow.request(plan))["CORE"]
    assert core["TargetSpotCapacity"] == 8
    assert [kind["WeightedCapacity"] for kind in core["InstanceTypeConfigs"]] == [4]


def test_larger_cpu_types_count_for_more(plan_of):
    cpus = {"layout": "cpu", "cpu_types": ["m7i.2xlarge", "m7i.4xlarge"], "cpu_count": 4}
    plan = plan_of({"cluster": cpus, "prices": PRICES})
    core = fleets_of(job_flow.request(plan))["CORE"]
    assert [kind["WeightedCapacity"] for kind in core["InstanceTypeConfigs"]] == [1, 2]
    nodes = shape_of(plan.settings.cluster, "cpu").core
    assert [nodes.count(instance(name)) for name in plan.settings.cluster.cpu_types] == [4, 2]


def test_in_the_split_layout_only_embedding_wants_gpus(plan_of):
    plan = plan_of({"cluster": {"layout": "split", "gpu_count": 2, "cpu_count": 5}})
    instances = {name: conf_of(plan, name)["spark.executor.instances"] for name in STEPS}
    assert instances == {"extract": "5", "embed": "2", "publish": "5", "maintain": "5"}
    assert {name for name in STEPS if "spark.executor.resource.gpu.amount" in conf_of(plan, name)} == {"embed"}


@pytest.mark.parametrize("name", STEPS)
def test_a_steps_strings_stay_within_emrs_limit(plan_of, name):
    deployed = {"artifacts": "s3://" + "b" * 63 + "/artifacts/0123456789ab", "python": "/" + "p" * 100}
    folder = "s3://" + "b" * 63 + "/runs/" + "d" * 250 + "/2024-07/" + "r" * 250
    step = job_flow.step(plan_of({"deployed": deployed}, folder=folder), name)
    assert sum(len(argument) for argument in step["HadoopJarStep"]["Args"]) + len(step["Name"]) < MOST_CHARACTERS / 3


def test_an_unknown_step_names_the_known_ones(plan_of):
    with pytest.raises(BadInputError, match="there are extract, embed, publish, maintain"):
        job_flow.step(plan_of(), "train")
