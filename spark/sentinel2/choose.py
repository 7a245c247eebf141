"""The choice: which scene supplies a cell in a pass, and which passes become chips.

A pure function, free of order and of the clock: the same measures, rules and existing chips give
the same choice.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from claylake.pass_month import pass_month
from claylake.vocabulary import FAILED, REJECTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from claylake.configuration.settings import Selection

READ = "read"
PRESENT = "present"
NODATA = f"{REJECTED}nodata"
CLOUD = f"{REJECTED}cloud"
NOT_AMONG_CLEAREST = f"{REJECTED}not_among_clearest"

EXISTING = ("cell_id", "pass")
_RANKS = ("_class", "_nodata", "_unclear", "_preference")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Thresholds, as fractions of all pixels of a cell; `passes_per_month` None keeps every pass that meets them."""

    min_clear_frac: float
    max_nodata_frac: float
    passes_per_month: int | None

    @classmethod
    def of(cls, selection: Selection) -> Rules:
        """The rules among a plan's selection settings."""
        return cls(
            min_clear_frac=selection.min_clear_frac,
            max_nodata_frac=selection.max_nodata_frac,
            passes_per_month=selection.passes_per_month,
        )


@dataclass(frozen=True, kw_only=True)
class _Best:
    """The best scene of a (cell, pass): whether a chip exists already, and what the scene shows."""

    cell_id: str
    pass_id: str
    exists: bool
    problem: str | None
    clear_frac: float
    nodata_frac: float

    def outcome(self, rules: Rules) -> str:
        """By thresholds alone."""
        if self.exists:
            return PRESENT
        if self.problem is not None:
            return FAILED + self.problem
        if self.nodata_frac > rules.max_nodata_frac:
            return NODATA
        return CLOUD if self.clear_frac < rules.min_clear_frac else READ


def choose(observed: pd.DataFrame, existing: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """One row per (cell, pass): its best scene, and what becomes of it.

    Scenes that meet the thresholds come before those that are rejected, and these before those that cannot be used.
    The best that meets them has the least nodata, then the lowest preference; the best of the others the least nodata,
    then the most clear, then the lowest id, as observations of several runs are merged (`spark.lake.merge.order`).
    A month's clearest passes are those of highest `clear_frac`, earlier passes first; existing
    chips count among a month's passes and are never given up.

    Args:
        observed: one row per (cell, scene): cell_id, pass, scene_id, preference, problem, clear_frac, nodata_frac;
            others travel along. `problem` is None where the scene can be used; fractions are NaN where they are not
            known; `preference` ranks scenes.
        existing: `EXISTING` of the chips that exist, of at least the cells and months of `observed`.
        rules: thresholds.

    Returns:
        The best rows of `observed`, ordered by cell and pass, with `considered` (ids of its scenes, sorted)
        and `outcome`: ``read`` (to become a chip), ``present``,
        ``rejected:<reason>`` or ``failed:<reason>``.

    Raises:
        ValueError: passes per month are limited, and a pass does not end in its datatake's start.
    """
    key = list(EXISTING)
    ranked = observed.assign(**_ranks(observed, rules)).sort_values(
        [*key, *_RANKS, "scene_id"], na_position="last", ignore_index=True
    )
    table = ranked.loc[~ranked.duplicated(key)].drop(columns=list(_RANKS)).reset_index(drop=True)
    considered = observed.sort_values([*key, "scene_id"]).groupby(key, sort=True)["scene_id"].agg(list)
    table["considered"] = considered.to_numpy()
    chips = _keys(existing)
    best = _rows(table, chips)
    outcomes = [row.outcome(rules) for row in best]
    if rules.passes_per_month is not None:
        for number in _surplus(best, outcomes, chips, rules.passes_per_month):
            outcomes[number] = NOT_AMONG_CLEAREST
    table["outcome"] = np.array(outcomes, dtype=object)
    return table


def _ranks(observed: pd.DataFrame, rules: Rules) -> dict[str, pd.Series[Any]]:
    """What scenes are ordered by before their id, each the lower the better; NaN where it is not known."""
    failed = observed["problem"].notna()
    nodata, clear = observed["nodata_frac"].astype(float), observed["clear_frac"].astype(float)
    # What is not known does not reject.
    rejected = ~failed & ((nodata > rules.max_nodata_frac) | (clear < rules.min_clear_frac))
    good = ~failed & ~rejected
    values = (2 * failed + rejected, nodata, (-clear).where(~good, 0.0), observed["preference"].where(good, 0))
    return dict(zip(_RANKS, values, strict=True))


def _keys(rows: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(_texts(rows, "cell_id"), _texts(rows, "pass"), strict=True))


def _rows(table: pd.DataFrame, chips: set[tuple[str, str]]) -> list[_Best]:
    return [
        _Best(
            cell_id=cell_id,
            pass_id=pass_id,
            exists=(cell_id, pass_id) in chips,
            problem=problem,
            clear_frac=clear_frac,
            nodata_frac=nodata_frac,
        )
        for cell_id, pass_id, problem, clear_frac, nodata_frac in zip(
            _texts(table, "cell_id"),
            _texts(table, "pass"),
            _problems(table),
            _numbers(table, "clear_frac"),
            _numbers(table, "nodata_frac"),
            strict=True,
        )
    ]


def _texts(table: pd.DataFrame, name: str) -> list[str]:
    """A column of strings, each row with one."""
    values: list[str] = table[name].tolist()
    return values


def _problems(table: pd.DataFrame) -> list[str | None]:
    """The column `problem`: None where there is none."""
    values: list[object] = table["problem"].tolist()
    return [value if isinstance(value, str) else None for value in values]


def _numbers(table: pd.DataFrame, name: str) -> list[float]:
    """A column of numbers; NaN where there are none."""
    values: list[float] = table[name].astype(float).tolist()
    return values


def _surplus(best: list[_Best], outcomes: list[str], chips: set[tuple[str, str]], most: int) -> Iterator[int]:
    """Which of `best` are to be read, but not among the `most` clearest of their cell and month.

    One whose clear fraction is not known comes after all others.
    """

    def clearest_first(number: int) -> tuple[bool, float, str]:
        clear = best[number].clear_frac
        return math.isnan(clear), -clear, best[number].pass_id

    month = {pass_id: pass_month(pass_id) for pass_id in {pass_id for _, pass_id in chips} | {b.pass_id for b in best}}
    taken = Counter((cell_id, month[pass_id]) for cell_id, pass_id in chips)
    wanted = [number for number, outcome in enumerate(outcomes) if outcome == READ]
    for number in sorted(wanted, key=clearest_first):
        key = best[number].cell_id, month[best[number].pass_id]
        if taken[key] >= most:
            yield number
        taken[key] += 1
