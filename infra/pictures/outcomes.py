"""What became of every cell in every pass, as one map for each pass."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, ImageDraw

from infra.pictures.sheet import Colour, Panel, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COLOURS: Final[dict[str, tuple[Colour, str]]] = {
    "chip": ((47, 125, 85), "chip"),
    "rejected:cloud": ((154, 164, 174), "rejected: cloud"),
    "rejected:nodata": ((226, 190, 110), "rejected: nodata"),
    "rejected": ((196, 202, 208), "rejected, for another reason"),
    "failed": ((192, 73, 47), "failed"),
}
"""By outcome, or by what stands before its colon."""
_CELL: Final = 22
_ACROSS: Final = 3


def outcomes(observations: Iterable[dict[str, Any]]) -> Sheet:
    """A map for each pass, of rows with `cell_id`, `pass`, `datetime` and `outcome`."""
    passes: dict[tuple[str, str], dict[tuple[int, int], str]] = defaultdict(dict)
    for row in observations:
        _, col, line = map(int, row["cell_id"].split("_"))
        passes[f"{row['datetime']:%Y-%m-%d}", row["pass"].partition("_")[0]][col, line] = row["outcome"]
    places = [place for cells in passes.values() for place in cells]
    west, north = min(col for col, _ in places), max(line for _, line in places)
    size = ((max(col for col, _ in places) - west + 1) * _CELL, (north - min(line for _, line in places) + 1) * _CELL)
    panels = []
    for (day, satellite), cells in sorted(passes.items()):
        chips = sum(outcome == "chip" for outcome in cells.values())
        picture = Image.new("RGB", size, "white")
        pen = ImageDraw.Draw(picture)
        for (col, line), outcome in cells.items():
            left, top = (col - west) * _CELL, (north - line) * _CELL
            pen.rectangle((left, top, left + _CELL - 2, top + _CELL - 2), fill=kind(outcome)[0])
        panels.append(Panel(title=f"{day}, {satellite}: {chips} of {len(cells)}", picture=picture))
    met = {kind(outcome) for cells in passes.values() for outcome in cells.values()}
    return Sheet(
        heading="What became of every cell in every pass",
        rows=_in_rows(panels),
        legend=[each for each in COLOURS.values() if each in met],
        text=(
            "Each square is a cell of 2.56 km, and each map a pass; its title counts the cells that "
            "became chips. The table observations has a row for each square. The landscape and its weather are "
            "generated."
        ),
    )


def kind(outcome: str) -> tuple[Colour, str]:
    """Colour and words of an outcome."""
    return COLOURS.get(outcome) or COLOURS[outcome.partition(":")[0]]


def _in_rows(panels: Sequence[Panel]) -> list[Sequence[Panel]]:
    across = min(len(panels), _ACROSS)
    return [panels[start : start + across] for start in range(0, len(panels), across)]
