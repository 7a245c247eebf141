"""A picture of several panels, with a heading, a legend and a text under it, as a small PNG."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from infra.pictures.errors import PictureError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOST_BYTES: Final = 300_000
"""Of one picture: they lie in the repository."""
Colour = tuple[int, int, int]
_INK: Final[Colour] = (28, 32, 36)
_SOFT: Final[Colour] = (88, 97, 106)
_PAPER: Final[Colour] = (255, 255, 255)
_EDGE, _GAP, _SWATCH = 20, 16, 14
_HEADING, _TITLE, _TEXT = 22, 15, 14
_COLOURS: Final = (256, 192, 128, 96, 64)
"""Of a palette: the most that fit into `MOST_BYTES`."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A picture (RGB) and the title over it."""

    title: str
    picture: Image.Image


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What one file shows.

    Attributes:
        heading: over all.
        rows: panels from top to bottom, each row from left to right; panels of one size.
        legend: colours and what they mean.
        text: sentences under the panels; broken into lines.
    """

    heading: str
    rows: Sequence[Sequence[Panel]]
    text: str
    legend: Sequence[tuple[Colour, str]] = ()

    def draw(self) -> Image.Image:
        """The whole as one RGB picture; as wide as its widest row, or its heading."""
        side = self.rows[0][0].picture.size
        columns = max(len(row) for row in self.rows)
        panels = columns * side[0] + (columns - 1) * _GAP
        width = 2 * _EDGE + max(panels, math.ceil(_font(_HEADING).getlength(self.heading)))
        text = broken(self.text, _font(_TEXT), width - 2 * _EDGE)
        row_height = _line(_TITLE) + side[1] + _GAP
        legend = _line(_TEXT) if self.legend else 0
        height = 2 * _EDGE + _line(_HEADING) + len(self.rows) * row_height + legend + len(text) * _line(_TEXT)
        canvas = Image.new("RGB", (width, height), _PAPER)
        pen = ImageDraw.Draw(canvas)
        pen.text((_EDGE, _EDGE), self.heading, _INK, _font(_HEADING))
        top = _EDGE + _line(_HEADING)
        for row in self.rows:
            for number, panel in enumerate(row):
                left = _EDGE + number * (side[0] + _GAP)
                pen.text((left, top), panel.title, _INK, _font(_TITLE))
                canvas.paste(panel.picture, (left, top + _line(_TITLE)))
            top += row_height
        left = _EDGE
        for colour, meaning in self.legend:
            pen.rectangle((left, top + 2, left + _SWATCH, top + 2 + _SWATCH), fill=colour)
            pen.text((left + _SWATCH + 6, top), meaning, _INK, _font(_TEXT))
            left += _SWATCH + 6 + int(_font(_TEXT).getlength(meaning)) + 2 * _GAP
        top += legend
        for line in text:
            pen.text((_EDGE, top), line, _SOFT, _font(_TEXT))
            top += _line(_TEXT)
        return canvas

    def save(self, path: Path) -> None:
        """Write it as PNG with a palette, of as many colours as the size allows.

        Raises:
            PictureError: it is too large with few colours, too.
        """
        picture = self.draw()
        for colours in _COLOURS:
            sink = io.BytesIO()
            picture.quantize(colours, dither=Image.Dither.NONE).save(sink, "PNG", optimize=True)
            if sink.tell() < MOST_BYTES:
                path.write_bytes(sink.getvalue())
                return
        msg = f"{path.name}: {sink.tell():,} bytes, and {MOST_BYTES:,} are allowed; draw it smaller"
        raise PictureError(msg)


def broken(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Text as lines.

    Args:
        text: words with single blanks between them.
        font: that it will be drawn in.
        width: of the longest line, in pixels; a word that is longer has a line of its own.
    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        msg = "Pillow was built without FreeType, so there is no font to draw with"
        raise PictureError(msg)
    return font


def _line(size: int) -> int:
    return round(size * 1.5)
