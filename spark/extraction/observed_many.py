"""Candidates that Spark holds: more than a driver should."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from claylake.vocabulary import OBSERVATIONS
from spark.extraction.choosing import choose_all, with_failures
from spark.extraction.observed import ChoiceCount
from spark.extraction.observing import observed_scenes
from spark.extraction.outcomes import observations
from spark.extraction.reprocessed import newer_processings
from spark.extraction.scene_rows import count_outcomes
from spark.lake import merge
from spark.lake.bounds import Extent
from spark.sentinel2.choose import READ

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from pyspark.sql import DataFrame

    from claylake.catalogue.scene import Scene
    from spark.extraction.observing import ObservedScene
    from spark.extraction.read_failures import ReadFailures
    from spark.lake.scope import Scope
    from spark.sentinel2.choose import Rules


class ManyObserved:
    """`spark.extraction.observed.Observed` in Spark.

    Args:
        observed: `spark.extraction.observing.OBSERVED`; persisted here.
        existing: reads the chips that exist by now.
        rules: thresholds.
        apart: ids of halves that are not to be joined, by what is known by now.
    """

    def __init__(
        self,
        observed: DataFrame,
        existing: Callable[[], DataFrame],
        rules: Rules,
        apart: Callable[[], Sequence[tuple[str, str]]] = tuple,
    ) -> None:
        from pyspark import StorageLevel

        self._observed = observed.persist(StorageLevel.DISK_ONLY)
        self._existing, self._rules, self._apart = existing, rules, apart
        self._by_scene = observed_scenes(self._observed)

    @property
    def number(self) -> int:
        """Rows."""
        return sum(scene.candidates for scene in self._by_scene.values())

    def by_scene(self) -> dict[str, ObservedScene]:
        """What observing took, by scene id."""
        return self._by_scene

    def planned(self) -> int:
        """(cell, pass) pairs."""
        return self._observed.select("cell_id", "pass").distinct().count()

    def choose(self, failures: ReadFailures) -> ManyChosen:
        """In Spark."""
        from pyspark import StorageLevel

        observed = with_failures(self._observed, failures, self._apart())
        chosen = choose_all(observed, self.number, self._existing(), self._rules).persist(StorageLevel.DISK_ONLY)
        return ManyChosen(chosen=chosen, observed=observed, existing=self._existing)


@dataclass(kw_only=True)
class ManyChosen:
    """`spark.extraction.observed.Choice` in Spark; persisted.

    `observed`: with what could not be read. `existing`: reads the chips that exist by now.
    """

    chosen: DataFrame
    observed: DataFrame
    existing: Callable[[], DataFrame]
    _counts: list[ChoiceCount] = field(default_factory=list, init=False)

    def counts(self) -> list[ChoiceCount]:
        """One query gives outcomes, passes, and what there is to read; it is run once."""
        if not self._counts:
            rows = self.chosen.groupBy("outcome", "pass", "scene_id").count().collect()
            self._counts = [
                ChoiceCount(outcome=row["outcome"], pass_id=row["pass"], scene_id=row["scene_id"], number=row["count"])
                for row in rows
            ]
        return self._counts

    def wanted(self, scene_ids: Collection[str]) -> Sequence[dict[str, Any]]:
        """Rows to read of these scenes."""
        from pyspark.sql import functions as f

        rows = self.chosen.where((f.col("outcome") == READ) & f.col("scene_id").isin(list(scene_ids)))
        return [row.asDict() for row in rows.collect()]

    def release(self) -> None:
        """Unpersist."""
        self.chosen.unpersist()

    def write_observations(self, scope: Scope, scenes: Sequence[Scene], created_at: datetime) -> int:
        """By a MERGE.

        Args:
            scope: cells of the run, and its plan.
            scenes: of the run.
            created_at: that the rows carry, UTC.
        """
        rows = observations(scope.plan, self.chosen, self.existing(), scope.cells, scenes, created_at)
        # One row for each of the choice: counting and bounding them anew would cost a scan.
        number = sum(each.number for each in self.counts())
        extent = Extent(rows=number, keys=number, bounds=scope.bounds(OBSERVATIONS))
        return merge.upsert(self.chosen.sparkSession, scope.plan, OBSERVATIONS, rows, extent=extent)

    def by_outcome(self, *, replaces: bool) -> dict[str, Counter[str]]:
        """By scene id, its outcomes."""
        return count_outcomes(self.chosen, self.existing(), self.observed, replaces=replaces)

    def newer_processings(self, why: str) -> tuple[str, ...]:
        """A sentence for each newer baseline."""
        return newer_processings(self.observed, self.existing(), why)
