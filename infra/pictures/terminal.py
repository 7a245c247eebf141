"""What a command wrote to the terminal, as an SVG file that needs no font of its own."""

from __future__ import annotations

import io
from typing import Final

import rich.console
import rich.terminal_theme
import rich.text

WIDTH: Final = 116
"""Characters of a line."""
_FORMAT: Final = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, monospace; line-height: {line_height}px; }}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""
"""As rich's own, without the address of a font."""


def svg(command: str, output: str) -> str:
    """The picture of a command and what it wrote.

    Args:
        command: as it was typed.
        output: with or without ANSI colours.
    """
    console = rich.console.Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(rich.text.Text(f"$ {command}", style="bold"))
    console.print(rich.text.Text.from_ansi(output.rstrip()))
    return console.export_svg(
        title="claylake", code_format=_FORMAT, unique_id="claylake", theme=rich.terminal_theme.MONOKAI
    )
