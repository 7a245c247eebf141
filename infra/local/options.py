"""Options of a local stack."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
REGION = "us-west-2"
LAKE_BUCKET = "claylake-local"
DATABASE = "claylake"
COG_BUCKET = "sentinel-cogs"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
AIRFLOW_KEY, STEP_KEY = "claylake-airflow", "claylake-step"
"""Access keys by which the stack knows Airflow's calls and the steps': on AWS these are roles."""
JVM_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Steps here last seconds: optimising their bytecode well takes longer than running it (measured: twice)."""


def user_cache() -> Path:
    """The folder that checkouts share."""
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "claylake"
    return Path(os.environ.get("CLAYLAKE_CACHE") or usual)


USER = ("HOME", "USER", "LANG", "TMPDIR")
PROCESSOR = ("CLAYLAKE_CPU", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS")
"""Variables that make this machine imitate a lesser processor: nodes are then of that kind, too."""


def aws_environment(endpoint: str) -> dict[str, str]:
    """Variables that point boto3, pyiceberg and the Spark jobs at the stack."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass(frozen=True, kw_only=True)
class StackOptions:
    """Where a stack lives and what it serves.

    Attributes:
        root: Folder for everything the stack writes.
        data: Folder of COGs and STAC items, served read-only; None serves an empty catalogue.
        artifacts: Folder uploaded to `s3://claylake-local/artifacts/`; None uploads nothing.
        port: Port of the AWS endpoint; 0 takes a free one.
        stac_port: Port of the STAC API, where it is free; 0 takes a free one.
        reports: Folder that keeps runs' reports beyond the stack's end; None keeps none.
        spark_python: Python of the spark environment; its folder holds `spark-submit`.
        java_home: Java for the steps; None leaves it to `spark-submit`.
        state_delay_s: Seconds a cluster spends in each of its passing states.
        idle_speed: How much faster than real time clusters count idle seconds.
    """

    root: Path
    data: Path | None = None
    artifacts: Path | None = None
    port: int = 0
    stac_port: int = 0
    reports: Path | None = None
    spark_python: Path = REPOSITORY / ".venv/spark/bin/python"
    java_home: Path | None = None
    state_delay_s: float = 0.2
    idle_speed: float = 1.0

    @property
    def spark_submit(self) -> Path:
        """The `spark-submit` of the spark environment."""
        return self.spark_python.parent / "spark-submit"

    def step_environment(self, endpoint: str, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The whole environment of a step's process.

        Only what any program needs is inherited, so that a step cannot come to
        depend on variables that EMR would not set.
        """
        kept = {name: inherited[name] for name in (*USER, *PROCESSOR) if name in inherited}
        java = {"JAVA_HOME": str(self.java_home)} if self.java_home else {}
        # PySpark forks its workers from a process that has libraries of Apple's loaded, which would end them.
        forks = {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"} if sys.platform == "darwin" else {}
        return {
            **kept,
            "PATH": f"{self.spark_python.parent}:{inherited.get('PATH', os.defpath)}",
            **aws_environment(endpoint),
            "AWS_ACCESS_KEY_ID": STEP_KEY,
            # Nothing of the user's own AWS set-up may leak into a step.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "PYSPARK_PYTHON": str(self.spark_python),
            "PYSPARK_DRIVER_PYTHON": str(self.spark_python),
            # The host's own name may resolve to an address that is not up.
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_SUBMIT_OPTS": " ".join(JVM_OPTIONS),
            **java,
            **forks,
        }
