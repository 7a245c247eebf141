"""One local stack and one Spark session for all tests that need a lake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.local.class_archive import archive as class_archive
from infra.local.client import running
from infra.local.options import JVM_OPTIONS, user_cache
from spark.session import session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from infra.local.client import StackInfo

JARS = Path(__file__).resolve().parents[2] / ".cache" / "jars"
LAKE = "s3://claylake-tests"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """A running stand-in; AWS clients of this process and of its workers point at it."""
    with running(tmp_path_factory.mktemp("stack")) as info, pytest.MonkeyPatch.context() as patch:
        for name, value in info.env.items():
            patch.setenv(name, value)
        import boto3

        where = {"LocationConstraint": info.env["AWS_REGION"]}
        boto3.client("s3").create_bucket(Bucket=LAKE.removeprefix("s3://"), CreateBucketConfiguration=where)
        yield info


@pytest.fixture(scope="session")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo model with bf16 whatever the processor; not to be changed."""
    out = tmp_path_factory.mktemp("model")
    command = [sys.executable, "-m", "model", "build", "--name", "demo-random", "--arch", "cpu", "--out", str(out)]
    subprocess.run([*command, "--precision", "bf16"], cwd=Path(__file__).resolve().parents[2], check=True)
    return out / "demo-random"


@pytest.fixture(scope="session")
def spark(stack: StackInfo) -> Iterator[SparkSession]:
    """A local session with the project's jars and the catalogue ``lake``."""
    jars = sorted(JARS.glob("*.jar"))
    if not jars:
        pytest.skip("no jars in .cache/jars: run `make setup`")
    archive = class_archive.find(user_cache(), _java_home(), class_archive.spark_of(Path(sys.executable)))
    usable = archive if archive and archive.fits(jars) else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYSPARK_DRIVER_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        started = session(
            "tests",
            f"{LAKE}/tables",
            {
                "spark.master": "local[2]",
                "spark.jars": ",".join(str(jar) for jar in jars),
                "spark.ui.enabled": "false",
                # Tests are many small queries: compiling them well costs more than running them.
                "spark.sql.codegen.wholeStage": "false",
                "spark.sql.codegen.factoryMode": "NO_CODEGEN",
                "spark.driver.extraJavaOptions": " ".join([*JVM_OPTIONS, usable.options if usable else ""]),
                **({"spark.driver.extraClassPath": usable.driver_class_path} if usable else {}),
                "spark.sql.shuffle.partitions": "2",
                "spark.driver.memory": "2g",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.driver.host": "127.0.0.1",
            },
            sedona=True,
        )
        started.sparkContext.setLogLevel("ERROR")
        yield started
        started.stop()


def _java_home() -> Path | None:
    return Path(os.environ["JAVA_HOME"]) if os.environ.get("JAVA_HOME") else None


FOREIGN_WARNINGS = (
    # Py4J leaves the closing of its sockets to the garbage collector.
    "ignore:unclosed:ResourceWarning",
    # PySpark 3.5 calls functions of pandas 2 by their older names.
    "ignore:is_.*dtype is deprecated",
    # PySpark 3.5 compares versions with distutils.
    "ignore:distutils Version classes are deprecated",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let pass what PySpark does on its own: no fault of a test."""
    for item in items:
        for warning in FOREIGN_WARNINGS:
            item.add_marker(pytest.mark.filterwarnings(warning))
