"""A place to measure in: a lake in a folder of this machine, its Spark session, and plans of runs on it."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claylake import store
from claylake.configuration.settings import Settings
from claylake.plan import CELLS, Estimate, Found, Plan, RunRef, selection_digest
from claylake.vocabulary import CATALOG
from spark.session import session

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyspark.sql import SparkSession

CORES = 2


def started(folder: Path, jars: Path) -> SparkSession:
    """A session of two cores, whose catalogue is a folder.

    Args:
        folder: of the lake.
        jars: folder of Iceberg's and Sedona's jars.
    """
    extra = {
        "spark.master": f"local[{CORES}]",
        "spark.jars": ",".join(str(jar) for jar in sorted(jars.glob("*.jar"))),
        "spark.ui.enabled": "false",
        "spark.driver.memory": "2g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        f"spark.sql.catalog.{CATALOG}.type": "hadoop",
        f"spark.sql.catalog.{CATALOG}.io-impl": "org.apache.iceberg.hadoop.HadoopFileIO",
    }
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    return session("bench", f"{folder}/tables", extra, sedona=True)


@dataclass
class Took:
    """Seconds, and those of the processor that this process and its JVM have used.

    The latter hold while other work runs on the machine. Of the JVM they are 0 where the system counts none; Python's
    workers are not in them.
    """

    seconds: float = 0.0
    processor_s: float = 0.0


@contextmanager
def timed(spark: SparkSession) -> Iterator[Took]:
    """What is done inside takes."""
    took = Took()
    began, used = time.monotonic(), _processor_s(spark)
    yield took
    took.seconds, took.processor_s = time.monotonic() - began, _processor_s(spark) - used


def _processor_s(spark: SparkSession) -> float:
    gateway: Any = spark.sparkContext._gateway  # noqa: SLF001
    used, counted = time.process_time(), Path(f"/proc/{gateway.proc.pid}/stat")
    if counted.is_file():
        fields = counted.read_text().rpartition(")")[2].split()
        used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def plan_of(folder: Path, name: str, cells: pa.Table, month: str, *, scenes: int = 1, database: str = "") -> Plan:
    """The plan of a run on the lake, saved with its cells.

    Args:
        folder: of the lake.
        name: of the run and its area.
        cells: as a run folder has them.
        month: ``yyyy-mm``.
        scenes: each of which gives a chip of each cell.
        database: of the tables; one of the run's name if not given.
    """
    import pyarrow.parquet as pq

    deployed = {
        "region": "local",
        "lake": "s3://bench",
        "database": database or f"bench_{name}",
        "artifacts": "s3://bench/artifacts",
        "log_uri": "s3://bench/logs",
        "service_role": "none",
        "instance_profile": "none",
        "subnet_ids": ["subnet-none"],
    }
    settings = Settings.model_validate({"deployed": deployed, "selection": {"min_clear_frac": 0.0}})
    # A deployment's lake is a bucket; all that works on it takes a folder as well.
    here = settings.deployed and settings.deployed.model_copy(update={"lake": str(folder)})
    settings = settings.model_copy(update={"deployed": here})
    number = cells.num_rows
    plan = Plan(
        run=RunRef(dag_id="bench", run_id=name),
        aoi_name=name,
        aoi_geometry={"type": "Polygon", "coordinates": []},
        months=(month,),
        folder=f"{folder}/runs/{name}",
        work="full",
        cells=number,
        cells_digest=name,
        selection_digest=selection_digest(settings.selection),
        missing_vectors=0,
        found=Found(kept=scenes),
        estimate=Estimate(
            scenes=scenes,
            cells=number,
            candidates=number * scenes,
            chips=number * scenes,
            read_gb=0,
            store_gb=0,
            gpu_hours=0,
            cluster_hours=0,
            usd=0,
            instances={},
        ),
        model_version="none",
        settings=settings,
    )
    with store.writing(plan.uri(CELLS)) as sink:
        pq.write_table(cells, sink)
    plan.save()
    return plan
