"""What one page is of: the plan, the rows of the tables, and what the steps reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from claylake.area.grid import Cell
from claylake.run.remarks import of_plan
from claylake.vocabulary import CELL_KM2, FAILED, OUTCOME_CHIP, REJECTED
from spark.report.atlas import Blocks, Plane
from spark.report.groups import Groups, group
from spark.report.layout import Layout
from spark.report.markup import total
from spark.report.passes import PassCounts, counted

if TYPE_CHECKING:
    from claylake.plan import Plan
    from claylake.run.reports import EmbedReport, ExtractReport
    from spark.report.rows import Clearest, Rows

RANDOM: Final = "-random"
"""Ends the names of encoders whose weights are random."""


@dataclass(frozen=True)
class Month:
    """An area's month, or several months of one run.

    Attributes:
        plan: of the run.
        cells: of the area, in the plan's order; at least one.
        rows: what the tables have of them.
        footprints: pass and footprint (GeoJSON) of scenes that are known.
        outcome: of the run, in a word or two.
        seconds: of each step that has ended.
        money: what the run cost or is expected to cost, in words; empty where it costs nothing.
        extracted: report of the step extract; None where there is none, as below.
        embedded: report of the step embed.
        warnings: of other steps.
    """

    plan: Plan
    cells: Sequence[Cell]
    rows: Rows
    footprints: Sequence[tuple[str, Mapping[str, Any]]] = ()
    outcome: str = "published"
    seconds: Mapping[str, float] = field(default_factory=dict)
    money: str = ""
    extracted: ExtractReport | None = None
    embedded: EmbedReport | None = None
    warnings: Sequence[str] = ()

    @cached_property
    def layout(self) -> Layout:
        """Places of the cells in pictures."""
        return Layout.of_cells(self.cells)

    @cached_property
    def index(self) -> dict[str, int]:
        """Cell id to its place in `cells`."""
        return {cell.id: number for number, cell in enumerate(self.cells)}

    @cached_property
    def clearest(self) -> dict[str, Clearest]:
        """Cell id to its clearest chip."""
        return {chip.cell_id: chip for chip in self.rows.clearest}

    @cached_property
    def passes(self) -> tuple[PassCounts, ...]:
        """In the order of time."""
        return counted(self.rows.passes, self.rows.scenes)

    @cached_property
    def blocks(self) -> Blocks:
        """Squares of the map."""
        return Blocks.of_cells(self.cells)

    @cached_property
    def plane(self) -> Plane:
        """Of the map."""
        return Plane.of(self.blocks.corners.reshape(-1, 2))

    @cached_property
    def points(self) -> tuple[str, ...]:
        """Cells of the vectors that the projection shows."""
        return tuple(cell for cell in self.rows.vectors.sample_cells if cell in self.clearest)

    @cached_property
    def groups(self) -> Groups:
        """Of these vectors."""
        wanted, sample = set(self.points), self.rows.vectors
        kept = [number for number, cell in enumerate(sample.sample_cells) if cell in wanted]
        return group(sample.sample[kept], [self.clearest[cell] for cell in self.points])

    @property
    def random(self) -> bool:
        """Whether the encoder's weights are random."""
        return self.plan.model_version.partition("+")[0].endswith(RANDOM)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What plan and steps say of the months, in whole sentences, warnings first."""
        return (*(self.extracted.warnings if self.extracted else ()), *self.warnings, *of_plan(self.plan))

    @cached_property
    def counts(self) -> dict[str, float]:
        """The page's numbers by name."""
        outcomes = self.rows.outcomes
        return {
            "cells": len(self.cells),
            "cells_with_chip": len(self.clearest),
            "scenes": len(self.rows.scenes),
            "passes": len(self.passes),
            "observations": sum(outcomes.values()),
            "observed_chips": outcomes.get(OUTCOME_CHIP, 0),
            "rejected": total(outcomes, REJECTED),
            "failed": total(outcomes, FAILED),
            "chips": sum(chip.chips for chip in self.rows.clearest),
            "vectors": self.rows.vector_count,
            "km2": round(len(self.cells) * CELL_KM2, 2),
            "km2_with_chip": round(len(self.clearest) * CELL_KM2, 2),
        }
