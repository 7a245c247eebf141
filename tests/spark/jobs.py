"""How many Spark jobs something takes: a cost that no other work on the machine changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession


def jobs_of(spark: SparkSession, work: Callable[[], object]) -> int:
    """Do some work, and count the jobs that it starts, those of broadcasts and of its threads included."""
    scheduler: Any = spark.sparkContext._jsc.sc().dagScheduler()
    before: int = scheduler.numTotalJobs()
    work()
    return int(scheduler.numTotalJobs()) - before
