"""The strongest changes of a published month: as lines, one JSON document, or a picture of before and after."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from claylake import store
from claylake.errors import BadInputError
from claylake.pass_month import MARGIN
from claylake.run.tables import catalog, open_table, read_rows
from claylake.vector_kind import VectorKind
from claylake.vocabulary import CHANGES, CHIPS
from cli.earlier import published_runs
from cli.relocating import require_in_place
from spark.change import baselines
from spark.change.strength import strength

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from PIL import Image
    from pyiceberg.catalog import Catalog

    from claylake.month import Month
    from claylake.plan import Plan
    from cli.lake import LakeFolder

_SIDE: Final = 256
_GAP: Final = 8
_LINE: Final = 18


class Baseline(StrEnum):
    """Kinds of earlier months."""

    PREVIOUS = baselines.PREVIOUS
    SEASON = baselines.SEASON


class Change(BaseModel):
    """A row of the table `changes`, as its readers see it; `score` is None where there were too few neighbours."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    cell_id: str
    baseline_month: str
    baseline_kind: str
    id: str
    baseline_id: str
    distance: float
    score: float | None
    history_months: int
    clear_frac: float
    baseline_clear_frac: float


class Changes(BaseModel):
    """The strongest changes of an area's month, strongest first; `compared` counts all of this kind of baseline."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    aoi: str
    month: str
    vectors: str
    baseline_kind: str
    compared: int
    strongest: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class ChangeView:
    """A published month in a lake's tables: `plan` is of its last run."""

    lake: Catalog
    plan: Plan
    month: Month

    @classmethod
    def of(cls, lake: LakeFolder, database: str, area: str | None, month: Month) -> ChangeView:
        """The month's.

        Args:
            lake: in a folder.
            database: namespace of its tables.
            area: name of one; None for the only one that has the month.
            month: a published one.

        Raises:
            BadInputError: there is no lake, or no such month is published, or of several areas.
        """
        lake.require()
        require_in_place(lake)
        plan = published_runs(lake, database, area, month)[-1]
        return cls(lake=catalog(lake.place(lake.path, plan.database)), plan=plan, month=month)

    def strongest(self, kind: str, most: int) -> Changes:
        """The changes of highest score; of equal score, and of none, those of the largest distance.

        Args:
            kind: of the baseline.
            most: how many.

        Raises:
            BadInputError: the month has no changes; the text says why that may be.
            StoreError: the table cannot be read.
        """
        from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThan

        from spark.lake.scope import read_cells_table

        of_kind = VectorKind.of(self.plan)
        start, end = self.month.start - MARGIN, self.month.end + MARGIN
        condition = And(
            GreaterThanOrEqual("datetime", start.isoformat()),
            LessThan("datetime", end.isoformat()),
            EqualTo("month", str(self.month)),
            EqualTo("baseline_kind", kind),
            of_kind.expression(),
        )
        table = open_table(self.lake, self.plan.database, CHANGES)
        rows = [] if table is None else read_rows(table, condition, tuple(Change.model_fields)).to_pylist()
        cells = set(read_cells_table(self.plan)["cell_id"].to_pylist())
        found = [Change(**row) for row in rows if row["cell_id"] in cells]
        if not found:
            msg = (
                f"{self.plan.aoi_name} {self.month}: no changes with a baseline of the kind {kind}: no earlier month "
                "was published, or none with chips that are clear enough (docs/change.md)"
            )
            raise BadInputError(msg)
        found.sort(key=_strength)
        return Changes(
            aoi=self.plan.aoi_name,
            month=str(self.month),
            vectors=str(of_kind),
            baseline_kind=kind,
            compared=len(found),
            strongest=tuple(found[:most]),
        )

    def draw(self, changes: Sequence[Change], path: Path) -> str:
        """Write a PNG with the chips of each change, before and after; gives what it shows, in words.

        Args:
            changes: strongest first.
            path: ending in ``.png``.

        Raises:
            BadInputError: the ending is another.
            StoreError: chips cannot be read, or the file not be written.
        """
        from pyiceberg.expressions import In

        if path.suffix != ".png":
            msg = f"--out {path}: give a file that ends in .png"
            raise BadInputError(msg)
        table = open_table(self.lake, self.plan.database, CHIPS)
        ids = {name for change in changes for name in (change.baseline_id, change.id)}
        rows = [] if table is None else read_rows(table, In("id", ids), ("id", "geotiff")).to_pylist()
        sheet = _sheet(changes, {row["id"]: row["geotiff"] for row in rows})
        out = io.BytesIO()
        sheet.save(out, "PNG")
        store.write(str(path.absolute()), out.getvalue(), "image/png")
        return f"{path}: {len(changes)} cells, before and after, strongest first"


def lines(changes: Changes) -> Iterator[tuple[str, str]]:
    """The changes for people: the rank, and a line."""
    of = f"{changes.compared:,} compared ({changes.baseline_kind})"
    yield "month", f"{changes.aoi} {changes.month}: {of}, {changes.vectors}"
    for rank, change in enumerate(changes.strongest, start=1):
        by = f"{change.history_months} months" if change.history_months else "its neighbours"
        score = "no score" if change.score is None else f"score {change.score:.1f} by {by}"
        clear = f"{change.baseline_clear_frac:.0%} and {change.clear_frac:.0%} clear"
        yield (
            str(rank),
            f"{change.cell_id} since {change.baseline_month}: {score}, {change.distance:.4f} apart, {clear}",
        )


def _strength(change: Change) -> tuple[float, float, str]:
    return *strength(change.score, change.distance), change.cell_id


def _sheet(changes: Sequence[Change], pictures: dict[str, bytes]) -> Image.Image:
    """Two columns: before, after; a line of text over each row. Chips that are no longer kept are grey."""
    from PIL import Image, ImageDraw

    row = _SIDE + _LINE + _GAP
    sheet = Image.new("RGB", (2 * _SIDE + 3 * _GAP, _GAP + row * len(changes)), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    for number, change in enumerate(changes):
        top = _GAP + number * row
        score = "no score" if change.score is None else f"score {change.score:.1f}"
        draw.text(
            (_GAP, top + 2), f"{number + 1}  {change.cell_id}  {score}  since {change.baseline_month}", (28, 32, 36)
        )
        for column, name in enumerate((change.baseline_id, change.id)):
            left = _GAP + column * (_SIDE + _GAP)
            if name in pictures:
                with Image.open(io.BytesIO(pictures[name])) as chip:
                    sheet.paste(chip.convert("RGB").resize((_SIDE, _SIDE)), (left, top + _LINE))
            else:
                draw.rectangle((left, top + _LINE, left + _SIDE - 1, top + _LINE + _SIDE - 1), (214, 214, 214))
    return sheet
