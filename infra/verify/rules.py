"""The rules by which files become a chip, a second time (`docs/verify.md`): fractions, radiometry, digital numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

BANDS = ("blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "swir16", "swir22")
"""Assets of a scene, in the order of a chip's bands."""
SCL = "scl"
LARGEST_DN, LARGEST_CODE = 65_535, 11
PIXELS = 256
"""Along a chip's side, at 10 m."""
OFFSETS = {"as_published": 0, "minus_1000": 1000}
"""DN to take off, by the chip's column `radiometry`."""
LOW_FRACTION = 0.001
"""More of a scene's clear pixels than this below 1,000 cannot be, with the offset still in them."""
EMPTY_FRACTION = 0.01
"""A band that is 0 in more of the pixels where SCL has data has lost them."""
_OFFSET_SINCE = datetime(2022, 1, 25, tzinfo=UTC)
_COUNTED = {
    "cloud_frac": (8, 9, 10),
    "shadow_frac": (3,),
    "snow_frac": (11,),
    "water_frac": (6,),
    "nodata_frac": (0,),
}
_UNCLEAR = (0, 1, 3, 8, 9, 10)


@dataclass(frozen=True, kw_only=True)
class Low:
    """Clear, valid pixels at 10 m, and those of them that are below 1,000 DN in some band."""

    clear: int = 0
    below: int = 0

    def __add__(self, other: Low) -> Low:
        return Low(clear=self.clear + other.clear, below=self.below + other.below)

    @property
    def refutes_offset(self) -> bool:
        """Whether such pixels cannot have ESA's 1,000 DN still in them."""
        return self.clear > 0 and self.below / self.clear > LOW_FRACTION


def fractions(scl: NDArray[Any]) -> dict[str, float | None]:
    """What a cell's SCL codes say, by the columns of `chips`.

    Args:
        scl: (row, col), one code a pixel at 20 m; 0 beyond the file.

    Returns:
        Fractions of all pixels; `scl_mean` of the pixels with data, None where there are none.
    """
    found: dict[str, float | None] = {
        name: float(np.mean(np.logical_or.reduce([scl == code for code in codes]))) for name, codes in _COUNTED.items()
    }
    found["clear_frac"] = 1.0 - float(np.mean(np.logical_or.reduce([scl == code for code in _UNCLEAR])))
    data = scl[scl != 0]
    found["scl_mean"] = float(np.mean(data.astype(np.float64))) if data.size else None
    return found


def tensor(raw: NDArray[Any], radiometry: str) -> NDArray[np.int64]:
    """The chip that a file's DN make.

    Args:
        raw: (band, row, col) at 10 m, DN as stored; a pixel without data is 0 in all bands.
        radiometry: a key of `OFFSETS`.

    Returns:
        Offset taken off, at least 1 where there is data, 0 where there is none.
    """
    numbers = raw.astype(np.int64) - OFFSETS[radiometry]
    return np.where((raw == 0).all(axis=0), 0, np.maximum(numbers, 1))


def joined(first: NDArray[Any], second: NDArray[Any], first_scl: NDArray[Any]) -> NDArray[Any]:
    """Two halves of a tile-date as one: the second where the first has no data.

    Args:
        first: pixels, the last two axes at 10 or 20 m.
        second: of the same shape.
        first_scl: as of `fractions`, the first half's.
    """
    both = first.copy()
    side = first.shape[-1] // first_scl.shape[-1]
    lacking = np.kron(first_scl == 0, np.ones((side, side), dtype=bool))
    both[..., lacking] = second[..., lacking]
    return both


def low_pixels(raw: NDArray[Any], scl: NDArray[Any]) -> Low:
    """How many clear pixels of a cell are too dark to carry the offset.

    Args:
        raw: as of `tensor`.
        scl: as of `fractions`.
    """
    clear = np.kron(~np.isin(scl, _UNCLEAR), np.ones((2, 2), dtype=bool)) & (raw != 0).any(axis=0)
    dark = np.logical_and(raw > 0, raw < 1000).any(axis=0)
    return Low(clear=int(clear.sum()), below=int((clear & dark).sum()))


def empty(raw: NDArray[Any], scl: NDArray[Any]) -> dict[str, float]:
    """Bands without data where SCL has data, each with its share of such pixels.

    Args:
        raw: as of `tensor`.
        scl: as of `fractions`.
    """
    data = np.kron(scl != 0, np.ones((2, 2), dtype=bool))
    shares = {key: float(np.mean(band[data] == 0)) if data.any() else 0.0 for key, band in zip(BANDS, raw, strict=True)}
    return {key: share for key, share in shares.items() if share > EMPTY_FRACTION}


def by_metadata(collection: str, baseline: str | None, flag: bool | None, acquired: datetime) -> tuple[str | None, str]:
    """The radiometry that a scene's metadata call for, and why; None where they contradict each other.

    Args:
        collection: of the item.
        baseline: `s2:processing_baseline`.
        flag: `earthsearch:boa_offset_applied`.
        acquired: UTC.
    """
    number = re.fullmatch(r"(\d+)\.\d+", baseline or "")
    old, late = bool(number and int(number[1]) < 4), acquired >= _OFFSET_SINCE
    said = f"baseline {baseline}, flag {flag}, {acquired:%Y-%m-%d}"
    if collection == "sentinel-2-c1-l2a":
        return (None if flag or old else "minus_1000"), f"c1, {said}"
    if flag:
        return "as_published", said
    if old:
        return (None if late else "as_published"), said
    return ("minus_1000" if number or late else "as_published"), said
