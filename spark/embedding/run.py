"""Embed what a run's chips lack: the plan's cells and months, one model, one convention."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake.run.reports import EmbedReport, PublishReport
from claylake.vocabulary import EMBED, EMBEDDINGS
from spark.embedding import workers
from spark.embedding.columns import INPUT, OUTPUT
from spark.embedding.encoder_choice import EncoderChoice
from spark.embedding.health import health_of
from spark.embedding.pending import CHIPS_PER_COMMIT, with_pixels, without_vector
from spark.embedding.worker import embedder
from spark.lake import merge
from spark.lake.bounds import extent_of_rows, from_micros
from spark.lake.opening import open_branches
from spark.lake.scope import Scope
from spark.lake.tables import TABLES
from spark.lake.vectors import comparable
from spark.progress import Reporter
from spark.session import planned_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyspark.sql import DataFrame, SparkSession

    from claylake.plan import Plan
    from spark.lake.bounds import Extent
    from spark.progress import Counts

_log = logging.getLogger(__name__)
COMPUTED_BY = ("precision", "device", "path")
"""How a vector was made, as the workers report."""


@dataclass(frozen=True, kw_only=True)
class _Chip:
    """What the driver keeps of an embedded chip: all but blobs. `datetime` is UTC; no `failure`: it has a vector."""

    id: str
    content_digest: str
    geohash: str
    datetime: dt.datetime
    failure: str | None
    precision: str
    device: str
    path: str


def embed(spark: SparkSession, plan: Plan) -> EmbedReport:
    """Make the missing vectors on the plan's branch and save the report."""
    started = time.monotonic()
    open_branches(spark, plan)
    with planned_once(spark), Reporter(plan, EMBED) as reporter:
        return _embed(spark, plan, started, reporter)


def _embed(spark: SparkSession, plan: Plan, started: float, reporter: Reporter) -> EmbedReport:
    scope, choice = Scope.of(plan), EncoderChoice.of(plan, workers.threads(spark))
    vectors, failed = 0, Counter[str]()
    computed_by: dict[str, set[str]] = {name: set() for name in COMPUTED_BY}
    reporter.stage("find chips without a vector")
    pending = without_vector(spark, scope, CHIPS_PER_COMMIT)
    total, lacking = pending.total, pending.chips
    _log.info("%d chips, %d of them without a vector of %s", total, lacking, choice.model_version)
    counts = reporter.stage("embed", "chips", lacking)
    for group in pending.groups:
        chips = with_pixels(spark, scope, pending, group).select(*INPUT)
        made = _embedded(chips, group.chips, choice, counts)
        try:
            done = _chips(made)
            rows, extent = _rows(made.where("failure IS NULL"), choice, plan), _extent(done, choice, plan)
            vectors += merge.insert_only(spark, plan, EMBEDDINGS, rows, cheap=True, extent=extent)
            for chip in done:
                for name in COMPUTED_BY:
                    computed_by[name].add(getattr(chip, name))
            failed.update(chip.failure for chip in done if chip.failure)
        finally:
            made.unpersist()
        _log.info("vectors: %d of %d, %.1f/s", vectors, lacking, vectors / (time.monotonic() - started))
    reporter.stage("check the vectors")
    health = health_of(comparable(spark, scope, branch=plan.branch)) if total else None
    earlier = _earlier(plan)
    report = EmbedReport(
        seconds=time.monotonic() - started + (earlier.seconds if earlier else 0.0),
        vectors=vectors + (earlier.vectors if earlier else 0),
        present=total - lacking - (earlier.vectors if earlier else 0),
        failed=dict(failed),
        model_version=choice.model_version,
        convention=choice.convention,
        health=health,
        **{name: ", ".join(sorted(used)) or "none" for name, used in computed_by.items()},
        message=_message(total, lacking, vectors, failed),
    )
    report.save(plan)
    _log.info("%s", report.message)
    return report


def _earlier(plan: Plan) -> EmbedReport | None:
    """The step's first report, where publishing found chips of others in between: both are reported as one."""
    published = PublishReport.load(plan)
    return EmbedReport.load(plan) if published is not None and published.embed_again else None


def _embedded(chips: DataFrame, number: int, choice: EncoderChoice, counts: Counts) -> DataFrame:
    """Vectors or failures of chips, computed once when first used.

    Args:
        chips: with columns `INPUT`.
        number: how many they are.
        choice: of the encoder.
        counts: tasks count their chips with it.
    """
    shared = workers.shared_out(chips, number, workers.at_once(chips.sparkSession))
    return shared.mapInArrow(embedder(choice, counts.of_job()), OUTPUT.spark).persist()


def _chips(made: DataFrame) -> list[_Chip]:
    """All chips of a group, collected in the job that makes their vectors."""
    from pyspark.sql import functions as f

    columns = ("id", "content_digest", "geohash", "failure", *COMPUTED_BY)
    rows = made.select(*columns, f.unix_micros("datetime").alias("micros")).collect()
    return [_Chip(datetime=from_micros(row["micros"]), **{name: row[name] for name in columns}) for row in rows]


def _extent(chips: Iterable[_Chip], choice: EncoderChoice, plan: Plan) -> Extent:
    """Of the rows that have a vector."""
    rows = (vars(chip) | _constants(choice, plan) for chip in chips if chip.failure is None)
    return extent_of_rows(rows, TABLES[EMBEDDINGS])


def _rows(made: DataFrame, choice: EncoderChoice, plan: Plan) -> DataFrame:
    from pyspark.sql import functions as f

    constants = {name: f.lit(value) for name, value in _constants(choice, plan).items()}
    return made.withColumns(constants | {"created_at": f.now()})


def _constants(choice: EncoderChoice, plan: Plan) -> dict[str, str]:
    return {"model_version": choice.model_version, "convention": choice.convention, "run_id": plan.run.run_id}


def _message(total: int, pending: int, vectors: int, failed: Mapping[str, int]) -> str:
    if not total:
        return "nothing to do: no chips in these cells and months"
    if not pending:
        return f"nothing to do: all {total} chips have their vector"
    text = f"{vectors} vectors made for {pending} of {total} chips"
    if failed:
        text += "; not embedded: " + ", ".join(f"{number} {reason}" for reason, number in sorted(failed.items()))
    return text
