"""IAM requests of AWS calls, as the local stack records them."""

import ast
import json
from pathlib import Path

import botocore.session
from botocore import xform_name

from infra.local.options import DATABASE, LAKE_BUCKET
from tests.infra.cdk.policy import Request
from tests.infra.cdk.templates import ACCOUNT, REGION

RECORDED = Path(__file__).with_name("recorded_calls.json")
RECORDED_BY_GLUE = Path(__file__).with_name("recorded_glue_calls.json")
RECORDED_READING = Path(__file__).with_name("recorded_reader_calls.json")


def tagged(stage, where="Resource"):
    """What a request says of a cluster with the tags of a stage: those it has (`Resource`), or is to get (`Request`)."""
    tags = {"claylake:pipeline": "claylake", "claylake:deployment": stage}
    return {f"elasticmapreduce:{where}Tag/{key}": value for key, value in tags.items()}


S3_ACTIONS = {
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "CompleteMultipartUpload": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "DeleteObjects": "s3:DeleteObject",
    "GetObject": "s3:GetObject",
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "PutObject": "s3:PutObject",
    "UploadPart": "s3:PutObject",
}
"""Service Authorization Reference, "Actions defined by Amazon S3"."""
WITHOUT_RESOURCE = {"ListClusters", "RunJobFlow"}


def recorded():
    """The calls of whole runs on the local stack; see tests/system/test_calls.py for how the file is made."""
    return json.loads(RECORDED.read_text())


def recorded_by_glue():
    """Calls of the step maintain to Glue's optimizers; tests/spark/lake/test_optimizers.py makes the file."""
    return json.loads(RECORDED_BY_GLUE.read_text())


def recorded_reading():
    """Calls of pyiceberg that read every table; tests/spark/lake/test_readers.py makes the file."""
    return json.loads(RECORDED_READING.read_text())


def emr_operations(*folders):
    """EMR operations that code names: methods of clients, and names of paginators."""
    model = botocore.session.get_session().get_service_model("emr")
    # `get_session` is a method of Airflow's hooks, too, and it is that one that is called.
    known = {xform_name(operation): operation for operation in model.operation_names if operation != "GetSession"}
    named = set()
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                named.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                named.add(node.value)
    return {known[name] for name in named if name in known}


def requests(call, names):
    """The IAM requests of one call.

    Args:
        call: As recorded.
        names: `stage`, `lake`, `logs` (buckets), `database`, `key` (ARN), `service_role` and `node_role` of the
            deployment.
    """
    return {"s3": _s3, "glue": _glue, "elasticmapreduce": _emr}[call["service"]](
        call["operation"], call["resource"], names
    )


def _s3(operation, resource, names):
    bucket, _, folder = resource.partition("/")
    assert bucket == LAKE_BUCKET, resource
    action = S3_ACTIONS[operation]
    if folder == "logs":
        bucket, folder = names["logs"], "emr"
    else:
        bucket = names["lake"]
    if folder == "runs/progress":
        folder = "runs/claylake__lisbon/2024-07/scheduled/progress"
    if action == "s3:ListBucket":
        return [Request(action, f"arn:aws:s3:::{bucket}")]
    wanted = [Request(action, f"arn:aws:s3:::{bucket}/{folder}/some/object")]
    if bucket == names["lake"] and action in {"s3:GetObject", "s3:PutObject"}:
        # Objects of the lake are encrypted with the deployment's key; parts of an upload are also decrypted.
        wanted += [Request(f"kms:{what}", names["key"]) for what in ("Decrypt", "GenerateDataKey")]
    return wanted


def _glue(operation, resource, names):
    """Glue checks catalog, database and table, each."""
    database, _, table = resource.partition("/")
    parts = ["catalog"]
    if operation.endswith("Database"):
        assert table == ""
        assert database in {DATABASE, "-"}
        parts.append(f"database/{names['database']}")
    else:
        assert database == DATABASE, resource
        parts += [f"database/{names['database']}", f"table/{names['database']}/{table}"]
    return [Request(f"glue:{operation}", f"arn:aws:glue:{REGION}:{ACCOUNT}:{part}") for part in parts]


def _emr(operation, _resource, names):
    action, cluster = f"elasticmapreduce:{operation}", f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/j-1"
    if operation == "RunJobFlow":
        # EMR judges tags and idle limit of a cluster that is still to be made on this literal resource.
        new = f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/*"
        return [
            Request(action, "*", tagged(names["stage"], "Request")),
            Request("elasticmapreduce:AddTags", new, tagged(names["stage"], "Request")),
            Request("elasticmapreduce:PutAutoTerminationPolicy", new),
            Request("iam:PassRole", names["service_role"], {"iam:PassedToService": "elasticmapreduce.amazonaws.com"}),
            Request("iam:PassRole", names["node_role"], {"iam:PassedToService": "ec2.amazonaws.com"}),
        ]
    return [Request(action, "*") if operation in WITHOUT_RESOURCE else Request(action, cluster, tagged(names["stage"]))]
