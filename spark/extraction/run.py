"""The extract step from plan to report."""

from __future__ import annotations

import logging
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from claylake.catalogue.footprint import with_footprint
from claylake.catalogue.halves import pairs_of
from claylake.catalogue.manifest import read_manifest
from claylake.plan import MANIFEST
from claylake.run.reports import ExtractReport
from claylake.vocabulary import CHIPS, EXTRACT, FAILED, REJECTED
from spark.extraction.candidates import join_candidates
from spark.extraction.chip_writer import ChipWriter
from spark.extraction.errors import ExtractError
from spark.extraction.existing import existing_chips, few_existing_chips
from spark.extraction.observed_few import FEW, FewObserved
from spark.extraction.observed_many import ManyObserved
from spark.extraction.observing import observe_all
from spark.extraction.quarantine import Quarantine, Verdicts, published_verdicts
from spark.extraction.read_failures import ReadFailures
from spark.extraction.reading import Lineage
from spark.extraction.reading_log import ReadingLog
from spark.extraction.reprocessed import KEPT, UNFIT
from spark.extraction.rounds import FinalChoice, Rounds
from spark.extraction.scene_rows import SceneRow, SceneRows, write
from spark.extraction.seams import apart, observe_seams
from spark.lake import opened, replacing
from spark.lake.append import Appender
from spark.lake.opening import open_branches
from spark.lake.scope import Scope, read_cells_table
from spark.progress import Reporter
from spark.sentinel2.choose import PRESENT, Rules
from spark.sentinel2.preference import preferences
from spark.session import planned_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from claylake.catalogue.scene import Scene
    from claylake.plan import Plan
    from spark.extraction.observed import Observed
    from spark.progress import Counts

_log = logging.getLogger(__name__)


def extract(spark: SparkSession, plan: Plan) -> ExtractReport:
    """Make the chips of a plan on its branch and an outcome for every (cell, pass), and save the report.

    Safe to kill and to run again: chips go by id, and what exists is not read again.

    Raises:
        ExtractError: outcomes do not add up to the planned (cell, pass).
        StoreError: plan files are missing.
    """
    start = time.monotonic()
    open_branches(spark, plan)
    replacing.restore(spark, plan)
    if plan.work != "full":
        empty: dict[str, Any] = dict.fromkeys(("scenes", "passes", "candidates", "chips", "present", "bytes_read"), 0)
        message = f"nothing to read: the plan's work is {plan.work!r}"
        report = ExtractReport(**empty, rejected={}, failed={}, scene_status={}, message=message, seconds=0.0)
    else:
        with planned_once(spark), Reporter(plan, EXTRACT) as reporter:
            report = _extract(spark, plan, reporter)
    replaced = replacing.follow(spark, plan)
    if replaced:
        message = f"{report.message}; {replaced} chips replace ones of an older baseline"
        report = report.model_copy(update={"replaced": replaced, "message": message})
    report = report.model_copy(update={"seconds": time.monotonic() - start})
    report.save(plan)
    _log.info("%s", report.message)
    return report


def _extract(spark: SparkSession, plan: Plan, reporter: Reporter) -> ExtractReport:
    cells = read_cells_table(plan)
    manifest = read_manifest(plan.uri(MANIFEST))
    scenes, unreadable = with_footprint(manifest)
    by_id = {scene.id: scene for scene in scenes}
    log, failures, now = ReadingLog(plan, manifest, opened.folders(plan)[:-1]), ReadFailures(), datetime.now(UTC)
    verdicts = Verdicts(
        scenes=by_id,
        log=log,
        published=published_verdicts(spark, plan, scenes),
        overrides=plan.settings.catalogue.radiometry,
    )
    scope = Scope(plan=plan, cells=cells)
    quarantine = Quarantine(spark=spark, scope=scope, verdicts=verdicts, created_at=now, failures=failures)
    quarantine.take_back_overridden()
    quarantine.judge(by_id)
    writer = ChipWriter(
        spark=spark,
        appender=Appender(spark=spark, scope=scope, name=CHIPS),
        scenes=by_id,
        lineage=Lineage(run_id=plan.run.run_id, created_at=now),
        log=log,
        failures=failures,
        quarantine=quarantine,
    )
    counts = reporter.stage("observe cells", "scenes", len(scenes))
    observed = _observed(spark, scope, scenes, quarantine, counts)
    by_scene = observed.by_scene()
    _log.info("%d scenes, %d cells: observed %d (cell, scene)", len(scenes), len(cells), observed.number)
    final = Rounds(writer=writer, cells=cells, observed=observed, reporter=reporter).run()
    reporter.stage("write observations")
    changed = final.choice.write_observations(scope, scenes, now)
    _log.info("observations: %d new or changed", changed)
    maker = SceneRows(
        plan=plan,
        observed=by_scene,
        outcomes=final.choice.by_outcome(replaces=replacing.replaces(plan)),
        verdicts=verdicts,
        failures=failures,
        footprints=unreadable,
    )
    scene_rows = [maker.row(scene, now) for scene in manifest]
    write(spark, plan, scene_rows)
    report = _report(final, observed.planned(), scene_rows, failures)
    if not final.present:
        return report
    reprocessed = final.choice.newer_processings(UNFIT if replacing.replaces(plan) else KEPT)
    return report.model_copy(update={"warnings": (*report.warnings, *reprocessed)})


def _observed(
    spark: SparkSession, scope: Scope, scenes: Sequence[Scene], quarantine: Quarantine, counts: Counts
) -> Observed:
    """Every candidate, observed; held by the driver where they cannot be many, and none is of two halves."""
    from pyspark import StorageLevel

    plan, rules, pairs = scope.plan, Rules.of(scope.plan.settings), pairs_of(scenes)
    ranks = preferences(scenes, plan.settings.selection.collections)
    observed = observe_all(spark, join_candidates(spark, scope.cells, scenes), scenes, ranks, counts)
    if not pairs and len(scope.cells) * len(scenes) <= FEW:
        return FewObserved(observed, lambda cell_ids: few_existing_chips(spark, plan, scope.cells, cell_ids), rules)
    if pairs:
        observed = observed.persist(StorageLevel.DISK_ONLY)
        observed = observed.unionByName(observe_seams(observed, pairs, ranks, rules.max_nodata_frac))
    return ManyObserved(
        observed,
        existing=lambda: existing_chips(spark, plan, scope.cells),
        rules=rules,
        apart=lambda: apart(pairs, quarantine),
    )


def _report(final: FinalChoice, candidates: int, scene_rows: list[SceneRow], failures: ReadFailures) -> ExtractReport:
    rejected = {key.removeprefix(REJECTED): n for key, n in final.outcomes.items() if key.startswith(REJECTED)}
    failed = {key.removeprefix(FAILED): n for key, n in final.outcomes.items() if key.startswith(FAILED)}
    chips = final.outcomes[PRESENT] - final.present
    if candidates != final.outcomes[PRESENT] + sum(rejected.values()) + sum(failed.values()):
        raise ExtractError(f"{candidates} (cell, pass) were planned, but the outcomes are {dict(final.outcomes)}")
    return ExtractReport(
        seconds=0.0,
        scenes=len(scene_rows),
        passes=final.passes,
        candidates=candidates,
        chips=chips,
        present=final.present,
        rejected=rejected,
        failed=failed,
        scene_status=dict(Counter(row.status for row in scene_rows)),
        bytes_read=sum(row.bytes_read for row in scene_rows),
        message=f"{chips} chips made, {final.present} existing, {sum(rejected.values())} rejected, "
        f"{sum(failed.values())} failed, of {candidates} (cell, pass)"
        + (f"; {failures.taken_back} chips of another radiometry were taken back" if failures.taken_back else ""),
        warnings=failures.warnings,
    )
