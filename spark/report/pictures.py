"""The page's drawings: the map, input beside embedding, and the projection of the vectors."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from spark.report import atlas, mosaics
from spark.report.groups import CLASSES, FEW, MOST_GROUPS
from spark.report.pca import colours

if TYPE_CHECKING:
    from spark.report.month import Month

PLOT = (600, 420)
"""Width and height of the projection."""
MOST_IN_ONE = 0.9
"""Share of the vectors in one class above which their separation says little."""
_EDGE = 24
_HATCH = (
    '<pattern id="{name}" width="{w}" height="{w}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="{w}" height="{w}" class="blank"/><rect width="{h}" height="{w}" class="line"/></pattern>'
)
KEYS = "Arrow keys go from cell to cell, Escape ends."


def map_of(month: Month, document: dict[str, Any]) -> str:
    """The map with its switch and legend."""
    plane, paths = month.plane, atlas.cell_paths(month.blocks, month.plane)
    wide = float(plane.points(month.blocks.corners)[..., 0].max())
    edge = 40
    foot = plane.height + edge
    box = f"{-edge} {-edge} {wide + 2 * edge:.0f} {foot + 2 * edge:.0f}"
    prints = atlas.footprints(month.footprints, plane)
    bar, km = atlas.scale_bar(plane)
    step = max(plane.km * 2.56 * month.blocks.side / 4, 1)
    cells = "".join(
        f'<path class="q{min(5, round(chips))}" d="{path}"/>'
        for chips, path in zip(document["cells"]["chips"], paths, strict=True)
    )
    feet = "".join(f'<path data-pass="{escape(name)}" d="{path}"/>' for name, path in prints.items())
    options = ['<option value="chips">chips in the month</option>', '<option value="clear">clearest chip</option>']
    if "seen" in document["cells"]:
        options += [
            f'<option value="{number}">pass of {one.start:%Y-%m-%d %H:%M}, {escape(one.pass_id[:3])}</option>'
            for number, one in enumerate(month.passes)
        ]
    label = escape(
        f"Map of {month.plan.aoi_name}: {len(paths)} squares, coloured by their number of chips. {KEYS} "
        "Plus and minus zoom, 0 shows all."
    )
    known = "" if prints else ": none known to this run"
    return f"""<div class="bar-of-controls needs-js">
<label>Colour by <select id="by">{"".join(options)}</select></label>
<span class="buttons"><button type="button" id="in" aria-label="Zoom in">+</button><button type="button" id="out"
aria-label="Zoom out">&minus;</button><button type="button" id="whole">Whole area</button></span></div>
<div class="frame"><svg id="atlas" viewBox="{box}" role="application" tabindex="0" aria-label="{label}">
<defs>{_HATCH.format(name="hatch", w=f"{step:.1f}", h=f"{step / 5:.1f}")}</defs>
<g id="cells">{cells}</g><g id="feet">{feet}</g><path id="aoi" d="{atlas.outline(month.plan.aoi_geometry, plane)}"/>
<path class="chosen" id="chosen" d=""/>
<g id="scale" role="img" aria-label="scale bar of {km:,} km"><path d="M0 {foot:.0f}v12h{bar:.0f}v-12"/>
<text x="{bar / 2:.0f}" y="{foot + 6:.0f}">{km:,} km</text></g></svg></div>
<p class="legend" id="map-legend">{_legend()}</p>
<p class="legend"><span><i class="key aoi"></i>area (AOI)</span>
<span><i class="key foot"></i>scene footprints{known}</span>
<span>{len(paths):,} squares of {2.56 * month.blocks.side:.2f} km</span></p>"""


def _legend() -> str:
    keys = [("0", "no chip"), ("1", "1"), ("2", "2"), ("3", "3"), ("4", "4"), ("5", "5 chips or more")]
    return "".join(f'<span><i class="key q{number}"></i>{text}</span>' for number, text in keys)


def beside(month: Month) -> str:
    """True colour and the colours of the vectors, on the same cells."""
    layout, index = month.layout, month.index
    tiles = {index[cell]: tile for cell, tile in month.rows.tiles.items()}
    scores = month.rows.vectors.scores
    painted: dict[int, Any] = {}
    if scores:
        rows = colours(np.stack(list(scores.values())))
        painted = {index[cell]: colour for cell, colour in zip(scores, rows, strict=True)}
    every = mosaics.runs(layout, range(len(layout.x)))
    left = _panel(
        "rgb", month, every, mosaics.runs(layout, tiles), mosaics.true_colour(layout, tiles) if tiles else "",
        "True colour: the clearest chip of each cell.",
    )  # fmt: skip
    right = _panel(
        "pca", month, every, mosaics.runs(layout, painted), mosaics.colours(layout, painted) if painted else "",
        "Embeddings as colours: like colours are like vectors.",
    )  # fmt: skip
    return f"""<div class="two"><figure>{left}<figcaption><b>Input: true colour.</b> The clearest chip of each cell;
{len(tiles):,} of {len(layout.x):,} cells have one. Brightened (exponent
{mosaics.exponent(tiles.values())}); JPEG of quality {mosaics.QUALITY}, {mosaics.tile_side(layout)} pixels a cell.
</figcaption></figure>
<figure>{right}<figcaption><b>Output: embeddings.</b> {_explained(month)}</figcaption></figure></div>"""


def _panel(name: str, month: Month, every: str, covered: str, picture: str, label: str) -> str:
    width, height = month.layout.width, month.layout.height
    image = (
        f'<clipPath id="{name}-has"><path d="{covered}"/></clipPath><image id="{name}-image" href="{picture}" '
        f'width="{width}" height="{height}" preserveAspectRatio="none" clip-path="url(#{name}-has)"/>'
        if picture
        else ""
    )
    return (
        f'<svg class="panel" id="{name}" viewBox="0 0 {width} {height}" role="application" tabindex="0" '
        f'aria-label="{escape(label)} {KEYS}"><defs>{_HATCH.format(name=f"{name}-hatch", w="0.25", h="0.05")}</defs>'
        f'<path d="{every}" fill="url(#{name}-hatch)"/>{image}<rect class="chosen" width="0" height="0"/></svg>'
    )


def _explained(month: Month) -> str:
    basis = month.rows.vectors.basis
    if basis is None:
        return "No vectors yet."
    shares = ", ".join(f"{share:.0%}" for share in basis.explained)
    text = (
        "The first three principal components of the same chips' vectors as red, green and blue, each stretched from "
        f"its 2nd to its 98th percentile; they hold {shares} of the variance. A colour has no meaning of its own, and "
        "none across months."
    )
    if month.random:
        text += " The demo model is random: its vectors differ from cell to cell, but it has learned nothing."
    return escape(text)


def projection(month: Month, document: dict[str, Any]) -> str:
    """The vectors along their first two principal components, with the two ways to colour them."""
    points, basis, groups = document["points"], month.rows.vectors.basis, month.groups
    number = len(points["cell"])
    if basis is None or not number:
        return "<p>No vectors yet.</p>"
    xy = np.array(points["xy"]).reshape(-1, 2)
    low, high = xy.min(axis=0), xy.max(axis=0)
    unit = (xy - low) / np.where(high > low, high - low, 1.0)
    unit[:, high <= low] = 0.5
    side = 30 if number <= 60 else 22 if number <= 150 else 16 if number <= 400 else 10
    x = _EDGE + unit[:, 0] * (PLOT[0] - 2 * _EDGE) - side / 2
    y = PLOT[1] - _EDGE - unit[:, 1] * (PLOT[1] - 2 * _EDGE) - side / 2
    means = groups.means or (0,) * number
    squares = "".join(
        f'<rect class="c{label} m{mean}" x="{left:.0f}" y="{top:.0f}" width="{side}" height="{side}"/>'
        for label, mean, left, top in zip(groups.classes, means, x, y, strict=True)
    )
    shown = "all" if number == len(month.rows.vectors.scores) else f"{number:,} of {len(month.rows.vectors.scores):,}"
    classes = "".join(
        f'<span><i class="key c{at}"></i>{name} {groups.classes.count(at):,}</span>'
        for at, name in enumerate(CLASSES)
        if at in groups.classes
    )
    clusters = "".join(
        f'<span><i class="key m{at}"></i>group {at + 1}: {groups.means.count(at):,}</span>' for at in range(groups.k)
    )
    return f"""<fieldset class="plot"><legend>Colour the vectors by</legend>
<input type="radio" name="colour" id="by-class" checked><label for="by-class">class of the chip (SCL)</label>
<input type="radio" name="colour" id="by-means"><label for="by-means">groups of like vectors (k-means)</label>
<div class="scatter"><canvas id="thumbs" aria-hidden="true"></canvas>
<svg id="points" viewBox="0 0 {PLOT[0]} {PLOT[1]}" role="application" tabindex="0"
aria-label="{number} vectors by their first two principal components. {KEYS}">{squares}</svg></div>
<p class="legend of-class">{classes}</p><p class="legend of-means">{clusters or "Too few vectors for groups."}</p>
<p class="of-class">{_separation(groups.class_score, "class", "classes", groups.classes, month)}</p>
<p class="of-means">{_separation(groups.means_score, "group", "groups", groups.means, month)}</p></fieldset>
<p class="note">To the right: the first principal component ({basis.explained[0]:.0%} of the variance); upwards: the
second ({basis.explained[1]:.0%}). Shown: {shown} of the clearest chips' vectors. A chip's class is what most of its
pixels are in the scene classification; land is what is clear and neither water nor snow. Groups are made by k-means on
all {month.rows.vectors.sample.shape[1]:,} components, with that number of groups from 2 to {MOST_GROUPS} whose
silhouette is greatest; with fewer than {FEW} vectors there are none.</p>"""


def _separation(score: float | None, one: str, several: str, labels: tuple[int, ...], month: Month) -> str:
    if score is None:
        return f"Separation: there are no two {several} to compare."
    grade = "far apart" if score > 0.5 else "partly apart" if score > 0.25 else "hardly apart" if score > 0 else "mixed"
    text = (
        f"<b>Silhouette {score:.2f}</b>: the {several} are {grade}. 1: each vector is much nearer to its own {one} "
        "than to any other; 0: as near; below 0: nearer to another one."
    )
    largest = max(labels.count(label) for label in set(labels))
    if largest > MOST_IN_ONE * len(labels):
        text += f" One {one} has {largest:,} of {len(labels):,} vectors, so this number says little."
    if month.random:
        text += " The encoder's weights are random, so this number means nothing."
    return text
