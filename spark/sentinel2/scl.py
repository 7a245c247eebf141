"""What the scene classification says of cells, counted at 20 m."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from claylake.vocabulary import SCL_CLOUD, SCL_NODATA, SCL_NOT_CLEAR, SCL_SHADOW, SCL_SNOW, SCL_WATER

if TYPE_CHECKING:
    from collections.abc import Iterable

_CODES = 256
CODES = {
    "cloud_frac": SCL_CLOUD,
    "shadow_frac": SCL_SHADOW,
    "snow_frac": SCL_SNOW,
    "water_frac": SCL_WATER,
    "nodata_frac": (SCL_NODATA,),
}
"""Codes whose pixels each fraction counts."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """One cell's fractions of all its pixels, 0..1, and the mean code of its valid ones (None where none is valid)."""

    cloud_frac: float
    shadow_frac: float
    snow_frac: float
    water_frac: float
    nodata_frac: float
    clear_frac: float
    scl_mean: float | None

    def columns(self) -> dict[str, float | None]:
        """The measures by name, in the order of `MEASURES`."""
        return dict(vars(self))


MEASURES = tuple(field.name for field in fields(Measures))


def measure(cells: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """Fractions of each cell's pixels, and the mean code of its valid ones.

    Args:
        cells: uint8 (cell, row, col), codes of Sen2Cor's scene classification, nearest.

    Returns:
        float64 (cell,) for each of `CODES`, for ``clear_frac`` (not of `SCL_NOT_CLEAR`) and
        for ``scl_mean`` (NaN where no pixel is valid). Fractions are of all pixels, 0..1.
    """
    number, pixels = cells.shape[0], cells.shape[1] * cells.shape[2]
    codes = cells.reshape(number, pixels).astype(np.int64) + _CODES * np.arange(number)[:, None]
    counts = np.bincount(codes.ravel(), minlength=number * _CODES).reshape(number, _CODES)
    found = {name: _share(counts, codes) / pixels for name, codes in CODES.items()}
    found["clear_frac"] = (pixels - _share(counts, SCL_NOT_CLEAR)) / pixels
    valid = pixels - counts[:, SCL_NODATA]
    total = counts @ np.arange(_CODES)
    found["scl_mean"] = np.divide(total, valid, out=np.full(number, np.nan), where=valid > 0)
    return found


def measures_of(cells: NDArray[np.uint8]) -> list[Measures]:
    """`measure`, cell by cell."""
    found = measure(cells)
    means = [None if np.isnan(mean) else float(mean) for mean in found.pop("scl_mean")]
    return [
        Measures(**{name: float(values[index]) for name, values in found.items()}, scl_mean=mean)
        for index, mean in enumerate(means)
    ]


def _share(counts: NDArray[np.int64], codes: Iterable[int]) -> NDArray[np.int64]:
    total: NDArray[np.int64] = counts[:, list(codes)].sum(axis=1)
    return total
