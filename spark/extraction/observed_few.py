"""Candidates that the driver holds: a small area's month, whose choice would cost Spark many jobs of little work.

None of them is of two halves of a tile-date: those are rare, and Spark holds them.

What Spark does for many (`observed_many`) is said in plain Python here; tests compare both.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claylake.vocabulary import FAILED, OBSERVATIONS, OUTCOME_CHIP, REJECTED
from spark.extraction.choosing import CHOICE
from spark.extraction.observed import ChoiceCount
from spark.extraction.observing import ObservedScene
from spark.extraction.outcomes import SHOWN, constants
from spark.extraction.reading_log import Reading
from spark.extraction.reprocessed import Newer, sentences
from spark.lake import merge
from spark.lake.bounds import extent_of_rows
from spark.lake.branch_state import BranchState
from spark.lake.tables import TABLES
from spark.sentinel2.choose import EXISTING, PRESENT, READ, Rules, choose

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

    from claylake.catalogue.scene import Scene
    from spark.extraction.read_failures import ReadFailures
    from spark.lake.scope import Scope

FEW = 100_000
"""Candidates at most: 100 MB of the driver's memory, and a choice of five seconds."""
_KEY = ("cell_id", "pass")
_Row = dict[str, Any]


class FewObserved:
    """`spark.extraction.observed.Observed` in the driver's memory.

    Args:
        observed: `spark.extraction.observing.OBSERVED`, collected here.
        existing: reads the chips that exist by now, of some cells: `spark.extraction.existing.COLUMNS`, collected.
        rules: thresholds.
    """

    def __init__(self, observed: DataFrame, existing: Callable[[Collection[str]], pd.DataFrame], rules: Rules) -> None:
        self._spark = observed.sparkSession
        self._observed = observed.toPandas()
        self._existing, self._rules = existing, rules

    @property
    def number(self) -> int:
        """Rows."""
        return len(self._observed)

    def by_scene(self) -> dict[str, ObservedScene]:
        """What observing took, by scene id."""
        found = {}
        for scene_id, rows in self._observed.groupby("scene_id"):
            reading = Reading(
                requests=int(rows["requests"].sum()),
                downloaded=int(rows["downloaded"].sum()),
                seconds=float(rows["seconds"].sum()),
            )
            found[str(scene_id)] = ObservedScene(candidates=len(rows), reading=reading)
        return found

    def planned(self) -> int:
        """(cell, pass) pairs."""
        return len(self._observed.drop_duplicates(list(_KEY)))

    def choose(self, failures: ReadFailures) -> FewChosen:
        """By the function that Spark calls for each bucket of cells."""
        observed = with_failures(self._observed, failures)
        existing = self._existing(set(observed["cell_id"]))
        # Where there is nothing at all, columns have no types to go by.
        if observed.empty:
            chosen = observed.reindex(columns=CHOICE.names)
        else:
            chosen = choose(observed, existing[list(EXISTING)], self._rules)[list(CHOICE.names)]
        return FewChosen(
            spark=self._spark, chosen=_records(chosen), observed=_records(observed), existing=_records(existing)
        )


def with_failures(observed: pd.DataFrame, failures: ReadFailures) -> pd.DataFrame:
    """`observed`, where scenes that failed when read cannot be used again."""
    if not failures:
        return observed
    problems, details = [], []
    columns = (observed[name].tolist() for name in ("cell_id", "scene_id", "problem", "detail"))
    for cell_id, scene_id, problem, detail in zip(*columns, strict=True):
        lost = failures.cells.get((cell_id, scene_id, None), (None, None))
        refused = failures.quarantined.get(scene_id)
        problems.append(_first(problem, lost[0], None if refused is None else failures.quarantine_reason))
        details.append(_first(detail, lost[1], refused))
    return observed.assign(problem=_objects(problems), detail=_objects(details))


@dataclass(frozen=True, kw_only=True)
class FewChosen:
    """`spark.extraction.observed.Choice` in the driver's memory; rows by column, unknown values None.

    `observed`: with what could not be read. `existing`: the chips that the choice was made by.
    """

    spark: SparkSession
    chosen: Sequence[_Row]
    observed: Sequence[_Row]
    existing: Sequence[_Row]

    def counts(self) -> list[ChoiceCount]:
        """By outcome, pass and scene."""
        counted = Counter((row["outcome"], row["pass"], row["scene_id"]) for row in self.chosen)
        return [
            ChoiceCount(outcome=outcome, pass_id=pass_id, scene_id=scene_id, number=number)
            for (outcome, pass_id, scene_id), number in counted.items()
        ]

    def wanted(self, scene_ids: Collection[str]) -> Sequence[_Row]:
        """Rows to read of these scenes."""
        scenes = set(scene_ids)
        return [row for row in self.chosen if row["outcome"] == READ and row["scene_id"] in scenes]

    def release(self) -> None:
        """Nothing is held elsewhere."""

    def write_observations(self, scope: Scope, scenes: Sequence[Scene], created_at: datetime) -> int:
        """By an append where no file of the branch may have their keys, else by a MERGE.

        Args:
            scope: cells of the run, and its plan.
            scenes: of the run.
            created_at: that the rows carry, UTC.
        """
        rows = list(self.observations(scope, scenes, created_at))
        if not rows:
            return 0
        shape = TABLES[OBSERVATIONS]
        extent = extent_of_rows(rows, shape)
        branch = BranchState.of(self.spark, scope.plan, OBSERVATIONS)
        once = extent.bounds is not None and extent.rows == extent.keys
        fresh = once and not branch.may_hold(scope.bounds(OBSERVATIONS))
        if fresh and branch.append(rows):
            return len(rows)
        frame = shape.columns.frame(self.spark, rows)
        return merge.upsert(self.spark, scope.plan, OBSERVATIONS, frame, extent=extent)

    def observations(self, scope: Scope, scenes: Sequence[Scene], created_at: datetime) -> Iterator[_Row]:
        """The rows of `spark.extraction.outcomes.observations`.

        Args:
            scope: cells of the run, and its plan.
            scenes: of the run.
            created_at: that the rows carry, UTC.
        """
        dates = {scene.id: scene.datetime for scene in scenes}
        hashes = dict(zip(*(scope.cells[name].to_pylist() for name in ("cell_id", "geohash")), strict=True))
        chips = _by_key(self.existing)
        constant = constants(scope.plan, created_at)
        for row in self.chosen:
            key, geohash = _key(row), hashes.get(row["cell_id"])
            if geohash is None:
                continue
            known = {**dict(zip(_KEY, key, strict=True)), "geohash": geohash, "scenes_considered": row["considered"]}
            if row["outcome"] == PRESENT:
                made = {"outcome": OUTCOME_CHIP, "detail": None}
                yield from (known | made | {name: chip[name] for name in SHOWN} | constant for chip in chips[key])
            elif row["scene_id"] in dates:
                shown = {name: row[name] for name in SHOWN if name != "datetime"}
                said = {"outcome": row["outcome"], "detail": row["detail"], "datetime": dates[row["scene_id"]]}
                yield known | said | shown | constant

    def by_outcome(self, *, replaces: bool) -> dict[str, Counter[str]]:
        """By scene id, its outcomes."""
        chips = _by_key(self.existing)
        counts: dict[str, Counter[str]] = {}
        for row in self.chosen:
            if row["outcome"] == PRESENT:
                for chip in chips[_key(row)]:
                    counts.setdefault(chip["scene_id"], Counter())[PRESENT] += 1
            elif row["outcome"].startswith(REJECTED):
                counts.setdefault(row["scene_id"], Counter())[row["outcome"]] += 1
        for row in self.observed:
            if row["problem"] is None:
                continue
            settled = (
                not (replaces and _is_newer(row["baseline"], chip["baseline"])) for chip in chips.get(_key(row), ())
            )
            if not any(settled):
                counts.setdefault(row["scene_id"], Counter())[FAILED + row["problem"]] += 1
        return counts

    def newer_processings(self, why: str) -> tuple[str, ...]:
        """A sentence for each newer baseline."""
        chips = _by_key(self.existing)
        keys: dict[str, set[tuple[str, str]]] = defaultdict(set)
        oldest: dict[str, str] = {}
        for row in self.observed:
            if row["problem"] is not None:
                continue
            for chip in chips.get(_key(row), ()):
                newer, older = row["baseline"], chip["baseline"]
                if _is_newer(newer, older):
                    keys[newer].add(_key(row))
                    oldest[newer] = min(oldest.get(newer, older), older)
        return sentences([Newer(newer=one, chips=len(keys[one]), oldest=oldest[one]) for one in keys], why)


def _is_newer(one: str | None, other: str | None) -> bool:
    """As `spark.lake.replacing.is_newer` says it in SQL."""
    first, second = _number(one), _number(other)
    return first is not None and second is not None and first > second


def _number(baseline: str | None) -> float | None:
    try:
        return None if baseline is None else float(baseline)
    except ValueError:
        return None


def _first(*values: str | None) -> str | None:
    return next((value for value in values if value is not None), None)


def _objects(values: Sequence[str | None]) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series(values, dtype=object)


def _records(rows: pd.DataFrame) -> list[_Row]:
    """Rows by column: NaN and NaT, which stand for what is not known, become None; times are UTC-aware."""
    import pandas as pd

    columns: dict[str, list[Any]] = {}
    for name in rows.columns:
        values = rows[name]
        if isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind == "M":
            aware = values if values.dt.tz is not None else values.dt.tz_localize("UTC")
            columns[name] = [None if pd.isna(moment) else moment.to_pydatetime() for moment in aware]
        else:
            columns[name] = [
                None if isinstance(value, float) and math.isnan(value) else value for value in values.tolist()
            ]
    return [dict(zip(columns, each, strict=True)) for each in zip(*columns.values(), strict=True)]


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["cell_id"], row["pass"]


def _by_key(chips: Sequence[_Row]) -> dict[tuple[str, str], list[_Row]]:
    found: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    for chip in chips:
        found[_key(chip)].append(chip)
    return found
