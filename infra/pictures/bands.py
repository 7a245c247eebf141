"""The ten bands of one chip, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from claylake.vocabulary import BANDS
from infra.pictures.lake import pixels
from infra.pictures.sheet import Panel, Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIDE: Final = 160
_ACROSS: Final = 5
_STRETCH: Final = (1, 99)
"""Percentiles that are drawn black and white."""


def bands(chip: dict[str, Any]) -> Sheet:
    """Each band in grey, stretched by itself.

    Args:
        chip: a row with `id`, `datetime`, `clear_frac` and `clay_tensor`.
    """
    panels = [
        Panel(title=name, picture=_grey(band)) for name, band in zip(BANDS, pixels(chip["clay_tensor"]), strict=True)
    ]
    return Sheet(
        heading=f"A chip: {chip['id']}",
        rows=_rows(panels),
        text=(
            f"The ten bands of one cell of 2.56 km on {chip['datetime']:%Y-%m-%d}, {chip['clear_frac']:.0%} clear: "
            f"256 x 256 pixels of 10 m, each band stretched from its {_STRETCH[0]}st to its {_STRETCH[1]}th "
            "percentile. The landscape is generated."
        ),
    )


def _grey(band: np.ndarray[Any, Any]) -> Image.Image:
    low, high = np.percentile(band, _STRETCH)
    unit = np.clip((band.astype(np.float32) - low) / max(high - low, 1), 0, 1)
    picture = Image.fromarray(np.rint(unit * 255).astype(np.uint8), "L")
    return picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS).convert("RGB")


def _rows(panels: Sequence[Panel]) -> list[Sequence[Panel]]:
    return [panels[start : start + _ACROSS] for start in range(0, len(panels), _ACROSS)]
