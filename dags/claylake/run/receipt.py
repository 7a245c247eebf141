"""The receipt: what a run did and what it cost, however it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from claylake import store
from claylake.plan import RECEIPT, KeptYear, Plan
from claylake.run.gate import too_few_usable
from claylake.run.reports import EmbedReport, ExtractReport, MaintainReport, PublishReport
from claylake.run.usage import stage_seconds, usage_of
from claylake.vocabulary import CELL_KM2, STEPS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


Outcome = Literal["published", "nothing new", "dry run", "not started", "not published", "failed"]


class Receipt(BaseModel):
    """One run's account.

    `chips` and `vectors` were made by this run, `rejected` and `failed` count its observations by reason;
    `month_chips` and `month_vectors` are what readers find now, None where nothing was published.
    `km2` is the area of the AOI's cells. `warnings` need attention although the run is fine. `unusable` counts by
    reason the scenes of the catalogue that cannot be read, `too_cloudy`, `other_month`, `other_date` and `settled`
    those that were not to be read; `remarks` are sentences about the months. `kept_year` is what a year of such months
    costs to keep. `spot_hours` are those of `instance_hours` whose nodes were spot instances; others were on demand, as
    the primary node always is; `fallback_hours` are those of the others, where no spot capacity came. Times in seconds,
    money in US dollars (an estimate from the settings' prices), energy in kWh (an estimate).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dag_id: str
    run_id: str
    aoi: str
    period: str
    outcome: Outcome
    written: str
    scenes_found: int
    scenes: int
    candidates: int
    chips: int
    present: int
    rejected: dict[str, int]
    failed: dict[str, int]
    failed_frac: float | None
    vectors: int
    rows_added: int
    month_chips: int | None
    month_vectors: int | None
    km2: float
    bytes_read: int
    stage_seconds: dict[str, float]
    chips_per_second: float | None
    vectors_per_second: float | None
    layout: str | None = None
    cluster_id: str | None
    cluster_state: str | None
    cluster_seconds: float
    instance_hours: dict[str, float]
    spot_hours: dict[str, float] = {}
    fallback_hours: dict[str, float] = {}
    usd: float
    usd_per_1000_chips: float | None
    kwh: float
    estimate_usd: float
    estimate_chips: int
    kept_year: KeptYear | None = None
    model_version: str
    convention: str
    assumptions: tuple[str, ...]
    messages: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    unusable: dict[str, int] = {}
    too_cloudy: int = 0
    other_month: int = 0
    other_date: int = 0
    settled: int = 0
    remarks: tuple[str, ...] = ()
    report: str | None

    @classmethod
    def load(cls, plan: Plan) -> Receipt:
        """The receipt of the plan's run.

        Raises:
            StoreError: if there is none.
        """
        return cls.model_validate_json(store.read(plan.uri(RECEIPT)))


def make_receipt(
    plan: Plan,
    *,
    cluster: Mapping[str, Any] | None,
    steps: Sequence[Mapping[str, Any]],
    now: datetime,
    instances: Sequence[Mapping[str, Any]] = (),
    otherwise: Outcome | None = None,
) -> Receipt:
    """Account for a run, and write ``receipt.json`` to its run folder.

    Args:
        plan: the run's plan.
        cluster: ``Cluster`` of DescribeCluster; None where the run had none.
        steps: ``Steps`` of ListSteps.
        now: the moment (aware) up to which what has no end is counted.
        instances: ``Instances`` of ListInstances, as far as EMR has them.
        otherwise: how a run without a cluster ended, where it did not publish.

    Raises:
        StoreError: if a step's report cannot be read, or the receipt cannot be written.
    """
    extract, embed, publish = ExtractReport.load(plan), EmbedReport.load(plan), PublishReport.load(plan)
    maintain = MaintainReport.load(plan)
    reports = [report for report in (extract, embed, publish, maintain) if report is not None]
    usage = usage_of(cluster, plan, now, instances) if cluster is not None else None
    seconds = {report.file.removesuffix(".json"): report.seconds for report in reports}
    seconds |= stage_seconds(steps, STEPS, now)
    chips = extract.chips if extract else 0
    vectors = embed.vectors if embed else 0
    made = chips or vectors
    # Where chips were to be embedded again, what is published so far is no whole month.
    whole = publish if publish and not publish.embed_again else None
    receipt = Receipt(
        dag_id=plan.run.dag_id,
        run_id=plan.run.run_id,
        aoi=plan.aoi_name,
        period=plan.period,
        outcome=_outcome(plan, whole, otherwise or ("failed" if usage else None)),
        written=now.isoformat(timespec="seconds"),
        scenes_found=plan.found.items,
        scenes=extract.scenes if extract else 0,
        candidates=extract.candidates if extract else 0,
        chips=chips,
        present=extract.present if extract else 0,
        rejected=extract.rejected if extract else {},
        failed=_failures(extract, embed),
        failed_frac=publish.failed_frac if publish else None,
        vectors=vectors,
        rows_added=publish.rows_added if publish else 0,
        month_chips=whole.month_chips if whole else None,
        month_vectors=whole.month_vectors if whole else None,
        km2=plan.cells * CELL_KM2,
        bytes_read=extract.bytes_read if extract else 0,
        stage_seconds=seconds,
        chips_per_second=_rate(chips, seconds.get("extract")),
        vectors_per_second=_rate(vectors, seconds.get("embed")),
        layout=None if plan.settings.local else plan.layout,
        cluster_id=usage.cluster_id if usage else None,
        cluster_state=usage.state if usage else None,
        cluster_seconds=(usage.ended - usage.started).total_seconds() if usage else 0.0,
        instance_hours=usage.instance_hours if usage else {},
        spot_hours=usage.spot_hours if usage else {},
        fallback_hours=usage.fallback_hours if usage else {},
        usd=usage.usd if usage else 0.0,
        usd_per_1000_chips=1000 * usage.usd / made if usage and made else None,
        kwh=usage.kwh if usage else 0.0,
        estimate_usd=plan.estimate.usd,
        estimate_chips=plan.estimate.chips,
        kept_year=plan.kept_year,
        model_version=plan.model_version,
        convention=plan.settings.encoder.convention,
        assumptions=usage.assumptions if usage else (),
        messages=tuple(report.message for report in reports),
        warnings=(*(extract.warnings if extract else ()), *(maintain.warnings if maintain else ())),
        unusable=plan.found.unusable,
        too_cloudy=plan.found.too_cloudy,
        other_month=plan.found.other_month,
        other_date=plan.found.other_date,
        settled=plan.found.settled,
        remarks=plan.remarks,
        report=publish.report if publish else None,
    )
    store.write(plan.uri(RECEIPT), receipt.model_dump_json(indent=1).encode(), "application/json")
    return receipt


def _outcome(plan: Plan, publish: PublishReport | None, otherwise: Outcome | None) -> Outcome:
    if publish is not None:
        return "published"
    if plan.work == "nothing" and not too_few_usable(plan):
        return "nothing new"
    if otherwise is not None:
        return otherwise
    return "dry run" if plan.settings.limits.dry_run else "not started"


def _failures(extract: ExtractReport | None, embed: EmbedReport | None) -> dict[str, int]:
    """By reason; those of embedding are marked so."""
    failed = dict(extract.failed) if extract else {}
    return failed | ({f"embed:{reason}": count for reason, count in embed.failed.items()} if embed else {})


def _rate(count: int, seconds: float | None) -> float | None:
    return count / seconds if count and seconds else None
