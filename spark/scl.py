"""What the scene classification says of cells, counted at 20 m."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from claylake.vocabulary import SCL_CLOUD, SCL_NODATA, SCL_NOT_CLEAR, SCL_SHADOW, SCL_SNOW, SCL_WATER

if TYPE_CHECKING:
    from collections.abc import Iterable

_CODES = 256
FRACTIONS = {
    "cloud_frac": SCL_CLOUD,
    "shadow_frac": SCL_SHADOW,
    "snow_frac": SCL_SNOW,
    "water_frac": SCL_WATER,
    "nodata_frac": (SCL_NODATA,),
}


def measure(cells: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Fractions of each cell's pixels, and the mean code of its valid ones.

    Args:
        cells: uint8 (cell, row, col), codes of Sen2Cor's scene classification, nearest.

    Returns:
        float64 (cell,) for each of `FRACTIONS`, for ``clear_frac`` (not of `SCL_NOT_CLEAR`) and
        for ``scl_mean`` (NaN where no pixel is valid). Fractions are of all pixels, 0..1.
    """
    number, pixels = cells.shape[0], cells.shape[1] * cells.shape[2]
    codes = cells.reshape(number, pixels).astype(np.int64) + _CODES * np.arange(number)[:, None]
    counts = np.bincount(codes.ravel(), minlength=number * _CODES).reshape(number, _CODES)
    found = {name: _share(counts, codes) / pixels for name, codes in FRACTIONS.items()}
    found["clear_frac"] = (pixels - _share(counts, SCL_NOT_CLEAR)) / pixels
    valid = pixels - counts[:, SCL_NODATA]
    total = counts @ np.arange(_CODES)
    found["scl_mean"] = np.divide(total, valid, out=np.full(number, np.nan), where=valid > 0)
    return found


def _share(counts: np.ndarray[Any, Any], codes: Iterable[int]) -> np.ndarray[Any, Any]:
    total: np.ndarray[Any, Any] = counts[:, list(codes)].sum(axis=1)
    return total
