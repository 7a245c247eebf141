"""The Spark session of every job: Iceberg, the catalogue ``lake``, and Sedona where it is requested.

On EMR the jars come with ``spark-submit --jars``; the endpoint of AWS is taken from
``AWS_ENDPOINT_URL`` where it is set (the local stand-in).
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from claylake.vocabulary import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from claylake.configuration.local import Local

SHUFFLE = "spark.sql.shuffle.partitions"
TASKS_PER_CORE = 2
"""Spark's default of 200 shuffle tasks costs seconds a query on a small cluster: a few waves of tasks fit any size."""
ARROW_ROWS = 64
"""Rows per Arrow batch: a chip is about half a megabyte, and the default of 10,000 would be gigabytes."""

_ADAPTIVE = "spark.sql.adaptive.enabled"
_ICEBERG = "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"


def configuration(warehouse: str, endpoint: str | None = None) -> dict[str, str]:
    """Spark settings for a lake whose table files lie below `warehouse`; `endpoint` of AWS, where it is not its own.

    Iceberg's is the only extension of Spark's parser, which its procedures require: Sedona is registered with the
    started session instead.
    """
    catalog = f"spark.sql.catalog.{CATALOG}"
    values = {
        "spark.sql.extensions": _ICEBERG,
        "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(ARROW_ROWS),
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.type": "glue",
        f"{catalog}.warehouse": warehouse,
        f"{catalog}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        # Branches are moved by several jobs: a cached table would hide where main is now.
        f"{catalog}.cache-enabled": "false",
    }
    if endpoint:
        values |= {
            f"{catalog}.s3.endpoint": endpoint,
            f"{catalog}.s3.path-style-access": "true",
            f"{catalog}.glue.endpoint": endpoint,
        }
    return values


def in_folder(local: Local) -> dict[str, str]:
    """Spark settings for a lake in a folder of this machine, in place of the Glue catalogue's."""
    catalog = f"spark.sql.catalog.{CATALOG}"
    return {
        f"{catalog}.type": "jdbc",
        # Writers wait for each other; the version of the tables is that which pyiceberg reads, too.
        f"{catalog}.uri": f"jdbc:sqlite:{local.catalogue_path}?busy_timeout=30000",
        f"{catalog}.jdbc.schema-version": "V1",
        f"{catalog}.io-impl": "org.apache.iceberg.hadoop.HadoopFileIO",
    }


def session(app: str, warehouse: str, extra: dict[str, str] | None = None, *, sedona: bool = False) -> SparkSession:
    """Start (or get) the session of a job.

    Args:
        app: Name of the job.
        warehouse: As of `configuration`.
        extra: More settings.
        sedona: With the serializer of Sedona's geometries, which must be set before executors start; the rest comes
            with `with_sedona`.
    """
    values = configuration(warehouse, os.environ.get("AWS_ENDPOINT_URL")) | (extra or {})
    builder = _builder(sedona=sedona).appName(app)
    for key, value in values.items():
        builder = builder.config(key, value)
    started = builder.getOrCreate()
    if SHUFFLE not in dict(started.sparkContext.getConf().getAll()):
        started.conf.set(SHUFFLE, str(TASKS_PER_CORE * started.sparkContext.defaultParallelism))
    return started


def _builder(*, sedona: bool) -> SparkSession.Builder:
    if sedona:
        from sedona.spark import SedonaContext

        builder: SparkSession.Builder = SedonaContext.builder()
        return builder
    from pyspark.sql import SparkSession

    return SparkSession.builder


def with_sedona(spark: SparkSession) -> None:
    """Register Sedona's functions and joins, where they are not yet: it takes most of a second.

    The package's own call for it runs a query of two Spark jobs first.

    Raises:
        RuntimeError: the session has ended.
    """
    if spark.catalog.functionExists("ST_Intersects"):
        return
    java = spark._jvm  # noqa: SLF001
    if java is None:
        raise RuntimeError("the Spark session has ended")
    # Each start would report itself to a server of Sedona's authors.
    java.java.lang.System.setProperty("DO_NOT_TRACK", "true")
    java.org.apache.sedona.spark.SedonaContext.create(spark._jsparkSession, "python")  # noqa: SLF001


@contextmanager
def planned_once(spark: SparkSession) -> Iterator[None]:
    """Queries are planned without adaptive execution, which makes a job of every shuffle: dozens for a few numbers."""
    before = spark.conf.get(_ADAPTIVE, "true") or "true"
    spark.conf.set(_ADAPTIVE, "false")
    try:
        yield
    finally:
        spark.conf.set(_ADAPTIVE, before)
