"""What each stack holds."""

import hashlib
import json
from collections import Counter

import pytest
import yaml
from aws_cdk.assertions import Match, Template

from claylake.configuration.settings import assemble
from claylake.errors import SettingsError
from tests.infra.cdk.conftest import changed
from tests.infra.cdk.dist import FILES
from tests.infra.cdk.templates import ACCOUNT, REGION

pytestmark = pytest.mark.slow

KINDS = ("network", "lake", "compute", "airflow", "guard")


def digest(data):
    return hashlib.sha256(data).hexdigest()


def template(stage, kind):
    return Template.from_json(stage.documents[kind])


def test_there_are_five_stacks_and_all_that_can_bear_tags_does(stage):
    assert set(stage.documents) == set(KINDS)
    untagged = [
        (kind, name)
        for kind, name, resource in stage.everything()
        # CDK's own emptier of buckets takes no tags.
        if "Tags" not in resource.get("Properties", {})
        and resource["Type"] in TAGGABLE
        and not name.startswith("CustomS3AutoDelete")
    ]
    assert untagged == []
    for kind, name, resource in stage.everything():
        tags = resource.get("Properties", {}).get("Tags")
        if tags:
            pairs = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
            assert pairs["claylake:pipeline"] == "claylake", (kind, name)
            assert pairs["claylake:deployment"] == stage.stage


TAGGABLE = {
    "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::NatGateway", "AWS::EC2::SecurityGroup", "AWS::S3::Bucket",
    "AWS::KMS::Key", "AWS::IAM::Role", "AWS::Lambda::Function", "AWS::Logs::LogGroup", "AWS::MWAA::Environment",
    "AWS::SNS::Topic", "AWS::CloudWatch::Alarm",
}  # fmt: skip


def test_stages_differ_in_values_and_not_in_kind(sandbox, production):
    def kinds(stage):
        return {
            kind: Counter(one["Type"] for one in document["Resources"].values())
            for kind, document in stage.documents.items()
        }

    mine, theirs = kinds(sandbox), kinds(production)
    only_here = {kind: mine[kind] - theirs[kind] for kind in KINDS}
    only_there = {kind: theirs[kind] - mine[kind] for kind in KINDS}
    # Buckets of a sandbox are emptied with it; production has a way out and endpoints in each zone.
    assert set(only_here["lake"]) == {"Custom::S3AutoDeleteObjects", "AWS::IAM::Role", "AWS::Lambda::Function"}
    assert set(only_there["network"]) <= {
        "AWS::EC2::VPCEndpoint", "AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::SecurityGroup"
    }  # fmt: skip
    for kind in KINDS:
        assert kind == "lake" or not only_here[kind]
        assert kind == "network" or not only_there[kind]


def test_network_is_private_and_has_a_way_out(stage):
    subnets = stage.resources("network", "AWS::EC2::Subnet").values()
    assert len(subnets) == 4
    assert not any(subnet.get("MapPublicIpOnLaunch") for subnet in subnets)
    assert {subnet["AvailabilityZone"] for subnet in subnets} == {REGION + "a", REGION + "b"}
    network = template(stage, "network")
    network.has_resource_properties("AWS::EC2::FlowLog", {"TrafficType": "ALL"})
    network.has_resource_properties("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"})


def test_only_production_pays_for_endpoints(sandbox, production):
    def interfaces(stage):
        endpoints = stage.resources("network", "AWS::EC2::VPCEndpoint").values()
        return {one["ServiceName"].split(f"{REGION}.")[1] for one in endpoints if one["VpcEndpointType"] == "Interface"}

    assert interfaces(sandbox) == set()
    assert {
        "airflow.api",
        "airflow.env",
        "elasticmapreduce",
        "glue",
        "sqs",
        "logs",
        "kms",
        "monitoring",
        "sts",
    } <= interfaces(production)
    assert len(sandbox.resources("network", "AWS::EC2::NatGateway")) == 1
    assert len(production.resources("network", "AWS::EC2::NatGateway")) == 2
    (group,) = production.resources("network", "AWS::EC2::SecurityGroup").values()
    assert [(rule["CidrIp"], rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupIngress"]] == [
        ("10.80.0.0/16", 443, 443)
    ]


def test_an_existing_network_is_used_as_it_is(synth):
    made = synth(
        changed(
            "sandbox",
            network={
                "vpc_id": "vpc-0123456789abcdef0",
                "subnet_ids": ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"],
                "availability_zones": ["us-west-2a", "us-west-2c"],
            },
        )
    )
    assert set(made.documents) == {"lake", "compute", "airflow", "guard"}
    assert not [name for _, name, one in made.everything() if one["Type"] in {"AWS::EC2::VPC", "AWS::EC2::Subnet"}]
    network = made.only("airflow", "AWS::MWAA::Environment")["NetworkConfiguration"]
    assert network["SubnetIds"] == ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"]
    assert {one["VpcId"] for one in made.resources("compute", "AWS::EC2::SecurityGroup").values()} == {
        "vpc-0123456789abcdef0"
    }
    service = made.statements(f"{made.stage}-emr-service")
    assert f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/subnet-0bbbbbbbbbbbbbbbb" in service[0]["Resource"]


def buckets(stage):
    return {one["BucketName"].split("-")[-5]: one for one in stage.resources("lake", "AWS::S3::Bucket").values()}


def test_buckets_are_private_encrypted_and_logged(stage):
    found = buckets(stage)
    assert set(found) == {"lake", "logs", "airflow"}
    for bucket in found.values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        rules = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert len(rules) == 1
    for what in ("lake", "airflow"):
        (rule,) = found[what]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert found[what]["LoggingConfiguration"]["DestinationBucketName"] == found["logs"]["BucketName"]
    assert found["airflow"]["VersioningConfiguration"] == {"Status": "Enabled"}
    for policy in stage.resources("lake", "AWS::S3::BucketPolicy").values():
        denials = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [one["Condition"] for one in denials]


def test_no_lifecycle_rule_reaches_tables_or_runs(stage):
    found = buckets(stage)
    for rule in found["lake"]["LifecycleConfiguration"]["Rules"]:
        if rule.get("Prefix") == "queue/":
            assert rule["ExpirationInDays"] == 1
            continue
        assert set(rule) <= {"Id", "Status", "AbortIncompleteMultipartUpload"}, rule
    for rule in found["airflow"]["LifecycleConfiguration"]["Rules"]:
        assert "ExpirationInDays" not in rule
        # The environment names versions of these two, which may be old.
        if "NoncurrentVersionExpiration" in rule:
            assert not any(name.startswith(rule["Prefix"]) for name in ("requirements.txt", "plugins.zip"))


def test_what_is_protected_stays_unless_its_creation_fails(sandbox, production):
    for stage, fate in ((sandbox, "Delete"), (production, "RetainExceptOnCreate")):
        for kind, name, resource in stage.everything():
            if resource["Type"] in {"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Glue::Database"}:
                assert resource["DeletionPolicy"] == fate, (kind, name)
            else:
                assert resource.get("DeletionPolicy", "Delete") == "Delete", (kind, name)
    manifest = json.loads((production.assembly / "manifest.json").read_text())
    stacks = [one["properties"] for one in manifest["artifacts"].values() if one["type"] == "aws:cloudformation:stack"]
    assert len(stacks) == 5
    assert all(one["terminationProtection"] for one in stacks)
    kept = production.documents["lake"]["Outputs"]["KeptWhenDestroyed"]["Value"]
    assert all(
        word in str(production.resolve("lake", kept))
        for word in ("claylake-lake-", "claylake-logs-", "database claylake")
    )
    assert "nothing" in sandbox.documents["lake"]["Outputs"]["KeptWhenDestroyed"]["Value"]


def test_optimizers_come_on_demand_with_the_settings_limits(sandbox, by_glue):
    assert not sandbox.resources("lake", "AWS::Glue::TableOptimizer")
    optimizers = list(by_glue.resources("lake", "AWS::Glue::TableOptimizer").values())
    assert Counter((one["TableName"], one["Type"]) for one in optimizers) == {
        (table, kind): 1
        for table in ("changes", "chips", "embeddings", "observations", "scenes")
        for kind in ("compaction", "retention", "orphan_file_deletion")
    }
    retention = next(one for one in optimizers if one["Type"] == "retention")["TableOptimizerConfiguration"]
    iceberg = retention["RetentionConfiguration"]["IcebergConfiguration"]
    # dist/mwaa/dags/settings.yaml says 9 days.
    assert iceberg["SnapshotRetentionPeriodInDays"] == 9
    statements = by_glue.statements("OptimizersRole")
    assert all("tables/*" in one["Resource"] or "s3:GetObject" not in one["Action"] for one in map(flat, statements))


def flat(statement):
    return {key: " ".join(value) if isinstance(value, list) else str(value) for key, value in statement.items()}


def test_clusters_are_encrypted_and_give_metadata_to_sessions_only(stage):
    security = stage.only("compute", "AWS::EMR::SecurityConfiguration")
    document = security["SecurityConfiguration"]
    encryption = document["EncryptionConfiguration"]
    assert encryption["EnableAtRestEncryption"]
    assert encryption["EnableInTransitEncryption"]
    assert encryption["AtRestEncryptionConfiguration"]["LocalDiskEncryptionConfiguration"]["EnableEbsEncryption"]
    certificate = encryption["InTransitEncryptionConfiguration"]["TLSCertificateConfiguration"]["S3Object"]
    (made,) = stage.resources("compute", "AWS::CloudFormation::CustomResource").values()
    assert certificate == f"s3://{made['Bucket']}/{made['Key']}"
    assert made["Domain"] == f"{REGION}.compute.internal"
    # us-east-1 has a domain of its own (VPC guide).
    (condition,) = stage.documents["compute"]["Conditions"].values()
    assert condition == {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}
    assert "ec2.internal" in json.dumps(stage.documents["compute"]["Resources"])
    assert document["InstanceMetadataServiceConfiguration"] == {
        "MinimumInstanceMetadataServiceVersion": 2, "HttpPutResponseHopLimit": 1
    }  # fmt: skip


def test_the_network_cards_may_do_the_encrypting_instead(synth):
    made = synth(changed("sandbox", compute={"in_transit": "nitro"}))
    security = made.only("compute", "AWS::EMR::SecurityConfiguration")
    assert not security["SecurityConfiguration"]["EncryptionConfiguration"]["EnableInTransitEncryption"]
    assert not made.resources("compute", "AWS::Lambda::Function")


def test_only_nodes_and_emr_reach_nodes(stage):
    rules = list(stage.resources("compute", "AWS::EC2::SecurityGroupIngress").values())
    inline = [
        rule
        for one in stage.resources("compute", "AWS::EC2::SecurityGroup").values()
        for rule in one.get("SecurityGroupIngress", [])
    ]
    assert inline == []
    ports = Counter((rule["IpProtocol"], rule.get("FromPort")) for rule in rules)
    # EMR guide, "EMR-managed security groups", private subnets: with all of these there, EMR adds none of its own.
    assert ports == {("tcp", 0): 4, ("udp", 0): 4, ("icmp", -1): 4, ("tcp", 8443): 2, ("tcp", 9443): 1}
    out = stage.resources("compute", "AWS::EC2::SecurityGroupEgress").values()
    assert [(rule["IpProtocol"], rule["FromPort"]) for rule in out] == [("tcp", 8443)] * 2
    assert all("SourceSecurityGroupId" in rule for rule in rules)


def test_airflow_takes_versions_and_starts_after_its_files(stage):
    document = stage.documents["airflow"]["Resources"]
    environment = stage.only("airflow", "AWS::MWAA::Environment")
    assert environment["AirflowVersion"] == "3.3.1"
    assert environment["DagS3Path"] == "dags"
    assert len(environment["NetworkConfiguration"]["SubnetIds"]) == 2
    (package,) = [name for name in document if name.startswith("CourierAirflowPackage")]
    assert environment["RequirementsS3ObjectVersion"] == f"<{package}.Version.requirements.txt>"
    assert environment["PluginsS3ObjectVersion"] == f"<{package}.Version.plugins.zip>"
    groups = {
        one["LogGroupName"]
        for one in stage.resources("airflow", "AWS::Logs::LogGroup").values()
        if "LogGroupName" in one
    }
    assert groups == {
        f"airflow-{stage.stage}-{kind}" for kind in ("DAGProcessing", "Scheduler", "Task", "WebServer", "Worker")
    }
    assert all(one["Enabled"] for one in environment["LoggingConfiguration"].values())


def test_web_access_and_sizes_are_the_stages(sandbox, production):
    def environment(stage):
        return stage.only("airflow", "AWS::MWAA::Environment")

    assert environment(sandbox)["WebserverAccessMode"] == "PUBLIC_AND_PRIVATE"
    assert environment(production)["WebserverAccessMode"] == "PRIVATE_ONLY"
    assert environment(sandbox)["EnvironmentClass"] == "mw1.small"
    assert environment(production)["EnvironmentClass"] == "mw1.medium"


def deliveries(stage):
    found = stage.resources("airflow", "AWS::CloudFormation::CustomResource")
    return {one["Name"]: (name, one) for name, one in found.items()}


def test_files_arrive_in_an_order_that_survives_an_upgrade(stage):
    document = stage.documents["airflow"]["Resources"]
    (environment,) = [name for name, one in document.items() if one["Type"] == "AWS::MWAA::Environment"]
    named = deliveries(stage)
    dags, _ = named["Dags"]
    assert {environment, named["Artefacts"][0]} <= set(document[dags]["DependsOn"])


def test_every_built_file_is_delivered_to_its_release(stage, dist):
    release = json.loads((dist / "manifest.json").read_text())["release"]
    _, artefacts = deliveries(stage)["Artefacts"]
    prefix = f"artifacts/{release[:12]}/"
    assert artefacts["Release"] == prefix
    wanted = {name: digest(data) for name, data in FILES.items() if not name.startswith("mwaa/")}
    delivered = {one["Key"].removeprefix(prefix): one["SourceKey"] for one in artefacts["Objects"]}
    assert set(delivered) == set(wanted)
    # CDK names assets by a digest of the digest that the manifest gives.
    assert all(delivered[name].startswith(digest(wanted[name].encode())) for name in wanted)
    _, package = deliveries(stage)["AirflowPackage"]
    assert {one["Key"] for one in package["Objects"]} == {"requirements.txt", "plugins.zip", "dags/constraints.txt"}


def test_deployed_json_is_what_the_settings_understand(stage, dist):
    _, dags = deliveries(stage)["Dags"]
    (text,) = dags["Texts"]
    assert text["Key"] == "dags/deployed.json"
    settings = assemble({"deployed.json": json.loads(text["Body"])})
    deployed = settings.where
    assert (deployed.arch, settings.cluster.layout) == ("cpu", "cpu")
    lake = f"s3://{stage.stage}-lake-{ACCOUNT}-{REGION}"
    assert (deployed.region, deployed.lake, deployed.stage) == (REGION, lake, stage.stage)
    assert deployed.artifacts.startswith(f"{lake}/artifacts/")
    assert deployed.release.startswith(deployed.artifacts.rpartition("/")[2])
    assert settings.encoder.model == "clay-v1.5"
    assert deployed.database == stage.only("lake", "AWS::Glue::Database")["DatabaseInput"]["Name"]
    assert deployed.security_configuration == stage.only("compute", "AWS::EMR::SecurityConfiguration")["Name"]
    roles = {one.get("RoleName") for one in stage.resources("compute", "AWS::IAM::Role").values()}
    assert {deployed.service_role, deployed.instance_profile} <= roles
    assert deployed.instance_profile == stage.only("compute", "AWS::IAM::InstanceProfile")["InstanceProfileName"]
    groups = stage.resources("compute", "AWS::EC2::SecurityGroup")
    assert {
        deployed.security_groups.primary,
        deployed.security_groups.core,
        deployed.security_groups.service_access,
    } == {f"sg-{name}" for name in groups}
    subnets = stage.only("airflow", "AWS::MWAA::Environment")["NetworkConfiguration"]["SubnetIds"]
    assert list(deployed.subnet_ids) == subnets


@pytest.fixture
def settings_of(dist):
    """Settings as DAGs of the deployment have them."""

    def settings(stage, **aoi):
        _, dags = deliveries(stage)["Dags"]
        document = yaml.safe_load(FILES["mwaa/dags/settings.yaml"])
        return assemble({"settings.yaml": document, "aoi": aoi, "deployed.json": json.loads(dags["Texts"][0]["Body"])})

    return settings


def test_dags_leave_maintenance_to_glue_if_and_only_if_it_does_it(sandbox, production, by_glue, settings_of):
    for stage in (sandbox, production):
        _, dags = deliveries(stage)["Dags"]
        assert json.loads(dags["Texts"][0]["Body"])["deployed"]["maintenance"] == "jobs", (
            "said, for no layer to say else"
        )
        assert settings_of(stage).where.optimizers is None
    assert settings_of(by_glue).where.maintenance == "glue"
    deployed = settings_of(by_glue).where.optimizers
    found = {one["Type"]: one for one in by_glue.resources("lake", "AWS::Glue::TableOptimizer").values()}
    assert {one["CatalogId"] for one in found.values()} == {deployed.catalog_id}
    configured = {kind: one["TableOptimizerConfiguration"] for kind, one in found.items()}
    retention = configured["retention"]["RetentionConfiguration"]["IcebergConfiguration"]
    orphans = configured["orphan_file_deletion"]["OrphanFileDeletionConfiguration"]["IcebergConfiguration"]
    assert deployed.snapshot_days == retention["SnapshotRetentionPeriodInDays"] == 9
    assert deployed.keep_snapshots == retention["NumberOfSnapshotsToRetain"]
    assert deployed.orphan_days == orphans["OrphanFileRetentionPeriodInDays"]
    with pytest.raises(SettingsError, match="snapshot_days 30"):
        settings_of(by_glue, maintenance={"snapshot_days": 30})


def test_trouble_is_told(stage):
    guard = template(stage, "guard")
    for state in ("TERMINATED_WITH_ERRORS", "FAILED", "SUSPENDED"):
        guard.has_resource_properties(
            "AWS::Events::Rule",
            {"EventPattern": {"source": ["aws.emr"], "detail": Match.object_like({"state": [state]})}},
        )
    alarms = {
        one["AlarmName"].removeprefix(f"{stage.stage}-"): one
        for one in stage.resources("guard", "AWS::CloudWatch::Alarm").values()
    }
    age, runs = alarms["cluster-age"], alarms["failed-runs"]
    # dist/mwaa/dags/settings.yaml lets clusters live for 6 hours.
    assert (age["Threshold"], age["TreatMissingData"], age["MetricName"]) == (7, "breaching", "OldestClusterHours")
    (query,) = runs["Metrics"]
    assert (
        query["Expression"]
        == f"SELECT COUNT(DAGDurationFailed) FROM \"AmazonMWAA\" WHERE Environment = '{stage.stage}'"
    )
    assert all(len(one["AlarmActions"]) == 1 for one in alarms.values())
    budget = stage.only("guard", "AWS::Budgets::Budget")
    kinds = {
        one["Notification"]["NotificationType"]: one["Notification"]["Threshold"]
        for one in budget["NotificationsWithSubscribers"]
    }
    assert kinds == {"ACTUAL": 80, "FORECASTED": 100}


def test_who_asked_for_it_is_written_to(synth):
    made = synth(changed("sandbox", guard={"emails": ["ops@example.org"]}))
    assert made.only("guard", "AWS::SNS::Subscription")["Endpoint"] == "ops@example.org"


@pytest.mark.parametrize("what", ["budgets", "cloudwatch", "events"])
def test_publishers_may_use_topic_and_key(stage, what):
    def principals(statement):
        service = statement["Principal"].get("Service", [])
        return service if isinstance(service, list) else [service]

    topic = stage.only("guard", "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    key = stage.only("lake", "AWS::KMS::Key")["KeyPolicy"]["Statement"]
    for statements in (topic, key):
        assert any(
            f"{what}.amazonaws.com" in principals(one) for one in statements if "Service" in str(one["Principal"])
        )
