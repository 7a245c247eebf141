"""What a run's observed candidates offer, and a choice among them: the same in Spark and in the driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from claylake.catalogue.scene import Scene
    from spark.extraction.observing import ObservedScene
    from spark.extraction.read_failures import ReadFailures
    from spark.lake.scope import Scope


@dataclass(frozen=True, kw_only=True)
class ChoiceCount:
    """How many rows of a choice have an outcome, by pass and scene."""

    outcome: str
    pass_id: str
    scene_id: str
    number: int


class Observed(Protocol):
    """A row for each candidate, as `spark.extraction.observing.OBSERVED` has them.

    Spark holds many (`ManyObserved`), the driver few (`FewObserved`): the choices of both are the same.
    """

    @property
    def number(self) -> int:
        """Rows."""

    def by_scene(self) -> dict[str, ObservedScene]:
        """What observing took, by scene id."""

    def planned(self) -> int:
        """(cell, pass) pairs."""

    def choose(self, failures: ReadFailures) -> Choice:
        """The choice by thresholds and the chips that exist by now, without what could not be read."""


class Choice(Protocol):
    """One outcome for each (cell, pass)."""

    def counts(self) -> list[ChoiceCount]:
        """Few: a scene is of one pass."""

    def wanted(self, scene_ids: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """What is to be read of these scenes: cell_id, scene_id and the measures."""

    def release(self) -> None:
        """Let go of what is held."""

    def write_observations(self, scope: Scope, scenes: Sequence[Scene], created_at: datetime) -> int:
        """Write a final choice to the branch, as observations; gives how many are new or changed.

        Args:
            scope: cells of the run, and its plan.
            scenes: of the run.
            created_at: that the rows carry, UTC.
        """

    def by_outcome(self, *, replaces: bool) -> dict[str, Counter[str]]:
        """By scene id, its outcomes, as `spark.extraction.scene_rows.count_outcomes` says."""

    def newer_processings(self, why: str) -> tuple[str, ...]:
        """As `spark.extraction.reprocessed` says."""
