"""How many Python workers embed at once, with how many threads, and on which of one machine's GPUs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ENCODERS: Final = "spark.claylake.encoders"
"""Of a session on one machine: workers that embed at once. Each holds an encoder, so memory bears fewer than tasks."""

FEWEST_CHIPS: Final = 16
"""Of a task, on average: each may start a worker that loads and proves the encoder."""


def at_once(spark: SparkSession) -> int:
    """Tasks that embed at once: all slots, or as many as the session's setting says."""
    context = spark.sparkContext
    slots = int(context.defaultParallelism)
    return max(1, min(slots, int(context.getConf().get(ENCODERS, str(slots)))))


def threads(spark: SparkSession) -> int:
    """Torch's threads per worker: the machine's cores shared among the tasks that run on it at once."""
    context = spark.sparkContext
    cores, tasks = os.cpu_count() or 1, at_once(spark)
    if not (context.master or "").startswith("local"):
        cores = int(context.getConf().get("spark.executor.cores", "1"))
        tasks = max(1, cores // int(context.getConf().get("spark.task.cpus", "1")))
    return max(1, cores // tasks)


def shared_out(chips: DataFrame, number: int, most: int) -> DataFrame:
    """The chips in as many partitions as there are workers for: in fewer where they are few, or fewer may embed.

    Args:
        chips: to be embedded.
        number: how many they are.
        most: tasks that embed at once.
    """
    partitions, worth = chips.rdd.getNumPartitions(), -(-number // FEWEST_CHIPS)
    if partitions < min(most, worth):
        return chips.repartition(min(most, worth))
    if most < int(chips.sparkSession.sparkContext.defaultParallelism):
        worth = min(most, worth)
    return chips.coalesce(worth) if partitions > worth else chips
