"""Calls are noted with their caller, operation and place; requests arrive unchanged."""

import boto3
import pytest

from infra.local.options import AIRFLOW_KEY, LAKE_BUCKET, REGION, STEP_KEY


def session(stack, key):
    def make(service):
        return boto3.client(
            service, endpoint_url=stack.endpoint, region_name=REGION, aws_access_key_id=key, aws_secret_access_key="x"
        )

    return make


@pytest.fixture
def noted(stack):
    """What is noted from now on, without the resource of no interest."""
    stack.control("DELETE", "calls")
    return lambda: [tuple(call.values()) for call in stack.calls()]


def test_calls_are_told_by_caller_and_place(stack, noted):
    airflow, step = session(stack, AIRFLOW_KEY), session(stack, STEP_KEY)
    s3 = step("s3")
    s3.put_object(Bucket=LAKE_BUCKET, Key="runs/a/plan.json", Body=b"{}")
    assert s3.get_object(Bucket=LAKE_BUCKET, Key="runs/a/plan.json")["Body"].read() == b"{}"
    upload = s3.create_multipart_upload(Bucket=LAKE_BUCKET, Key="tables/x")["UploadId"]
    part = s3.upload_part(Bucket=LAKE_BUCKET, Key="tables/x", PartNumber=1, UploadId=upload, Body=b"12345")
    s3.complete_multipart_upload(
        Bucket=LAKE_BUCKET,
        Key="tables/x",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    s3.list_objects_v2(Bucket=LAKE_BUCKET, Prefix="tables/")
    gone = ("tables/x", "runs/a/plan.json", "runs/a/progress/1.a.0-5-0")
    s3.delete_objects(Bucket=LAKE_BUCKET, Delete={"Objects": [{"Key": key} for key in gone]})
    assert "Contents" not in s3.list_objects_v2(Bucket=LAKE_BUCKET, Prefix="tables/")
    airflow("emr").list_clusters()
    glue = airflow("glue")
    glue.get_database(Name="claylake")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_table(DatabaseName="claylake", Name="nothing")
    assert noted() == [
        ("airflow", "elasticmapreduce", "ListClusters", "-"),
        ("airflow", "glue", "GetDatabase", "claylake"),
        ("airflow", "glue", "GetTable", "claylake/nothing"),
        ("step", "s3", "CompleteMultipartUpload", "claylake-local/tables"),
        ("step", "s3", "CreateMultipartUpload", "claylake-local/tables"),
        ("step", "s3", "DeleteObjects", "claylake-local/runs"),
        ("step", "s3", "DeleteObjects", "claylake-local/runs/progress"),
        ("step", "s3", "DeleteObjects", "claylake-local/tables"),
        ("step", "s3", "GetObject", "claylake-local/runs"),
        ("step", "s3", "ListObjectsV2", "claylake-local"),
        ("step", "s3", "PutObject", "claylake-local/runs"),
        ("step", "s3", "UploadPart", "claylake-local/tables"),
    ]


def test_other_callers_are_not_noted(stack, noted, s3):
    s3.list_objects_v2(Bucket=LAKE_BUCKET)
    s3.list_buckets()
    assert noted() == []


def test_calls_on_a_table_by_another_name_are_told_by_it_too(stack, noted):
    glue = session(stack, STEP_KEY)("glue")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_table_optimizer(CatalogId="1", DatabaseName="claylake", TableName="nothing", Type="retention")
    assert noted() == [("step", "glue", "GetTableOptimizer", "claylake/nothing")]
