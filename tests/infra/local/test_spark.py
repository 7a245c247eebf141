"""A real spark-submit as an EMR step."""

import gzip
import zipfile

import pytest

from infra.local import client
from infra.local.options import REPOSITORY
from tests.infra.local.clusters import add, run_cluster, step, step_state, wait_step
from tests.infra.local.clusters import client as aws
from tests.shared.waiting import until_one_of

JOB = """
import os, sys
from helper import double
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("tiny").config("spark.ui.enabled", "false").getOrCreate()
python = spark.sparkContext.parallelize([0], 1).map(lambda _: __import__("sys").executable).first()
print("sum", double(spark.range(10).selectExpr("sum(id)").first()[0]), "with", python)
if "--fail" in sys.argv:
    raise ValueError("meant to fail")
"""
PYTHON = REPOSITORY / ".venv/spark/bin/python"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not PYTHON.exists(), reason="the spark environment is not installed")
def test_spark_submit_runs_and_fails_for_real(tmp_path):
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    with zipfile.ZipFile(artifacts / "claylake.zip", "w") as archive:
        archive.writestr("helper.py", "def double(x):\n    return 2 * x\n")
    (artifacts / "tiny.py").write_text(JOB)
    submit = ["spark-submit", "--deploy-mode", "cluster", "--master", "yarn", "--name", "tiny"]
    submit += ["--py-files", "s3://claylake-local/artifacts/claylake.zip", "s3://claylake-local/artifacts/tiny.py"]
    with client.running(tmp_path / "stack", "--artifacts", str(artifacts)) as info:
        emr, s3 = aws(info, "emr"), aws(info, "s3")
        cluster = run_cluster(emr)
        good, bad = add(emr, cluster, step(*submit), step(*submit, "--fail"))
        until_one_of(lambda: step_state(emr, cluster, good), ("COMPLETED", "FAILED"))
        until_one_of(lambda: step_state(emr, cluster, bad), ("COMPLETED", "FAILED"))
        failure = wait_step(emr, cluster, bad, "FAILED")["FailureDetails"]

        def log(step_id, name):
            key = f"logs/{cluster}/steps/{step_id}/{name}.gz"
            return gzip.decompress(s3.get_object(Bucket="claylake-local", Key=key)["Body"].read()).decode()

        assert f"sum 90 with {PYTHON}" in log(good, "stdout"), log(good, "stderr")
        assert "ValueError: meant to fail" in log(bad, "stderr")
        assert "finished with failed status" in failure["Message"]
