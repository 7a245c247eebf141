"""Who reads the lake may read it, and do nothing else."""

import pytest

from claylake.vocabulary import PUBLISH_ORDER
from infra.cloud.config import read_stage
from infra.cloud.errors import DeployError
from tests.infra.cdk.calls import recorded_reading
from tests.infra.cdk.conftest import changed
from tests.infra.cdk.policy import Request, is_allowed
from tests.infra.cdk.templates import ACCOUNT, REGION
from tests.infra.cdk.test_iam import dangerous, names_of

pytestmark = pytest.mark.slow

BY_S3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
VECTORS_ONLY = {"reader": {}, "search": {"tables": ["embeddings"], "runs": False}}


@pytest.fixture(scope="module")
def two(synth):
    """A stage with a reader of everything and one of a single table."""
    return synth(changed("sandbox", lake={"readers": VECTORS_ONLY}))


def of(stage, reader="reader"):
    return stage.managed(f"{stage.stage}-{reader}-{REGION}")


def requests_of(stage, tables):
    """The IAM requests of the recorded calls, for these tables."""
    names = names_of(stage)
    glue = f"arn:aws:glue:{REGION}:{ACCOUNT}"
    places = [f"{glue}:catalog", f"{glue}:database/{names['database']}"]
    operations = {(call["service"], call["operation"]) for call in recorded_reading()}
    assert operations == {("glue", "GetTable"), ("glue", "GetTables"), ("s3", "GetObject"), ("s3", "HeadObject")}
    for table in tables:
        for operation in ("GetTable", "GetTables"):
            for place in (*places, f"{glue}:table/{names['database']}/{table}"):
                yield Request(f"glue:{operation}", place)
        for file in ("data/datetime_month=2024-07/x.parquet", "metadata/00001-x.metadata.json"):
            yield Request("s3:GetObject", f"arn:aws:s3:::{names['lake']}/tables/{table}/{file}")
        yield Request("s3:ListBucket", f"arn:aws:s3:::{names['lake']}", {"s3:prefix": f"tables/{table}/"})
    yield Request("kms:Decrypt", names["key"], BY_S3)


@pytest.mark.parametrize("stage_name", ["sandbox", "production"])
def test_a_reader_may_make_every_recorded_call(request, stage_name):
    stage = request.getfixturevalue(stage_name)
    tables = {call["resource"].rpartition("/")[2] for call in recorded_reading() if call["operation"] == "GetTable"}
    assert tables == set(PUBLISH_ORDER)
    wanted = [*requests_of(stage, PUBLISH_ORDER)]
    wanted.append(
        Request("s3:GetObject", f"arn:aws:s3:::{names_of(stage)['lake']}/runs/claylake__x/2024-07/receipt.json")
    )
    assert [str(one) for one in wanted if not is_allowed(of(stage), one)] == []


def test_a_reader_changes_nothing_and_sees_nothing_else(sandbox):
    names, policy = names_of(sandbox), of(sandbox)
    lake = f"arn:aws:s3:::{names['lake']}"
    table = f"arn:aws:glue:{REGION}:{ACCOUNT}:table/{names['database']}"
    forbidden = [
        *dangerous(names, sandbox),
        Request("s3:PutObject", f"{lake}/tables/chips/data/x.parquet"),
        Request("s3:DeleteObject", f"{lake}/tables/chips/data/x.parquet"),
        Request("s3:GetObject", f"{lake}/artifacts/0123/claylake.zip"),
        Request("s3:GetObject", f"{lake}/certificates/nodes.zip"),
        Request("s3:GetObject", f"arn:aws:s3:::{names['airflow']}/dags/deployed.json"),
        Request("s3:ListBucket", lake),
        Request("s3:ListBucket", lake, {"s3:prefix": "certificates/"}),
        Request("glue:UpdateTable", f"{table}/chips"),
        Request("glue:GetTable", f"{table}/theirs"),
        Request("kms:Decrypt", names["key"]),
        Request("kms:GenerateDataKey", names["key"], BY_S3),
    ]
    assert [str(one) for one in forbidden if is_allowed(policy, one)] == []


def test_a_reader_of_one_table_reads_that_one(two):
    policy, names = of(two, "search"), names_of(two)
    assert [str(one) for one in requests_of(two, ["embeddings"]) if not is_allowed(policy, one)] == []
    lake = f"arn:aws:s3:::{names['lake']}"
    for request in (
        Request("s3:GetObject", f"{lake}/tables/chips/data/x.parquet"),
        Request("s3:GetObject", f"{lake}/runs/claylake__x/2024-07/receipt.json"),
        Request("s3:ListBucket", lake, {"s3:prefix": "tables/chips/"}),
        Request("glue:GetTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/{names['database']}/chips"),
    ):
        assert not is_allowed(policy, request), str(request)


def test_an_unknown_table_is_named():
    stages = changed("sandbox", lake={"readers": {"search": {"tables": ["vectors"]}}})["stages"]
    with pytest.raises(DeployError, match="vectors; there are chips, embeddings"):
        read_stage(stages, "sandbox")
