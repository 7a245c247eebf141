"""Input beside embedding: the report's two pictures of a month in one."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

from PIL import Image

from infra.pictures.sheet import Panel, Sheet

if TYPE_CHECKING:
    from pathlib import Path

_SIDE: Final = 470
_BRIGHTER: Final = 0.7
"""Exponent on the input's values: on a page the report's mosaic is dark."""


def beside(report: Path, month: str) -> Sheet:
    """The clearest chips of a month, and what the encoder makes of them.

    Args:
        report: folder of the month's report.
        month: as yyyy-mm.
    """
    page = html.unescape((report / "index.html").read_text(encoding="utf-8"))
    shares = re.search(r"they hold (.*?) of the variance", page)
    held = f" They hold {shares[1]} of the variance." if shares else ""
    return Sheet(
        heading=f"{month}: from pixels to vectors",
        rows=[
            [
                Panel(
                    title="Input: the clearest chip of each cell",
                    picture=_fitted(report / "true-colour.png", _BRIGHTER),
                ),
                Panel(title="Output: each chip's vector, as a colour", picture=_fitted(report / "embeddings.png")),
            ]
        ],
        text=(
            "Each square is a cell of 2.56 km. Left: red, green and blue of its 256 x 256 pixels, brightened. Right: "
            f"the first three principal components of the vectors (1,024 numbers each) as red, green and blue.{held} "
            "Like colours are like vectors; a colour alone has no meaning. The landscape is generated, and the "
            "encoder has random weights: with Clay's weights the colours differ."
        ),
    )


def _fitted(path: Path, exponent: float = 1.0) -> Image.Image:
    with Image.open(path) as opened:
        picture = opened.convert("RGBA")
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    paper = Image.new("RGB", (_SIDE, _SIDE), "white")
    paper.paste(picture, (0, 0), picture)
    return paper.point([round(255 * (value / 255) ** exponent) for value in range(256)] * 3)
