"""The choice: which scene supplies a cell in a pass, and which passes become chips.

A pure function of what was seen, free of order and of the clock: the same observations, rules and
chips at hand give the same choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from claylake.pass_month import months_pandas
from claylake.vocabulary import FAILED, REJECTED

if TYPE_CHECKING:
    import pandas as pd

    from claylake.settings import Selection

READ = "read"
PRESENT = "present"
NODATA = f"{REJECTED}nodata"
CLOUD = f"{REJECTED}cloud"
NOT_AMONG_CLEAREST = f"{REJECTED}not_among_clearest"

SEEN = ("cell_id", "pass", "scene_id", "preference", "problem", "clear_frac", "nodata_frac")
"""Columns that `choose` reads; others travel along."""
AT_HAND = ("cell_id", "pass")


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


def choose(seen: pd.DataFrame, at_hand: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """One row per (cell, pass): its best scene, and what becomes of it.

    The best scene of a (cell, pass) is usable, has the least nodata, then the lowest preference.
    A month's clearest passes are those of highest `clear_frac`, earlier passes first; chips at
    hand count among a month's passes and are never given up.

    Args:
        seen: one row per (cell, scene): `SEEN` and any others. `problem` is None where the scene
            can be used; fractions are NaN where they are not known; `preference` ranks scenes.
        at_hand: `AT_HAND` of the chips that exist, of at least the cells and months of `seen`.
        rules: thresholds.

    Returns:
        The best rows of `seen`, ordered by cell and pass, with `considered` (scene ids in order of
        preference for this cell) and `outcome`: ``read`` (to become a chip), ``present``,
        ``rejected:<reason>`` or ``failed:<reason>``.
    """
    ranked = seen.assign(_broken=seen["problem"].notna()).sort_values(
        ["cell_id", "pass", "_broken", "nodata_frac", "preference"], na_position="last", ignore_index=True
    )
    groups = ranked.groupby(["cell_id", "pass"], sort=False)
    best = ranked.loc[~ranked.duplicated(["cell_id", "pass"])].reset_index(drop=True)
    best["considered"] = groups["scene_id"].agg(list).to_numpy()
    chips = set(zip(at_hand["cell_id"], at_hand["pass"], strict=True))
    present = np.array([key in chips for key in zip(best["cell_id"], best["pass"], strict=True)], dtype=bool)
    best["outcome"] = np.select(
        [
            present,
            best["problem"].notna(),
            best["nodata_frac"] > rules.max_nodata_frac,
            best["clear_frac"] < rules.min_clear_frac,
        ],
        [PRESENT, FAILED + best["problem"].astype(object).fillna(""), NODATA, CLOUD],
        default=READ,
    ).astype(object)
    if rules.passes_per_month is not None:
        best.loc[_surplus(best, at_hand, rules.passes_per_month), "outcome"] = NOT_AMONG_CLEAREST
    return best.drop(columns="_broken")


def _surplus(best: pd.DataFrame, at_hand: pd.DataFrame, most: int) -> pd.Index[Any]:
    """Rows to be read that are not among the `most` clearest of their cell and month."""
    place = ["cell_id", "month"]
    held = at_hand.assign(month=months_pandas(at_hand["pass"])).drop_duplicates().groupby(place).size().rename("held")
    wanted = best.loc[best["outcome"] == READ].assign(month=lambda rows: months_pandas(rows["pass"]))
    # Back in the order of the index: sorting must not change whose row is whose.
    order = wanted.sort_values(["clear_frac", "pass"], ascending=[False, True], kind="stable")
    place_in_month = order.groupby(place).cumcount().reindex(wanted.index)
    have = wanted.join(held, on=place)["held"].fillna(0)
    return wanted.index[(place_in_month + have >= most).to_numpy(dtype=bool)]
