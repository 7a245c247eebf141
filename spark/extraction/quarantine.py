"""Scenes whose pixels contradict their metadata: the verdict, its memory, and what is taken back of them."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake.vocabulary import FAILED, SCENES
from spark.lake.bounds import Bounds
from spark.lake.names import branch_table
from spark.lake.tables import TABLES
from spark.lake.taking_back import take_back
from spark.sentinel2.radiometry import LARGEST_LOW_FRACTION, Evidence, decide_radiometry

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from pyspark.sql import SparkSession

    from claylake.catalogue.scene import Scene
    from claylake.plan import Plan
    from spark.extraction.read_failures import ReadFailures
    from spark.extraction.reading_log import ReadingLog
    from spark.lake.scope import Scope

_log = logging.getLogger(__name__)
_SHOWN = 5
"""Ids of published chips in a warning."""


def published_verdicts(spark: SparkSession, plan: Plan, scenes: Iterable[Scene]) -> dict[str, Evidence]:
    """Evidence of the scenes that a published row, or one on the branch, contradicts; by scene id.

    It holds for the same `updated` and the same rule alone. Of several rows that with the most pixels counts.

    Args:
        spark: session.
        plan: whose branch is read, and whose months bound it.
        scenes: of the run.
    """
    wanted = {(scene.id, scene.updated, decide_radiometry(scene).rule) for scene in scenes}
    where = Bounds.of_cells(TABLES[SCENES], plan.start, plan.end, ()).condition(TABLES[SCENES])
    query = (
        f"SELECT DISTINCT scene_id, updated, evidence FROM {branch_table(plan, SCENES)} "
        f"WHERE {where} AND get_json_object(evidence, '$.contradiction') = 'true'"
    )
    found: dict[str, Evidence] = {}
    for row in spark.sql(query).collect():
        document = json.loads(row["evidence"])
        if (row["scene_id"], row["updated"], document["rule"]) not in wanted:
            continue
        evidence = Evidence(clear_pixels=document["clear_pixels"], below_1000=document["below_1000"])
        found[row["scene_id"]] = max(
            found.get(row["scene_id"], evidence), evidence, key=lambda one: (one.clear_pixels, one.below_1000)
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """What speaks against scenes: the pixels that runs on this branch read, and verdicts `published` before.

    `scenes`: the manifest, by id. `published`: as `published_verdicts` gives them.
    """

    scenes: Mapping[str, Scene]
    log: ReadingLog
    published: Mapping[str, Evidence]

    def evidence(self, scene_id: str) -> Evidence:
        """That of the pixels read; where it contradicts nothing, that of a published verdict if there is one."""
        read = self.log.evidence(scene_id)
        scene = self.scenes.get(scene_id)
        if scene is None or read.contradicts(decide_radiometry(scene)):
            return read
        return self.published.get(scene_id, read)

    def against(self, scene_id: str) -> str | None:
        """Why the scene is to be quarantined; None where nothing contradicts its metadata."""
        evidence, decision = self.evidence(scene_id), decide_radiometry(self.scenes[scene_id])
        if scene_id not in self.published and not evidence.contradicts(decision):
            return None
        return (
            f"{evidence.low_fraction:.2%} of {evidence.clear_pixels} clear pixels are below 1000 (at most "
            f"{LARGEST_LOW_FRACTION:.2%} can be, with the offset still in them), against {decision.rule}"
        )


@dataclass(frozen=True, kw_only=True)
class Quarantine:
    """Keeps chips of contradicted scenes off the branch. `failures` grows with every scene.

    `created_at`: the time that this attempt's rows carry, UTC.
    """

    spark: SparkSession
    scope: Scope
    verdicts: Verdicts
    created_at: dt.datetime
    failures: ReadFailures

    def judge(self, scene_ids: Iterable[str]) -> int:
        """Quarantine the scenes that are contradicted, and take back the chips that the branch has of them.

        Gives how many of these chips this attempt had written.
        """
        known = self.failures.quarantined
        reasons = {scene_id: self.verdicts.against(scene_id) for scene_id in scene_ids if scene_id not in known}
        details = {scene_id: reason for scene_id, reason in reasons.items() if reason is not None}
        if not details:
            return 0
        for scene_id, detail in details.items():
            _log.warning("scene %s is quarantined: %s", scene_id, detail)
        outcome = FAILED + self.failures.quarantine_reason
        taken = take_back(self.spark, self.scope, details, outcome, self.created_at)
        known.update(details)
        self.failures.taken_back += len(taken.chips)
        if taken.chips:
            _log.warning("%d chips of these scenes were taken back from %s", len(taken.chips), self.scope.plan.branch)
        if taken.published:
            some = ", ".join(taken.published[:_SHOWN])
            _log.warning("%d chips of these scenes are published, and stay: %s", len(taken.published), some)
        return taken.own
