"""The choice: which scene, or which two halves, supply a cell in a pass, and which passes become chips.

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
from claylake.vocabulary import FAILED, REJECTED, REPLACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd

    from claylake.configuration.settings import Settings

READ = "read"
PRESENT = "present"
NODATA = f"{REJECTED}nodata"
CLOUD = f"{REJECTED}cloud"
NOT_AMONG_CLEAREST = f"{REJECTED}not_among_clearest"

_KEY = ("cell_id", "pass")
EXISTING = (*_KEY, "baseline")
_SECOND = "second_scene_id"
_RANKS = ("_class", "_older", "_joined", "_nodata", "_unclear", "_preference")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Thresholds, as fractions of all pixels of a cell; `passes_per_month` None keeps every pass that meets them.

    `replaces`: whether the newest baseline comes first, and chips of an older one are made anew.
    """

    min_clear_frac: float
    max_nodata_frac: float
    passes_per_month: int | None
    replaces: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """The rules among a plan's settings."""
        selection = settings.selection
        return cls(
            min_clear_frac=selection.min_clear_frac,
            max_nodata_frac=selection.max_nodata_frac,
            passes_per_month=selection.passes_per_month,
            replaces=settings.catalogue.on_reprocessed == REPLACE,
        )


@dataclass(frozen=True, kw_only=True)
class _Best:
    """The best scene of a (cell, pass): what it shows, and whether a chip exists already.

    `newer`: whether the rules replace chips and the scene's baseline is newer than that of the chip.
    """

    cell_id: str
    pass_id: str
    exists: bool
    newer: bool
    problem: str | None
    clear_frac: float
    nodata_frac: float

    def outcome(self, rules: Rules) -> str:
        """By thresholds and the chip that exists."""
        shown = self._shown(rules)
        return PRESENT if self.exists and not (shown == READ and self.newer) else shown

    def _shown(self, rules: Rules) -> str:
        """By thresholds alone."""
        if self.problem is not None:
            return FAILED + self.problem
        if self.nodata_frac > rules.max_nodata_frac:
            return NODATA
        return CLOUD if self.clear_frac < rules.min_clear_frac else READ


def choose(observed: pd.DataFrame, existing: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """One row per (cell, pass): its best scene, and what becomes of it.

    Scenes that meet the thresholds come before those that are rejected, and these before those that cannot be used.
    The best that meets them is one scene rather than two halves, then has the least nodata, then the lowest preference;
    the best of the others the least nodata, then the most clear, then the lowest ids, as observations of several runs
    are merged (`spark.lake.merge.order`).
    A month's clearest passes are those of highest `clear_frac`, earlier passes first; existing
    chips count among a month's passes and are never given up. Where the rules replace, the newest baseline comes before
    all else among the scenes that meet the thresholds, and a chip of an older one is read again. A baseline that is no
    number comes last, is never replaced and replaces nothing.

    Args:
        observed: one row per (cell, scene): cell_id, pass, scene_id, preference, problem, clear_frac, nodata_frac;
            others travel along. Rows of two halves, beside those of each, name the second in `second_scene_id`; there
            may be no such column. `problem` is None where the scene can be used; fractions are NaN where they are not
            known; `preference` ranks scenes; `baseline` is needed where the rules replace.
        existing: `EXISTING` of the chips that exist, of at least the cells and months of `observed`; without `baseline`
            where the rules do not replace.
        rules: thresholds, and whether chips are replaced.

    Returns:
        The best rows of `observed`, ordered by cell and pass, with `considered` (ids of its scenes, sorted)
        and `outcome`: ``read`` (to become a chip), ``present``,
        ``rejected:<reason>`` or ``failed:<reason>``.

    Raises:
        ValueError: passes per month are limited, and a pass does not end in its datatake's start.
    """
    key = list(_KEY)
    if _SECOND not in observed:
        observed = observed.assign(**{_SECOND: np.array([None] * len(observed), dtype=object)})
    ranked = observed.assign(**_ranks(observed, rules), _other=observed[_SECOND].fillna("")).sort_values(
        [*key, *_RANKS, "scene_id", "_other"], na_position="last", ignore_index=True
    )
    table = ranked.loc[~ranked.duplicated(key)].drop(columns=[*_RANKS, "_other"]).reset_index(drop=True)
    # Each half is there alone, too.
    alone = observed.loc[observed[_SECOND].isna()]
    considered = alone.sort_values([*key, "scene_id"]).groupby(key, sort=True)["scene_id"].agg(list)
    table["considered"] = considered.to_numpy()
    chips = _chips(existing, rules)
    best = _rows(table, chips, rules)
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
    older = (-_number_of_baseline(observed)).where(good, 0.0) if rules.replaces else 0.0 * failed
    joined = observed[_SECOND].notna().astype(int).where(good, 0)
    unclear, preference = (-clear).where(~good, 0.0), observed["preference"].where(good, 0)
    values = (2 * failed + rejected, older, joined, nodata, unclear, preference)
    return dict(zip(_RANKS, values, strict=True))


def _number_of_baseline(rows: pd.DataFrame) -> pd.Series[Any]:
    """Baselines, two digits, a point and two digits, as numbers, which are in order; NaN where one is no number."""
    import pandas as pd

    return pd.to_numeric(rows["baseline"], errors="coerce").astype(float)


def _baselines(rows: pd.DataFrame, rules: Rules) -> list[float]:
    """As numbers; NaN where the rules do not need them."""
    values: list[float] = _number_of_baseline(rows).tolist() if rules.replaces else [math.nan] * len(rows)
    return values


def _chips(existing: pd.DataFrame, rules: Rules) -> dict[tuple[str, str], float]:
    """Baseline of each chip that exists, by cell and pass."""
    keys = zip(_texts(existing, "cell_id"), _texts(existing, "pass"), strict=True)
    return dict(zip(keys, _baselines(existing, rules), strict=True))


def _rows(table: pd.DataFrame, chips: Mapping[tuple[str, str], float], rules: Rules) -> list[_Best]:
    return [
        _Best(
            cell_id=cell_id,
            pass_id=pass_id,
            exists=(cell_id, pass_id) in chips,
            newer=baseline > chips.get((cell_id, pass_id), math.inf),
            problem=problem,
            clear_frac=clear_frac,
            nodata_frac=nodata_frac,
        )
        for cell_id, pass_id, problem, clear_frac, nodata_frac, baseline in zip(
            _texts(table, "cell_id"),
            _texts(table, "pass"),
            _problems(table),
            _numbers(table, "clear_frac"),
            _numbers(table, "nodata_frac"),
            _baselines(table, rules),
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


def _surplus(best: list[_Best], outcomes: list[str], chips: Iterable[tuple[str, str]], most: int) -> Iterator[int]:
    """Which of `best` are to be read, but not among the `most` clearest of their cell and month.

    One whose clear fraction is not known comes after all others; one that replaces a chip has its place.
    """

    def clearest_first(number: int) -> tuple[bool, float, str]:
        clear = best[number].clear_frac
        return math.isnan(clear), -clear, best[number].pass_id

    month = {pass_id: pass_month(pass_id) for pass_id in {pass_id for _, pass_id in chips} | {b.pass_id for b in best}}
    taken = Counter((cell_id, month[pass_id]) for cell_id, pass_id in chips)
    wanted = [number for number, outcome in enumerate(outcomes) if outcome == READ and not best[number].exists]
    for number in sorted(wanted, key=clearest_first):
        key = best[number].cell_id, month[best[number].pass_id]
        if taken[key] >= most:
            yield number
        taken[key] += 1
