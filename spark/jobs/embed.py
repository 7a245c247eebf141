"""Embed what a run's chips lack: the plan's cells and months, one model, one convention."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from claylake.plan import Plan
from claylake.reports import EmbedReport
from claylake.vocabulary import EMBEDDINGS
from spark.embedding.health import health_of
from spark.embedding.pending import commits, with_pixels, without_vector
from spark.embedding.work import Work
from spark.embedding.worker import INPUT, OUTPUT_DDL, embedder
from spark.jobs.arguments import plan_uri
from spark.lake import branches, merge
from spark.lake.scope import Scope
from spark.lake.vectors import comparable
from spark.session import session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

_log = logging.getLogger(__name__)
WAYS = ("precision", "device", "path")
"""How a vector was made, as the workers tell."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point: ``--plan URI``."""
    plan = Plan.load(plan_uri(argv, __doc__))
    spark = session(f"claylake embed {plan.run.run_id}", plan.warehouse)
    embed(spark, plan)
    return 0


def embed(spark: SparkSession, plan: Plan) -> EmbedReport:
    """Make the missing vectors on the plan's branch and save the report."""
    started = time.monotonic()
    branches.open_branches(spark, plan)
    scope, work = Scope.of(plan), Work.of(plan, _threads(spark))
    total, pending = without_vector(spark, scope)
    _log.info("%d chips, %d of them without a vector of %s", total, len(pending), work.model_version)
    vectors, failed, ways = 0, Counter[str](), {name: set[str]() for name in WAYS}
    for group in commits(pending):
        made = _embed_group(spark, scope, work, group)
        try:
            vectors += merge.insert_only(spark, plan, EMBEDDINGS, _rows(made.where("failure IS NULL"), work, plan))
            for row in made.groupBy("failure", *WAYS).count().collect():
                for name in WAYS:
                    ways[name].add(row[name])
                if row["failure"]:
                    failed[row["failure"]] += row["count"]
        finally:
            made.unpersist()
        _log.info("vectors: %d of %d, %.1f/s", vectors, len(pending), vectors / (time.monotonic() - started))
    health = health_of(comparable(spark, scope, branch=plan.branch)) if total else None
    report = EmbedReport(
        seconds=time.monotonic() - started,
        vectors=vectors,
        present=total - len(pending),
        failed=dict(failed),
        model_version=work.model_version,
        convention=work.convention,
        health=health,
        **{name: ", ".join(sorted(used)) or "none" for name, used in ways.items()},
        message=_message(total, len(pending), vectors, failed),
    )
    report.save(plan)
    _log.info("%s", report.message)
    return report


def _embed_group(spark: SparkSession, scope: Scope, work: Work, group: pd.DataFrame) -> DataFrame:
    """Vectors or failures of a group of chips, computed once when first used."""
    chips = with_pixels(spark, scope, group).select(*INPUT)
    slots = spark.sparkContext.defaultParallelism
    if chips.rdd.getNumPartitions() < min(slots, len(group)):
        chips = chips.repartition(min(slots, len(group)))
    return chips.mapInArrow(embedder(work), OUTPUT_DDL).persist()


def _rows(made: DataFrame, work: Work, plan: Plan) -> DataFrame:
    from pyspark.sql import functions as f

    constants = {
        "model_version": work.model_version,
        "convention": work.convention,
        "run_id": plan.run.run_id,
    }
    return made.withColumns({name: f.lit(value) for name, value in constants.items()} | {"created_at": f.now()})


def _threads(spark: SparkSession) -> int:
    """Torch's threads per worker: the machine's cores shared among the tasks that run on it at once."""
    context = spark.sparkContext
    cores = os.cpu_count() or 1
    at_once = int(context.defaultParallelism)
    if not context.master.startswith("local"):
        cores = int(context.getConf().get("spark.executor.cores", "1"))
        at_once = max(1, cores // int(context.getConf().get("spark.task.cpus", "1")))
    return max(1, cores // at_once)


def _message(total: int, pending: int, vectors: int, failed: Mapping[str, int]) -> str:
    if not total:
        return "nothing to do: no chips in these cells and months"
    if not pending:
        return f"nothing to do: all {total} chips have their vector"
    text = f"{vectors} vectors made for {pending} of {total} chips"
    if failed:
        text += "; not embedded: " + ", ".join(f"{number} {reason}" for reason, number in sorted(failed.items()))
    return text


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    sys.exit(main())
