"""Medians of many groups at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Medians:
    """Of each group its median and how many values it has: arrays as long as there are groups.

    `medians` is NaN where a group has no value.
    """

    medians: NDArray[np.float64]
    counts: NDArray[np.int64]


def medians_of(values: NDArray[np.float64], groups: NDArray[np.int64], number: int) -> Medians:
    """The median of the values of each group, the mean of the two middle ones where their number is even.

    Args:
        values: finite, shape (n,).
        groups: the group of each value, from 0 to `number` - 1.
        number: of groups.
    """
    counts = np.bincount(groups, minlength=number).astype(np.int64)
    medians = np.full(number, np.nan)
    filled = counts > 0
    ordered = values[np.lexsort((values, groups))]
    starts = np.cumsum(counts) - counts
    low, high = starts + (counts - 1) // 2, starts + counts // 2
    medians[filled] = (ordered[low[filled]] + ordered[high[filled]]) / 2
    return Medians(medians=medians, counts=counts)
