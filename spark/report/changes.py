"""The page's section on change: a map of scores, and the strongest changes before and after."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np

from spark.report import atlas
from spark.report.mosaics import jpeg
from spark.report.rows import CellChange, strongest

if TYPE_CHECKING:
    from spark.report.month import Month

STEPS: Final = (1.0, 2.0, 3.0, 5.0)
"""Scores from which on a cell of the map has the next darker colour."""
_NONE: Final = "<p>No cell was compared: no earlier month is published with chips that are clear enough.</p>"


def section(month: Month) -> str:
    """The section's HTML; a sentence where there is no change to show."""
    changes = month.rows.changes
    if not changes:
        return _NONE
    pairs = "".join(_pair(month, change) for change in strongest(changes))
    note = (
        f"{len(changes):,} of {len(month.cells):,} cells were compared with the last of the three months before in "
        "which they have a clear chip. The score says how unusual the distance of the two vectors is, for the "
        "cell or else among its neighbours: above 3 it is worth checking."
    )
    return f'{_map(month)}<div class="pairs">{pairs}</div><p class="note">{note}</p>'


def _map(month: Month) -> str:
    """The cells coloured by score; nothing where they are too many to draw each."""
    if month.blocks.side > 1:
        return ""
    scores = {change.cell_id: change.score for change in month.rows.changes}
    plane = month.plane
    paths = atlas.cell_paths(month.blocks, plane)
    wide = float(plane.points(month.blocks.corners)[..., 0].max())
    cells = "".join(
        f'<path class="q{_step(scores.get(cell.id))}" d="{path}"><title>{escape(cell.id)}</title></path>'
        for cell, path in zip(month.cells, paths, strict=True)
    )
    keys = "".join(f'<span><i class="key q{step + 2}"></i>from {low:g}</span>' for step, low in enumerate(STEPS))
    return (
        f'<svg class="scores" viewBox="-20 -20 {wide + 40:.0f} {plane.height + 40:.0f}" role="img" '
        f'aria-label="Map of the scores of change">{cells}</svg>'
        f'<p class="legend"><span><i class="key q1"></i>score under {STEPS[0]:g}</span>{keys}'
        '<span><i class="key q0"></i>not compared</span></p>'
    )


def _step(score: float | None) -> int:
    """The colour of a score: 0 for none."""
    return 0 if score is None else 1 + int(np.searchsorted(STEPS, score, side="right"))


def _pair(month: Month, change: CellChange) -> str:
    score = "no score" if change.score is None else f"score {change.score:.1f}"
    text = f"{change.cell_id}: {score}, {change.distance:.4f} apart"
    pictures = "".join(
        _picture(month, name, f"{change.cell_id} in {when}")
        for name, when in ((change.baseline_id, change.baseline_month), (change.id, change.month))
    )
    return (
        f"<figure><div>{pictures}</div><figcaption>{escape(text)}<br>{escape(change.baseline_month)} and "
        f"{escape(change.month)}</figcaption></figure>"
    )


def _picture(month: Month, chip_id: str, text: str) -> str:
    tile = month.rows.pairs.get(chip_id)
    if tile is None:
        return f"<span>pixels of {escape(text)} are no longer kept</span>"
    return f'<img src="{jpeg(tile)}" alt="{escape(text)}" width="{tile.shape[1]}" height="{tile.shape[0]}">'
