"""The Lambda functions, called as Lambda calls them, against S3, EMR and CloudWatch of the local stack."""

import json
import threading
import time
import zipfile
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from types import SimpleNamespace

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from infra.cloud.lambdas.functions import certificate, cluster_age, delivery
from infra.local import client
from tests.infra.cdk.calls import S3_ACTIONS
from tests.infra.cdk.dist import zipped
from tests.infra.cdk.policy import Request, is_allowed
from tests.infra.cdk.templates import ACCOUNT, REGION
from tests.infra.local.clusters import run_cluster

pytestmark = pytest.mark.slow

STAGED, WANTED = "staged-files", "wanted-files"


NOTED = set()
"""(operation, bucket, key) of every call to S3 here, the tests' own among them."""


def note(params, model, **_rest):
    place = (params.get("Bucket"), params.get("Key") or params.get("Prefix") or "")
    keys_ = [one["Key"] for one in params.get("Delete", {}).get("Objects", [])] or [place[1]]
    NOTED.update((model.name, place[0], key) for key in keys_)


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    """The stack's environment, with a bucket to deliver from and a versioned one to deliver to."""
    with client.running(tmp_path_factory.mktemp("stack")) as info, pytest.MonkeyPatch.context() as patch:
        for name, value in info.env.items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        s3 = boto3.client("s3")
        boto3.DEFAULT_SESSION.events.register("provide-client-params.s3.*", note)
        for bucket in (STAGED, WANTED):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": info.env["AWS_REGION"]})
        s3.put_bucket_versioning(Bucket=WANTED, VersioningConfiguration={"Status": "Enabled"})
        yield SimpleNamespace(s3=s3, emr=boto3.client("emr"), cloudwatch=boto3.client("cloudwatch"), lake=info.lake)


@pytest.fixture(scope="module")
def cloudformation():
    """Where a custom resource's answer goes; `answers` are the bodies, as they came."""
    answers = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self):
            assert self.headers["Content-Type"] == ""
            answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/answer", answers=answers)
    server.shutdown()
    server.server_close()


@pytest.fixture
def send(cloudformation):
    """Send a request to a function; gives what CloudFormation receives."""

    def call(function, kind, properties, physical_id=None):
        event = {
            "RequestType": kind,
            "ResponseURL": cloudformation.url,
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Resource",
            "ResourceProperties": {"Name": "Files", "Bucket": WANTED, **properties},
            **({"PhysicalResourceId": physical_id} if physical_id else {}),
        }
        before = len(cloudformation.answers)
        function.handler(event, SimpleNamespace(log_stream_name="stream"))
        assert len(cloudformation.answers) == before + 1
        return cloudformation.answers[-1]

    return call


def keys(aws, prefix=""):
    listing = aws.s3.list_objects_v2(Bucket=WANTED, Prefix=prefix).get("Contents", [])
    return {entry["Key"] for entry in listing if ".delivered" not in entry["Key"]}


def stage(aws, name, data):
    aws.s3.put_object(Bucket=STAGED, Key=name, Body=data)
    return {"SourceBucket": STAGED, "SourceKey": name}


def read(aws, key):
    return aws.s3.get_object(Bucket=WANTED, Key=key)["Body"].read()


def test_files_archives_and_texts_arrive_and_old_ones_go(aws, send):
    aws.s3.put_object(Bucket=WANTED, Key="dags/aois/mine.geojson", Body=b"{}")
    first = {
        "Objects": [{"Key": "plugins.zip", **stage(aws, "a1.zip", b"one")}],
        "Archives": [{"Prefix": "dags", **stage(aws, "d1.zip", zipped({"x.py": b"x", "old/y.py": b"y"}))}],
        "Texts": [{"Key": "dags/deployed.json", "Body": '{"deployed": "é"}'}],
        "Versions": ["plugins.zip"],
    }
    reply = send(delivery, "Create", first)
    assert (reply["Status"], reply["PhysicalResourceId"]) == ("SUCCESS", f"{WANTED}/Files")
    assert keys(aws) == {"plugins.zip", "dags/x.py", "dags/old/y.py", "dags/deployed.json", "dags/aois/mine.geojson"}
    assert read(aws, "dags/deployed.json").decode() == '{"deployed": "é"}'
    version = reply["Data"]["Version.plugins.zip"]
    second = {
        **first,
        "Objects": [{"Key": "plugins.zip", **stage(aws, "a2.zip", b"two")}],
        "Archives": [{"Prefix": "dags", **stage(aws, "d2.zip", zipped({"x.py": b"newer"}))}],
    }
    reply = send(delivery, "Update", second, "kept-id")
    assert reply["PhysicalResourceId"] == "kept-id"
    assert reply["Data"]["Version.plugins.zip"] != version
    assert aws.s3.get_object(Bucket=WANTED, Key="plugins.zip", VersionId=version)["Body"].read() == b"one"
    assert read(aws, "dags/x.py") == b"newer"
    # What was delivered before and is not any more is gone; what somebody else has put is not.
    assert keys(aws) == {"plugins.zip", "dags/x.py", "dags/deployed.json", "dags/aois/mine.geojson"}
    assert send(delivery, "Delete", second)["Status"] == "SUCCESS"
    assert keys(aws) == {"dags/aois/mine.geojson"}


def test_a_release_and_the_one_before_are_kept(aws, send):
    asset = stage(aws, "code.zip", b"code")
    for release in ("aaa", "bbb", "ccc"):
        prefix = f"artifacts/{release}/"
        item = {"Key": f"{prefix}claylake.zip", **asset}
        properties = {"Name": "Artefacts", "Release": prefix, "Releases": "artifacts/", "Objects": [item]}
        assert send(delivery, "Update", properties)["Status"] == "SUCCESS"
    assert keys(aws, "artifacts/") == {"artifacts/bbb/claylake.zip", "artifacts/ccc/claylake.zip"}
    send(delivery, "Delete", properties)
    assert keys(aws, "artifacts/") == set()


def test_going_back_to_the_release_before_keeps_it(aws, send):
    asset = stage(aws, "code.zip", b"code")
    for release in ("aaa", "bbb", "aaa", "ccc"):
        prefix = f"artifacts/{release}/"
        item = {"Key": f"{prefix}claylake.zip", **asset}
        properties = {"Name": "Artefacts", "Release": prefix, "Releases": "artifacts/", "Objects": [item]}
        send(delivery, "Update", properties)
        time.sleep(1.1)  # S3 keeps times in whole seconds
    assert keys(aws, "artifacts/") == {"artifacts/aaa/claylake.zip", "artifacts/ccc/claylake.zip"}
    send(delivery, "Delete", properties)


def test_a_failure_is_reported(aws, send):
    missing = {"Objects": [{"Key": "x", "SourceBucket": STAGED, "SourceKey": "nowhere"}]}
    reply = send(delivery, "Create", missing)
    assert reply["Status"] == "FAILED"
    assert "404" in reply["Reason"]
    assert "stream" in reply["Reason"]
    assert "Data" not in reply


def test_large_files_are_copied_in_parts_by_s3_itself(aws, send, monkeypatch):
    mib = 1 << 20
    monkeypatch.setattr(delivery, "PARTS", TransferConfig(multipart_threshold=5 * mib, multipart_chunksize=5 * mib))
    body = bytes(range(256)) * 4096 * 11
    item = {"Key": "artifacts/big/env.tar.gz", **stage(aws, "env.tar.gz", body)}
    NOTED.clear()
    assert send(delivery, "Create", {"Objects": [item]})["Status"] == "SUCCESS"
    operations = {operation for operation, _, _ in NOTED}
    assert "UploadPartCopy" in operations
    assert not any(key.endswith("env.tar.gz") for operation, _, key in NOTED if operation in {"GetObject", "PutObject"})
    assert read(aws, "artifacts/big/env.tar.gz") == body


ACTIONS = {**S3_ACTIONS, "CopyObject": "s3:PutObject", "UploadPartCopy": "s3:PutObject"}


def test_its_role_allows_every_call_that_delivering_takes(aws, send, sandbox):
    asset = stage(aws, "d.zip", zipped({"x.py": b"x"}))
    files = {
        "Objects": [{"Key": "plugins.zip", **asset}],
        "Archives": [{"Prefix": "dags", **asset}],
        "Versions": ["plugins.zip"],
    }
    prefix = "artifacts/new/"
    item = {"Key": f"{prefix}claylake.zip", **asset}
    build = {"Name": "Artefacts", "Release": prefix, "Releases": "artifacts/", "Objects": [item]}
    NOTED.clear()
    for kind in ("Create", "Update", "Delete"):
        send(delivery, kind, files)
        send(delivery, kind, build)
    policy = sandbox.statements("CourierDelivery")
    refused = []
    for operation, bucket, key in sorted(NOTED):
        what = "lake" if key.startswith("artifacts/") else "airflow"
        name = (
            f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
            if bucket == STAGED
            else f"{sandbox.stage}-{what}-{ACCOUNT}-{REGION}"
        )
        action = ACTIONS[operation]
        wanted = [
            Request(action, f"arn:aws:s3:::{name}" if action == "s3:ListBucket" else f"arn:aws:s3:::{name}/{key}")
        ]
        if operation in {"CopyObject", "UploadPartCopy"}:
            wanted.append(Request("s3:GetObject", f"arn:aws:s3:::cdk-hnb659fds-assets-{ACCOUNT}-{REGION}/d.zip"))
        refused += [str(request) for request in wanted if not is_allowed(policy, request)]
    assert {"CopyObject", "DeleteObjects", "HeadObject", "ListObjectsV2"} <= {operation for operation, _, _ in NOTED}
    assert refused == []


def pair():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key, private, public


@pytest.mark.parametrize("year", [2026, 2045])
def test_the_certificate_is_one_that_others_accept(year):
    key, private, public = pair()
    now = datetime(year, 2, 28, 12, tzinfo=UTC)
    files = zipfile.ZipFile(BytesIO(certificate.archive("us-west-2.compute.internal", private, public, now)))
    assert set(files.namelist()) == {"privateKey.pem", "certificateChain.pem", "trustedCertificates.pem"}
    made = x509.load_pem_x509_certificate(files.read("certificateChain.pem"))
    name = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert name.get_values_for_type(x509.DNSName) == ["*.us-west-2.compute.internal"]
    assert made.subject == made.issuer
    assert made.subject.rfc4514_string() == "CN=*.us-west-2.compute.internal"
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert (made.not_valid_before_utc, made.not_valid_after_utc) == (
        now - timedelta(hours=1),
        now.replace(year=year + 10),
    )
    assert isinstance(made.signature_hash_algorithm, hashes.SHA256)
    key.public_key().verify(made.signature, made.tbs_certificate_bytes, padding.PKCS1v15(), hashes.SHA256())
    made.verify_directly_issued_by(made)
    loaded = serialization.load_pem_private_key(files.read("privateKey.pem"), None)
    assert loaded.private_numbers() == key.private_numbers()
    assert files.read("trustedCertificates.pem") == files.read("certificateChain.pem")


def test_the_certificate_is_written_and_removed(aws, send, monkeypatch):
    _, private, public = pair()
    real = boto3.client
    requested = {}

    def kms(**arguments):
        requested.update(arguments)
        return {"PrivateKeyPlaintext": private, "PublicKey": public}

    fake = SimpleNamespace(generate_data_key_pair=kms)
    monkeypatch.setattr(boto3, "client", lambda name: fake if name == "kms" else real(name))
    properties = {"Key": "certificates/nodes.zip", "KmsKey": "key", "Domain": "ec2.internal"}
    reply = send(certificate, "Create", properties)
    assert reply["Status"] == "SUCCESS", reply
    # Attributes of a resource can be read by whoever may describe the stack: nothing of the key is among them.
    assert reply["Data"] == {}
    assert requested["KeyPairSpec"] == "RSA_2048"
    assert requested["KeyId"] == "key"
    assert zipfile.ZipFile(BytesIO(read(aws, "certificates/nodes.zip"))).testzip() is None
    assert send(certificate, "Delete", properties)["Status"] == "SUCCESS"
    assert "certificates/nodes.zip" not in keys(aws)


def test_the_oldest_live_cluster_is_told(aws, monkeypatch):
    logs = f"{aws.lake}/logs"
    ours = [{"Key": "claylake:pipeline", "Value": "claylake"}]
    ids = [
        run_cluster(aws.emr, Name="claylake a", Tags=ours, LogUri=logs + "/"),
        run_cluster(aws.emr, Name="claylake b", Tags=ours, LogUri="s3://another/logs"),
        run_cluster(aws.emr, Name="claylake c", Tags=[], LogUri=logs),
        run_cluster(aws.emr, Name="theirs", Tags=ours, LogUri=logs),
        run_cluster(aws.emr, Name="claylake d", Tags=ours, LogUri=logs),
    ]
    later = datetime.now(UTC) + timedelta(hours=5)
    hours = cluster_age.ages(aws.emr, logs, later)
    assert hours == pytest.approx([5, 5], abs=0.05)
    monkeypatch.setenv("LOG_URI", logs.replace("s3://", "s3n://"))
    monkeypatch.setenv("DEPLOYMENT", "claylake-sandbox")
    reply = cluster_age.handler({}, None)
    assert reply["LiveClusters"] == 2
    metrics = aws.cloudwatch.list_metrics(Namespace="Claylake")["Metrics"]
    assert {metric["MetricName"] for metric in metrics} == {"OldestClusterHours", "LiveClusters"}
    assert metrics[0]["Dimensions"] == [{"Name": "Deployment", "Value": "claylake-sandbox"}]
    aws.emr.terminate_job_flows(JobFlowIds=ids)


def test_no_cluster_is_no_hours(aws):
    assert cluster_age.ages(aws.emr, "s3://nobody/logs", datetime.now(UTC)) == []


def test_a_cluster_that_may_not_be_described_is_not_ours():
    class Emr:
        def __init__(self, code):
            self.code = code

        def get_paginator(self, _):
            return self

        def paginate(self, **_):
            yield {"Clusters": [{"Id": "j-1", "Name": "claylake of a colleague"}]}

        def describe_cluster(self, **_):
            raise ClientError({"Error": {"Code": self.code}}, "DescribeCluster")

    assert cluster_age.ages(Emr("AccessDeniedException"), "s3://b/logs", datetime.now(UTC)) == []
    with pytest.raises(ClientError):
        cluster_age.ages(Emr("ThrottlingException"), "s3://b/logs", datetime.now(UTC))
