"""Each role may do what its code does, and none of a list of dangerous things."""

import json

import pytest

from tests.infra.cdk.calls import emr_operations, recorded, recorded_by_glue, requests, tagged
from tests.infra.cdk.conftest import ROOT
from tests.infra.cdk.policy import Request, is_allowed
from tests.infra.cdk.templates import ACCOUNT, REGION

pytestmark = pytest.mark.slow

EMR_TAG = "for-use-with-amazon-emr-managed-policies"
TAGGED, BEING_TAGGED = {f"aws:ResourceTag/{EMR_TAG}": "true"}, {f"aws:RequestTag/{EMR_TAG}": "true"}
CALLERS = {"airflow": "airflow", "step": "emr-node"}
ELSEWHERE = "arn:aws:s3:::somebody-elses"


def ec2(resource):
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:{resource}"


def iam(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


@pytest.fixture
def names(stage):
    return names_of(stage)


def names_of(stage):
    def bucket(what):
        return f"{stage.stage}-{what}-{ACCOUNT}-{REGION}"

    (key,) = stage.resources("lake", "AWS::KMS::Key")
    return {
        "stage": stage.stage,
        "lake": bucket("lake"),
        "logs": bucket("logs"),
        "airflow": bucket("airflow"),
        "database": stage.only("lake", "AWS::Glue::Database")["DatabaseInput"]["Name"],
        "key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}",
        "service_role": iam(f"{stage.stage}-emr-service-{REGION}"),
        "node_role": iam(f"{stage.stage}-emr-node-{REGION}"),
    }


def statements(stage, role):
    return stage.statements(f"{stage.stage}-{role}-{REGION}")


@pytest.mark.parametrize("caller", CALLERS)
def test_roles_allow_what_runs_have_called(stage, names, caller):
    policy = statements(stage, CALLERS[caller])
    wanted = [request for call in recorded() if call["caller"] == caller for request in requests(call, names)]
    assert len(wanted) > 5
    assert [str(request) for request in wanted if not is_allowed(policy, request)] == []


def test_nodes_may_ask_for_optimizers_where_there_are_some_and_nowhere_else(by_glue, sandbox):
    names, calls = names_of(by_glue), recorded_by_glue()
    assert {call["operation"] for call in calls} == {"GetTableOptimizer", "ListTableOptimizerRuns"}
    wanted = [request for call in calls for request in requests(call, names)]
    policy, without = statements(by_glue, "emr-node"), statements(sandbox, "emr-node")
    assert [str(request) for request in wanted if not is_allowed(policy, request)] == []
    assert [str(request) for request in wanted if is_allowed(without, request)] == []
    for role in ("airflow", "emr-service"):
        assert not any(is_allowed(statements(by_glue, role), request) for request in wanted)


def test_optimizers_change_nothing_else_of_what_nodes_may(by_glue, sandbox):
    names, policy = names_of(by_glue), statements(by_glue, "emr-node")
    assert [one for one in policy if one["Sid"] != "WatchOptimizers"] == statements(sandbox, "emr-node")
    wanted = [request for call in recorded() if call["caller"] == "step" for request in requests(call, names)]
    assert [str(request) for request in wanted if not is_allowed(policy, request)] == []
    forbidden = [
        *dangerous(names, by_glue),
        *(
            Request(f"glue:{what}TableOptimizer", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/{names['database']}/chips")
            for what in ("Create", "Update", "Delete")
        ),
        Request("glue:GetTableOptimizer", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/{names['database']}/theirs"),
    ]
    assert [str(one) for one in forbidden if is_allowed(policy, one)] == []
    assert len(json.dumps(policy, separators=(",", ":"))) < 10_240


def test_airflow_may_make_every_call_that_its_code_names(stage, names):
    operations = emr_operations(ROOT / "plugins", ROOT / "dags")
    assert {"RunJobFlow", "ListClusters", "TerminateJobFlows", "CancelSteps"} <= operations
    policy = statements(stage, "airflow")
    calls = [{"service": "elasticmapreduce", "operation": name, "resource": "-"} for name in sorted(operations)]
    wanted = [request for call in calls for request in requests(call, names)]
    assert [str(request) for request in wanted if not is_allowed(policy, request)] == []


def test_airflow_reads_the_logs_of_failed_steps(stage, names):
    policy = statements(stage, "airflow")
    for operation in ("GetObject", "ListObjectsV2"):
        for request in requests({"service": "s3", "operation": operation, "resource": "claylake-local/logs"}, names):
            assert is_allowed(policy, request)


def test_mwaa_has_what_its_guide_asks_for(stage, names):
    policy = statements(stage, "airflow")
    bucket, log = (
        f"arn:aws:s3:::{names['airflow']}",
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:airflow-{stage.stage}-Task",
    )
    for request in (
        Request("s3:ListBucket", bucket),
        Request("s3:GetObjectVersion", f"{bucket}/requirements.txt"),
        Request("s3:GetBucketPublicAccessBlock", bucket),
        Request("s3:GetAccountPublicAccessBlock"),
        Request("logs:CreateLogStream", f"{log}:log-stream:any"),
        Request("logs:PutLogEvents", f"{log}:log-stream:any"),
        Request("logs:DescribeLogGroups"),
        Request("cloudwatch:PutMetricData", context={"cloudwatch:namespace": "AmazonMWAA"}),
        Request("airflow:PublishMetrics", f"arn:aws:airflow:{REGION}:{ACCOUNT}:environment/{stage.stage}"),
        Request("sqs:SendMessage", f"arn:aws:sqs:{REGION}:999999999999:airflow-celery-1234"),
        *(Request(f"kms:{what}", names["key"]) for what in ("Decrypt", "DescribeKey", "GenerateDataKey", "Encrypt")),
    ):
        assert is_allowed(policy, request), str(request)


def test_nodes_get_bootstrap_certificate_and_log_place(stage, names):
    policy = statements(stage, "emr-node")
    lake, logs = f"arn:aws:s3:::{names['lake']}", f"arn:aws:s3:::{names['logs']}"
    for request in (
        Request("s3:GetObject", f"{lake}/artifacts/0123/bin/bootstrap.sh"),
        Request("s3:GetObject", f"{lake}/certificates/nodes.zip"),
        Request("s3:PutObject", f"{logs}/emr/j-1/steps/s-1/stderr.gz"),
        Request("s3:GetObject", f"arn:aws:s3:::{REGION}.elasticmapreduce/libs/script-runner/script-runner.jar"),
    ):
        assert is_allowed(policy, request), str(request)


def test_airflow_may_tag_its_own_clusters_and_limit_their_idle_time(stage):
    """And those that RunJobFlow is to make, which have no id yet."""
    policy, clusters = statements(stage, "airflow"), f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster"
    wanted = tagged(stage.stage, "Request")
    for resource, context in ((f"{clusters}/*", wanted), (f"{clusters}/j-1", wanted | tagged(stage.stage))):
        assert is_allowed(policy, Request("elasticmapreduce:AddTags", resource, context)), resource
        assert is_allowed(policy, Request("elasticmapreduce:PutAutoTerminationPolicy", resource, context)), resource


def launch(stage):
    """Every resource of one launch from a template, with what its request says of it (EC2 checks each)."""
    subnets = [subnet for subnet in stage.resources("network", "AWS::EC2::Subnet") if "private" in subnet]
    groups = stage.resources("compute", "AWS::EC2::SecurityGroup")
    assert len(subnets) == 2
    assert len(groups) == 3
    return [
        *((ec2(f"subnet/subnet-{subnet}"), {}) for subnet in subnets),
        *((ec2(f"security-group/sg-{group}"), {}) for group in groups),
        (ec2("instance/*"), BEING_TAGGED),
        (ec2("volume/*"), BEING_TAGGED),
        (ec2("network-interface/*"), {}),
        (f"arn:aws:ec2:{REGION}::image/ami-1", {}),
        (ec2("launch-template/lt-1"), TAGGED),
    ]


@pytest.mark.parametrize("action", ["ec2:RunInstances", "ec2:CreateFleet"])
def test_emr_launches_tagged_nodes_in_its_subnets(stage, action):
    policy = statements(stage, "emr-service")
    for resource, context in launch(stage):
        assert is_allowed(policy, Request(action, resource, context)), resource


def test_emr_tags_watches_and_ends_its_own(stage, names):
    policy = statements(stage, "emr-service")
    group = next(iter(stage.resources("compute", "AWS::EC2::SecurityGroup")))
    for request in (
        Request("ec2:CreateLaunchTemplate", ec2("launch-template/*"), BEING_TAGGED),
        Request("ec2:CreateTags", ec2("instance/i-1"), {"ec2:CreateAction": "RunInstances"}),
        Request("ec2:CreateTags", ec2("launch-template/lt-1"), {"ec2:CreateAction": "CreateLaunchTemplate"}),
        Request("ec2:CreateNetworkInterface", ec2("network-interface/*"), BEING_TAGGED),
        Request("ec2:DescribeInstances"),
        Request("ec2:TerminateInstances", ec2("instance/i-1"), TAGGED),
        Request("ec2:DeleteLaunchTemplate", ec2("launch-template/lt-1"), TAGGED),
        Request("ec2:AuthorizeSecurityGroupIngress", ec2(f"security-group/sg-{group}")),
        Request("iam:PassRole", names["node_role"], {"iam:PassedToService": "ec2.amazonaws.com"}),
        Request("kms:CreateGrant", names["key"], {"kms:GrantIsForAWSResource": "true"}),
        Request("kms:GenerateDataKeyWithoutPlaintext", names["key"]),
    ):
        assert is_allowed(policy, request), str(request)


def dangerous(names, stage):
    """What no role of ours may do."""
    lake, airflow = f"arn:aws:s3:::{names['lake']}", f"arn:aws:s3:::{names['airflow']}"
    glue = f"arn:aws:glue:{REGION}:{ACCOUNT}:"
    cluster = f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/j-theirs"
    pipeline_alone = {"elasticmapreduce:ResourceTag/claylake:pipeline": "claylake"}
    other = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:airflow-{stage.stage}-2-Task"
    yield from (
        Request("s3:DeleteBucket", lake),
        Request("s3:PutBucketPolicy", lake),
        Request("s3:PutLifecycleConfiguration", lake),
        Request("s3:PutEncryptionConfiguration", lake),
        Request("s3:GetObject", f"{ELSEWHERE}/secret"),
        Request("s3:PutObject", f"{ELSEWHERE}/stolen"),
        Request("s3:DeleteObject", f"{ELSEWHERE}/any"),
        Request("s3:DeleteObject", f"{lake}/runs/x/receipt.json"),
        Request("s3:PutObject", f"{lake}/certificates/nodes.zip"),
        Request("iam:CreateRole", iam("new")),
        Request("iam:PutRolePolicy", names["node_role"]),
        Request("iam:AttachRolePolicy", names["node_role"]),
        Request("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/any"),
        Request("iam:PassRole", iam("admin"), {"iam:PassedToService": "ec2.amazonaws.com"}),
        Request("iam:PassRole", names["node_role"], {"iam:PassedToService": "lambda.amazonaws.com"}),
        Request("iam:PassRole", names["service_role"], {"iam:PassedToService": "ec2.amazonaws.com"}),
        Request("sts:AssumeRole", iam("admin")),
        Request("ec2:RunInstances", ec2("instance/*")),
        Request("ec2:RunInstances", ec2("subnet/subnet-other"), BEING_TAGGED),
        Request("ec2:TerminateInstances", ec2("instance/i-theirs")),
        Request("ec2:CreateTags", ec2("instance/i-theirs")),
        Request("ec2:AuthorizeSecurityGroupIngress", ec2("security-group/sg-other")),
        Request("ec2:CreateVpc", ec2("vpc/*")),
        Request("elasticmapreduce:RunJobFlow"),
        Request("elasticmapreduce:TerminateJobFlows", cluster),
        Request("elasticmapreduce:AddJobFlowSteps", cluster),
        Request("elasticmapreduce:AddTags", cluster, tagged(stage.stage, "Request")),
        Request("elasticmapreduce:AddTags", cluster, pipeline_alone | tagged(stage.stage, "Request")),
        Request("elasticmapreduce:PutAutoTerminationPolicy", cluster),
        *(
            Request(f"elasticmapreduce:{action}", cluster, theirs | tagged(stage.stage, "Request"))
            for theirs in (tagged(f"{stage.stage}-2"), pipeline_alone)
            for action in ("AddTags", "PutAutoTerminationPolicy", "AddJobFlowSteps", "TerminateJobFlows")
        ),
        Request("elasticmapreduce:RunJobFlow", "*", tagged(f"{stage.stage}-2", "Request")),
        Request("glue:DeleteDatabase", glue + f"database/{names['database']}"),
        Request("glue:DeleteTable", glue + f"table/{names['database']}/chips"),
        Request("glue:UpdateTable", glue + "table/other/any"),
        Request("glue:GetTable", glue + "table/other/any"),
        Request("kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/other"),
        Request("kms:ScheduleKeyDeletion", names["key"]),
        Request("kms:PutKeyPolicy", names["key"]),
        Request("kms:CreateGrant", names["key"]),
        Request("secretsmanager:GetSecretValue", "*"),
        Request("lambda:InvokeFunction", "*"),
        Request("logs:DeleteLogGroup", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:airflow-{stage.stage}-Task"),
        *(Request(f"logs:{action}", f"{other}:log-stream:any") for action in ("PutLogEvents", "GetLogEvents")),
        Request("cloudwatch:PutMetricData", context={"cloudwatch:namespace": "AWS/Billing"}),
        Request("s3:DeleteBucket", airflow),
    )


ROLES = ("airflow", "emr-node", "emr-service")


@pytest.mark.parametrize("role", ROLES)
def test_no_role_may_do_what_is_dangerous(stage, names, role):
    policy = statements(stage, role)
    assert [str(one) for one in dangerous(names, stage) if is_allowed(policy, one)] == []


def test_each_role_keeps_off_the_others_business(stage, names):
    lake, airflow = f"arn:aws:s3:::{names['lake']}", f"arn:aws:s3:::{names['airflow']}"
    forbidden = {
        "airflow": [
            Request("s3:PutObject", f"{lake}/tables/chips/data/x.parquet"),
            Request("s3:DeleteObject", f"{lake}/tables/chips/data/x.parquet"),
            Request("s3:PutObject", f"{lake}/artifacts/0123/claylake.zip"),
            Request("s3:PutObject", f"{airflow}/dags/x.py"),
            Request("s3:GetObject", f"{lake}/certificates/nodes.zip"),
            Request("glue:UpdateTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/{names['database']}/chips"),
            Request("ec2:RunInstances", ec2("instance/*"), BEING_TAGGED),
            Request("ec2:DescribeInstances"),
        ],
        "emr-node": [
            Request("s3:PutObject", f"{lake}/artifacts/0123/claylake.zip"),
            Request("s3:GetObject", f"{airflow}/dags/deployed.json"),
            Request("elasticmapreduce:RunJobFlow", "*", tagged(stage.stage, "Request")),
            Request("elasticmapreduce:TerminateJobFlows", "*", tagged(stage.stage)),
            Request("iam:PassRole", names["node_role"], {"iam:PassedToService": "ec2.amazonaws.com"}),
            Request("ec2:RunInstances", ec2("instance/*"), BEING_TAGGED),
        ],
        "emr-service": [
            Request("s3:GetObject", f"{lake}/tables/chips/data/x.parquet"),
            Request("s3:ListBucket", lake),
            Request("glue:GetTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/{names['database']}/chips"),
            Request("elasticmapreduce:RunJobFlow", "*", tagged(stage.stage, "Request")),
        ],
    }
    wrong = [
        f"{role}: {request}"
        for role, requests_ in forbidden.items()
        for request in requests_
        if is_allowed(statements(stage, role), request)
    ]
    assert wrong == []


@pytest.mark.parametrize("function", ["CourierDelivery", "CertificateMaker", "ClusterAgeWatch"])
def test_functions_may_not_do_what_is_dangerous_either(stage, names, function):
    policy = stage.statements(function)
    # Writing the certificate is what one of them is for.
    own = {"CertificateMaker": f"arn:aws:s3:::{names['lake']}/certificates/nodes.zip"}.get(function)
    assert [str(one) for one in dangerous(names, stage) if is_allowed(policy, one) and one.resource != own] == []
    tables = f"arn:aws:s3:::{names['lake']}/tables/chips/data/x.parquet"
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:GetObject"):
        assert not is_allowed(policy, Request(action, tables))


def test_roles_trust_the_right_services_only(stage):
    trusted = {}
    for kind in stage.documents:
        for name, role in stage.resources(kind, "AWS::IAM::Role").items():
            for statement in role["AssumeRolePolicyDocument"]["Statement"]:
                assert set(statement["Principal"]) == {"Service"}
                trusted.setdefault(role.get("RoleName", name).removeprefix(f"{stage.stage}-"), set()).add(
                    statement["Principal"]["Service"]
                )
    assert trusted[f"airflow-{REGION}"] == {"airflow.amazonaws.com", "airflow-env.amazonaws.com"}
    assert trusted[f"emr-service-{REGION}"] == {"elasticmapreduce.amazonaws.com"}
    assert trusted[f"emr-node-{REGION}"] == {"ec2.amazonaws.com"}


def test_no_role_has_a_managed_policy_or_a_wildcard_action(stage):
    for _, name, resource in stage.everything():
        if resource["Type"] == "AWS::IAM::Role" and "CustomS3AutoDelete" not in name:
            assert "ManagedPolicyArns" not in resource["Properties"], name
        if resource["Type"] == "AWS::IAM::Policy":
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                assert not [action for action in actions if "*" in action], name
                assert statement["Sid"]


def test_the_dangerous_list_can_be_allowed_at_all(stage, names):
    everything = [{"Sid": "x", "Effect": "Allow", "Action": "*", "Resource": "*"}]
    assert all(is_allowed(everything, one) for one in dangerous(names, stage))
    assert len(list(dangerous(names, stage))) > 35


@pytest.mark.parametrize("role", ROLES)
def test_policies_fit_into_a_role(stage, role):
    # IAM: 10,240 characters for all inline policies of a role, white space not counted.
    assert len(json.dumps(statements(stage, role), separators=(",", ":"))) < 10_240
