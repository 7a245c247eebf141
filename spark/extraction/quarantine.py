"""What pixels say of scenes' radiometry: corrections, quarantine, the memory of both, and what is taken back."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import AS_PUBLISHED, FAILED, SCENE_QUARANTINED, SCENES
from spark.lake.bounds import Bounds
from spark.lake.branch_state import BranchState
from spark.lake.names import branch_table
from spark.lake.tables import TABLES
from spark.lake.taking_back import Reason, take_back
from spark.sentinel2.radiometry import (
    LARGEST_LOW_FRACTION,
    PIXELS,
    Evidence,
    RadiometryDecision,
    decide_radiometry,
    settle,
)

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
    """Evidence of the scenes that a published row, or one on the branch, contradicts or quarantines; by scene id.

    It holds for the same `updated` and the same metadata rule alone. Of several rows that with the most pixels counts.

    Args:
        spark: session.
        plan: whose branch is read, and whose months bound it.
        scenes: of the run.
    """
    bounds = Bounds.of_cells(TABLES[SCENES], plan.start, plan.end, ())
    if not BranchState.of(spark, plan, SCENES).may_hold(bounds):
        return {}
    wanted = {(scene.id, scene.updated, decide_radiometry(scene).rule) for scene in scenes}
    where = bounds.condition(TABLES[SCENES])
    query = (
        f"SELECT DISTINCT scene_id, updated, evidence FROM {branch_table(plan, SCENES)} WHERE {where} AND "
        f"(get_json_object(evidence, '$.contradiction') = 'true' OR status = {sql.string(SCENE_QUARANTINED)})"
    )
    found: dict[str, Evidence] = {}
    for row in spark.sql(query).collect():
        document = json.loads(row["evidence"])
        # Version 0.1.0 kept the rule of the metadata as the only one.
        if (row["scene_id"], row["updated"], document.get("metadata_rule", document["rule"])) not in wanted:
            continue
        evidence = Evidence(clear_pixels=document["clear_pixels"], below_1000=document["below_1000"])
        found[row["scene_id"]] = max(
            found.get(row["scene_id"], evidence), evidence, key=lambda one: (one.clear_pixels, one.below_1000)
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """The radiometry of scenes, by all that is known of them.

    `scenes`: the manifest, by id. `log`: pixels that runs on this branch read. `published`: verdicts from before, as
    `published_verdicts` gives them. `overrides`: radiometry by scene id or collection, as a person has set it.
    """

    scenes: Mapping[str, Scene]
    log: ReadingLog
    published: Mapping[str, Evidence]
    overrides: Mapping[str, str]

    def evidence(self, scene_id: str) -> Evidence:
        """That of the pixels read; where it refutes nothing, that of a published verdict if there is one."""
        read = self.log.evidence(scene_id)
        return read if read.refutes_offset else self.published.get(scene_id, read)

    def decision(self, scene: Scene) -> RadiometryDecision:
        """What is done to the scene's DN, as far as is known."""
        return settle(scene, self.evidence(scene.id), self.overrides)

    def against(self, scene_id: str) -> str | None:
        """Why the scene is to be quarantined; None where it is not, or its pixels may still decide."""
        decision = self.decision(self.scenes[scene_id])
        if decision.doubt is None or not (self.log.knows(scene_id) or scene_id in self.published):
            return None
        return (
            f"{decision.doubt}; its pixels do not decide it: {self._shares(scene_id)}. "
            "Set catalogue.radiometry for the scene to use it"
        )

    def correction(self, scene_id: str) -> str | None:
        """What its pixels say against the scene's metadata; None where they do not decide."""
        scene = self.scenes[scene_id]
        if self.decision(scene).rule != PIXELS:
            return None
        return f"no offset is in its pixels: {self._shares(scene_id)}, against {decide_radiometry(scene).rule}"

    def _shares(self, scene_id: str) -> str:
        evidence = self.evidence(scene_id)
        return (
            f"{evidence.low_fraction:.2%} of {evidence.clear_pixels} clear pixels are below 1000 (at most "
            f"{LARGEST_LOW_FRACTION:.2%} can be, with the offset still in them)"
        )


@dataclass(frozen=True, kw_only=True)
class Quarantine:
    """Keeps chips of a wrong or unknown radiometry off the branch. `failures` grows with every scene.

    `created_at`: the time that this attempt's rows carry, UTC.
    """

    spark: SparkSession
    scope: Scope
    verdicts: Verdicts
    created_at: dt.datetime
    failures: ReadFailures

    def take_back_overridden(self) -> None:
        """Take back chips of another radiometry than a person has set for their scene."""
        decisions = {
            scene_id: self.verdicts.decision(scene)
            for scene_id, scene in self.verdicts.scenes.items()
            if {scene_id, scene.collection} & set(self.verdicts.overrides)
        }
        self._take_back({key: Reason(detail=one.rule, right=one.radiometry) for key, one in decisions.items()})

    def judge(self, scene_ids: Iterable[str]) -> int:
        """Quarantine scenes in doubt, correct those whose pixels decide, and take back their chips that are wrong.

        Gives how many of these chips this attempt had written.
        """
        reasons: dict[str, Reason] = {}
        for scene_id in scene_ids:
            if scene_id in self.failures.quarantined or scene_id in self.failures.corrected:
                continue
            correction, objection = self.verdicts.correction(scene_id), self.verdicts.against(scene_id)
            if correction is not None:
                _log.warning("scene %s: %s", scene_id, correction)
                self.failures.corrected[scene_id] = correction
                reasons[scene_id] = Reason(detail=correction, right=AS_PUBLISHED)
            elif objection is not None:
                _log.warning("scene %s is quarantined: %s", scene_id, objection)
                self.failures.quarantined[scene_id] = objection
                reasons[scene_id] = Reason(detail=objection)
        return self._take_back(reasons)

    def _take_back(self, reasons: Mapping[str, Reason]) -> int:
        if not reasons:
            return 0
        outcome = FAILED + self.failures.quarantine_reason
        taken = take_back(self.spark, self.scope, reasons, outcome, self.created_at)
        self.failures.taken_back += len(taken.chips)
        if taken.chips:
            _log.warning("%d chips of these scenes were taken back from %s", len(taken.chips), self.scope.plan.branch)
        if taken.published:
            some = ", ".join(taken.published[:_SHOWN])
            _log.warning("%d chips of these scenes are published, and stay: %s", len(taken.published), some)
        return taken.own
