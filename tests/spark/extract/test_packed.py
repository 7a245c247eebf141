"""The step as nodes run it: packages from the packed environment, put in place by the bootstrap, code from the zip."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyspark
import pytest

from claylake.cluster.steps import step
from claylake.run.reports import ExtractReport
from infra import package
from infra.build.environment import environment, find_uv
from infra.build.layers import read_layers
from infra.build.manifest import seal
from infra.java import java_home
from infra.local.home import Home
from infra.local.options import REPOSITORY
from infra.local.steps.command import localise
from spark.extraction.run import extract
from tests.infra.build.release import SCRIPTS, Node, digest
from tests.spark.extract.test_job import PASS_A, PASS_B, bbox, cloudy, rows, scene

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from infra.local.client import StackInfo
    from tests.spark.extract.conftest import PlanMaker

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What nodes fetch, and the code that steps name; no encoder."""
    folder = tmp_path_factory.mktemp("packed") / "artifacts"
    cache = Home().cache
    archive = environment(read_layers(REPOSITORY / "locks")[0], cache=cache, uv=find_uv(cache))
    package.assemble(REPOSITORY, folder, jars=REPOSITORY / ".cache/jars", models=[])
    for target, source in (("env/extract.tar.gz", archive), *((f"bin/{p.name}", p) for p in SCRIPTS.iterdir())):
        (folder / target).parent.mkdir(exist_ok=True)
        (folder / target).symlink_to(source)
    seal(folder, "cpu")
    return folder


def test_the_packed_environment_runs_the_step(
    release: Path, spark: SparkSession, stack: StackInfo, make_plan: PlanMaker, tmp_path: Path
) -> None:
    node = Node(tmp_path / "node")
    done = node.bootstrap(str(release), digest(release), "none")
    assert done.returncode == 0, done.stderr
    python = node.root / "python/bin/python"
    seen = node.python("import sys, numpy, rasterio; print([sys.prefix, numpy.__file__, rasterio.__file__, sys.path])")
    assert ".venv" not in seen.stdout, "nothing of this checkout is in reach"
    assert node.python("import pyspark").returncode == 1, "on EMR it comes with Spark"

    scenes = [scene(tmp_path, PASS_A), scene(tmp_path, PASS_B, paint_with=cloudy)]
    plan = make_plan(bbox(), scenes)
    config = step(plan, "extract")["HadoopJarStep"]
    command = localise(
        config["Jar"],
        config["Args"],
        spark_submit=Path(sys.executable).with_name("spark-submit"),
        fetch=lambda uri: release / uri.removeprefix(plan.deployed.artifacts + "/"),
    )
    argv = [argument.replace(plan.deployed.python, str(python)) for argument in command.argv]
    assert str(python) in " ".join(argv)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYSPARK", "SPARK"))}
    spark_home = {"SPARK_HOME": str(Path(pyspark.__file__).parent), "JAVA_HOME": java_home()}
    # Seconds of work are not worth the optimising compiler.
    java = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
    where = {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": str(python), **java}
    done = subprocess.run(
        argv,
        env={**environ, **spark_home, **where, **stack.env},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]

    report = ExtractReport.load(plan)
    assert (report.candidates, report.chips, report.rejected) == (18, 15, {"cloud": 3})
    here = make_plan(bbox(), scenes, run_id="here")
    assert here.branch == plan.branch, "the same work"
    packed = {row["id"]: row["content_digest"] for row in rows(spark, plan, "chips")}
    for name in ("chips", "observations", "scenes"):
        spark.sql(f"ALTER TABLE lake.{plan.database}.{name} DROP BRANCH {plan.branch}")
    extract(spark, here)
    assert {row["id"]: row["content_digest"] for row in rows(spark, here, "chips")} == packed
