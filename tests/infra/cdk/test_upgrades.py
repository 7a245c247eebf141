"""What CloudFormation would replace when a stage is deployed again, changed, and rolled back: a rehearsal by synthesis.

Which properties can only be set at creation is taken from the schemas of CloudFormation's registry, as cfn-lint has them.
"""

import json
from functools import cache

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from infra.app import build
from infra.cloud.config import read_stage
from infra.cloud.errors import DeployError
from infra.cloud.sample import FILES, write_sample
from tests.infra.cdk.conftest import changed
from tests.infra.cdk.templates import ACCOUNT, REGION, Templates

pytestmark = pytest.mark.slow

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0d3f0a52-1c1e-4f7e-9d5b-6f2a3c4d5e6f"
KEPT = {"AWS::S3::Bucket", "AWS::Glue::Database", "AWS::KMS::Key"}
STAYS = KEPT | {
    "AWS::MWAA::Environment",
    "AWS::EC2::VPC",
    "AWS::EC2::Subnet",
    "AWS::EC2::NatGateway",
    "AWS::SNS::Topic",
}
"""What holds data or runs, or what people have subscribed to."""


@cache
def create_only(type_):
    """Paths of the properties that only a replacement changes."""
    if type_.startswith(("Custom::", "AWS::CDK::")):
        return ()
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, type_).schema
    return tuple(path.removeprefix("/properties/").split("/") for path in schema.get("createOnlyProperties", ()))


def at(properties, path):
    for name in path:
        properties = properties.get(name) if isinstance(properties, dict) else None
    return properties


def replaced(before, after):
    """(stack, logical id) to the type and the properties for which CloudFormation replaces the resource."""
    new = {(kind, name): resource for kind, name, resource in after.everything()}
    found = {}
    for kind, name, old in before.everything():
        now = new.get((kind, name))
        if now is None:
            found[kind, name] = (old["Type"], ("removed",))
            continue
        was, is_ = old.get("Properties", {}), now.get("Properties", {})
        paths = [path for path in create_only(old["Type"]) if at(was, path) != at(is_, path)]
        if now["Type"] != old["Type"] or paths:
            found[kind, name] = (old["Type"], tuple(".".join(path) for path in paths))
    return found


def names_taken(before, after):
    """Resources that are replaced by one of the same fixed name, which CloudFormation cannot make beside the old one."""
    new = {(kind, name): resource for kind, name, resource in after.everything()}
    taken = []
    for place, (type_, _) in replaced(before, after).items():
        if place not in new or type_.startswith("Custom::"):
            continue
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, type_).schema
        identifiers = [path.removeprefix("/properties/").split("/") for path in schema["primaryIdentifier"]]
        old = next(resource for kind, name, resource in before.everything() if (kind, name) == place)
        values = [(at(old["Properties"], path), at(new[place]["Properties"], path)) for path in identifiers]
        if all(was is not None and was == is_ for was, is_ in values):
            taken.append(place)
    return taken


@pytest.fixture(scope="module")
def synth_of(tmp_path_factory):
    """Templates of a context with a build; the sample by default."""

    def run(context, files=None):
        dist = write_sample(tmp_path_factory.mktemp("dist"), files or {})
        out = tmp_path_factory.mktemp("cdk.out")
        build({**context, "dist": str(dist)}, out).synth()
        return Templates.read(out, context["stages"][context["stage"]]["name"])

    return run


@pytest.fixture(scope="module")
def before(synth_of):
    """What is deployed."""
    return synth_of(changed("production"))


def test_the_schemas_know_what_is_replaced():
    """The oracle itself: a bucket's name and a subnet's zone only at creation, its tags at any time."""
    assert ["BucketName"] in create_only("AWS::S3::Bucket")
    assert ["AvailabilityZone"] in create_only("AWS::EC2::Subnet")
    assert ["Tags"] not in create_only("AWS::S3::Bucket")


CHANGES = {
    "a new release": ({}, {next(name for name in FILES if name.endswith("claylake.zip")): b"another"}),
    "glue maintains": ({"lake": {"maintenance": "glue"}}, None),
    "longer logs": ({"lake": {"log_days": 400}, "airflow": {"log_days": 400}}, None),
    "network cards encrypt": ({"compute": {"in_transit": "nitro"}}, None),
    "another certificate": ({"compute": {"certificate": 2}}, None),
    "a larger environment": ({"airflow": {"environment_class": "mw1.large", "max_workers": 20}}, None),
    "another budget": ({"guard": {"budget_usd": 1234, "cluster_hours": 30}}, None),
}


@pytest.mark.parametrize("change", CHANGES)
def test_upgrades_and_rollbacks_replace_nothing_that_holds_data_or_runs(before, synth_of, change):
    sections, files = CHANGES[change]
    changed_ = synth_of(changed("production", **sections), files)
    assert changed_.documents != before.documents, "the change is seen"
    for old, new in ((before, changed_), (changed_, before)):
        gone = replaced(old, new)
        assert [f"{place}: {why}" for place, why in gone.items() if why[0] in STAYS] == []
        assert names_taken(old, new) == []


def test_a_security_configuration_that_changes_gets_another_name(synth_of):
    """It cannot be changed, and one of the same name cannot be made beside it."""
    tls, nitro = synth_of(changed("sandbox")), synth_of(changed("sandbox", compute={"in_transit": "nitro"}))
    assert {type_ for type_, _ in replaced(tls, nitro).values()} >= {"AWS::EMR::SecurityConfiguration"}
    names = [stage.only("compute", "AWS::EMR::SecurityConfiguration")["Name"] for stage in (tls, nitro)]
    assert names[0] != names[1]


def test_names_that_are_taken_are_found(synth_of):
    """A planted fault: the old name beside other content."""
    tls, nitro = synth_of(changed("sandbox")), synth_of(changed("sandbox", compute={"in_transit": "nitro"}))
    (name,) = tls.resources("compute", "AWS::EMR::SecurityConfiguration")
    documents = [one.documents["compute"]["Resources"][name]["Properties"] for one in (tls, nitro)]
    documents[1]["Name"] = documents[0]["Name"]
    assert names_taken(tls, nitro) == [("compute", name)]


def test_a_kept_lake_is_taken_back(production, synth_of):
    """CloudFormation imports at creation what has a name of its own and is to be retained; the key has none, and is named."""
    back = synth_of(changed("production", lake={"key_arn": KEY}))
    for _, name, resource in back.everything():
        if resource["Type"] in KEPT:
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
            (identifier,) = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource["Type"]).schema[
                "primaryIdentifier"
            ]
            assert at(resource["Properties"], [identifier.removeprefix("/properties/")]) is not None, name
    assert back.resources("lake", "AWS::KMS::Key") == {}
    assert production.resources("lake", "AWS::S3::Bucket").keys() == back.resources("lake", "AWS::S3::Bucket").keys()
    assert KEY in json.dumps(back.documents["lake"])
    assert KEY in json.dumps(back.documents["compute"])


def test_a_key_is_named_by_its_arn():
    stages = changed("production", lake={"key_arn": "alias/claylake"})["stages"]
    with pytest.raises(DeployError, match="key_arn"):
        read_stage(stages, "production")
