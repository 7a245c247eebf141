"""cdk-nag finds nothing that is not answered, and would find something."""

import json

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from infra.cloud.errors import GrantError
from infra.cloud.grants import Grant, flatten, give

pytestmark = pytest.mark.slow


def report(folder):
    return json.loads((folder / "validation-report.json").read_text())["pluginReports"]


def test_nothing_is_found_and_every_answer_is_a_sentence(stage):
    reports = {one["pluginName"]: one for one in report(stage.assembly)}
    assert {one["conclusion"] for one in reports.values()} == {"success"}
    assert [finding for one in reports.values() for finding in one["violations"]] == []
    answers = reports["AwsSolutions"]["suppressedViolations"]
    assert len(answers) > 20
    for answer in answers:
        assert len(answer["reason"].split()) >= 5, answer["ruleName"]
    rules = {answer["ruleName"].partition("[")[0] for answer in answers}
    assert rules == {"AwsSolutions-IAM5"}


def nagged(tmp_path, fill):
    app = App(outdir=str(tmp_path))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    fill(Stack(app, "stack"))
    return app


def test_a_finding_stops_synthesis(tmp_path):
    app = nagged(tmp_path, lambda stack: s3.Bucket(stack, "Bucket"))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    (one,) = report(tmp_path)
    assert one["conclusion"] == "failure"
    assert {"AwsSolutions-S1", "AwsSolutions-S10"} <= {finding["ruleName"] for finding in one["violations"]}


def grant(**more):
    fields = {
        "sid": "Read",
        "why": "Readers read whatever is there.",
        "actions": ["s3:GetObject"],
        "resources": ["arn:aws:s3:::b/*"],
    }
    return Grant(**{**fields, **more})


def test_a_wildcard_is_answered_by_its_own_reason_and_no_other(tmp_path):
    def fill(stack):
        role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        policy = give(role, "Policy", [grant()])
        policy.add_statements(iam.PolicyStatement(actions=["s3:PutObject"], resources=["arn:aws:s3:::c/*"]))

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        nagged(tmp_path, fill).synth()
    (one,) = report(tmp_path)
    assert [finding["ruleName"] for finding in one["violations"]] == ["AwsSolutions-IAM5[Resource::arn:aws:s3:::c/*]"]
    assert [finding["reason"] for finding in one["suppressedViolations"]] == ["Read: Readers read whatever is there."]


@pytest.mark.parametrize(
    ("more", "words"), [({"actions": ["s3:Get*"]}, "one by one"), ({"why": "Needed."}, "sentence")]
)
def test_a_vague_grant_is_refused(more, words):
    with pytest.raises(GrantError, match=words):
        grant(**more).statement()


def test_references_flatten_as_cdk_nag_spells_them(tmp_path):
    app = App(outdir=str(tmp_path))
    stack = Stack(app, "stack")
    bucket = s3.Bucket(stack, "Bucket")
    name = stack.resolve(bucket.node.default_child.logical_id)
    assert flatten(stack.resolve(f"{bucket.bucket_arn}/*")) == f"<{name}.Arn>/*"
    assert flatten(stack.resolve(f"x{stack.account}y")) == "x<AWS::AccountId>y"
    assert flatten({"Fn::Sub": "a${B}c"}) == "a<B>c"
    assert flatten({"Fn::Select": [0, ["a"]]}) == '{"Fn::Select":[0,["a"]]}'
