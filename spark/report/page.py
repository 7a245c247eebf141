"""The month's page as one HTML file that needs no other: styles, script, pictures and numbers are inside."""

from __future__ import annotations

from collections import Counter
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from claylake.vocabulary import CELL_M, SCENE_QUARANTINED
from spark.report import changes, funnel, health, passes, pictures
from spark.report.facts import embedded, facts
from spark.report.markup import listed, table

if TYPE_CHECKING:
    from spark.report.month import Month

EMPTY = "No cell has a chip in these months: the section “From scenes to vectors” says why."
MOST_NAMED = 10


def html(month: Month) -> str:
    """The file's text. Everything that came from outside is escaped."""
    document = facts(month)
    here = resources.files("spark.report")
    plan = month.plan
    return _PAGE.substitute(
        title=escape(f"{plan.aoi_name}, {plan.period}"),
        area=escape(plan.aoi_name),
        period=escape(plan.period),
        css=here.joinpath("page.css").read_text(encoding="utf-8"),
        script=here.joinpath("page.js").read_text(encoding="utf-8"),
        badges=_badges(month),
        figures="\n".join(f"<div><dt>{label}</dt><dd>{text}</dd></div>" for label, text in _figures(month).items()),
        empty="" if month.clearest else f'<p class="empty">{EMPTY}</p>',
        map=pictures.map_of(month, document),
        beside=pictures.beside(month),
        projection=pictures.projection(month, document),
        changes=changes.section(month),
        calendars=passes.calendars(month.passes, plan.months) if month.passes else "",
        passes=passes.pass_table(month.passes, len(month.cells)) if month.passes else "<p>No pass was observed.</p>",
        funnel=_funnel(month),
        fitness=_fitness(month),
        remarks=_remarks(month),
        notes="\n".join(f"<p>{note}</p>" for note in _notes(month)),
        document=embedded(document),
    )


def _badges(month: Month) -> str:
    plan = month.plan
    badges = [
        f'<span class="badge good">{escape(month.outcome)}</span>',
        f'<span class="badge">model {escape(plan.model_version)}</span>',
        f'<span class="badge">convention {escape(plan.settings.encoder.convention)}</span>',
    ]
    if month.remarks:
        number = len(month.remarks)
        badges.append(f'<a class="badge warn" href="#remarks">{number} remark{"s" if number > 1 else ""}</a>')
    if month.random:
        badges.append('<span class="badge warn">weights are random: vectors mean nothing</span>')
    return "\n".join(badges)


def _figures(month: Month) -> dict[str, str]:
    counts = month.counts
    figures = {
        "chips": f"{counts['chips']:,}",
        "vectors": f"{counts['vectors']:,}",
        "cells with a chip": f"{counts['cells_with_chip']:,} <small>of {counts['cells']:,}</small>",
        "area with chips": f"{counts['km2_with_chip']:,.0f} <small>of {counts['km2']:,.0f} km²</small>",
        "passes": f"{counts['passes']:,} <small>{counts['scenes']:,} scenes</small>",
    }
    if month.seconds:
        each = ", ".join(f"{escape(step)} {seconds:,.0f}" for step, seconds in month.seconds.items())
        figures["seconds"] = f"{sum(month.seconds.values()):,.0f} <small>{each}</small>"
    if month.money:
        figures["US dollars"] = escape(month.money)
    return figures


def _funnel(month: Month) -> str:
    read = month.extracted.scenes if month.extracted else None
    poison = month.embedded.failed if month.embedded else {}
    counts = month.counts
    return funnel.drawn(funnel.of_scenes(month.plan.found, read), "Scenes, in the search of this run") + funnel.drawn(
        funnel.of_observations(month.rows.outcomes, int(counts["chips"]), int(counts["vectors"]), poison),
        "Observations, chips and vectors, in the tables",
    )


def _fitness(month: Month) -> str:
    rows, plan = month.rows, month.plan
    states = dict(sorted(Counter(scene.status for scene in rows.scenes).items()))
    quarantined = [scene.scene_id for scene in rows.scenes if scene.status == SCENE_QUARANTINED]
    named = ", ".join(quarantined[:MOST_NAMED]) + (", ..." if len(quarantined) > MOST_NAMED else "")
    radiometry = dict(sorted(Counter(scene.radiometry for scene in rows.scenes if scene.radiometry).items()))
    lines = [
        ("Model version", escape(plan.model_version), "Compare only vectors of one model version."),
        (
            "Convention",
            escape(plan.settings.encoder.convention),
            "How date and location were fed to the encoder; compare only vectors of one.",
        ),
        ("Scenes by state", listed(states), "A later run of the month reads again what is not done."),
        (
            "Quarantined scenes",
            f"{len(quarantined):,}",
            escape(named) or "None: no scene's metadata contradict each other on what its numbers mean.",
        ),
        ("Radiometry", listed(radiometry), "What was done to the digital numbers of scenes."),
    ]
    measured = health.lines(month.embedded.health) if month.embedded and month.embedded.health else ()
    lines += [
        (
            escape(line.label),
            escape(line.value),
            f"{'<b class=unusual>Unusual.</b> ' if line.unusual else ''}{escape(line.verdict)}",
        )
        for line in measured
    ]
    heads = (("What", ""), ("Found", ""), ("What it means", ""))
    return table(heads, lines, "Scenes, model, and health of the vectors")


def _remarks(month: Month) -> str:
    if not month.remarks:
        return "<p>None.</p>"
    return "<ul>" + "\n".join(f"<li>{escape(remark)}</li>" for remark in month.remarks) + "</ul>"


def _notes(month: Month) -> tuple[str, ...]:
    about_cells = (
        f"A cell is a square of {CELL_M:,} m in its UTM zone; a pass is one overflight of one satellite. Hatched cells "
        "have no chip (or no vector) in these months. On the map north is up; cells are drawn in lon/lat, in scale at "
        "the middle of the area. In the two pictures cells stand as in their grid."
    )
    notes = [about_cells]
    side = month.blocks.side
    if side > 1:
        notes.append(
            f"There are too many cells to draw each: squares of the map are blocks of {side} x {side} cells, "
            "coloured by the mean number of chips."
        )
    if len(month.layout.zones) > 1:
        zones = ", ".join(f"EPSG:{zone}" for zone in month.layout.zones)
        notes.append(
            f"The area lies in {len(month.layout.zones)} grids; the pictures show them side by side, from left to "
            f"right: {zones}."
        )
    return tuple(escape(note) for note in notes)


_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
$css</style>
</head>
<body>
<a class="skip" href="#area">To the map</a>
<header>
<div><p>Sentinel-2 chips and Clay embeddings</p><h1>$area, $period</h1></div>
<button type="button" id="theme" class="needs-js" aria-label="Light or dark">Dark</button>
</header>
<p class="badges">
$badges
</p>
<dl>
$figures
</dl>
$empty
<main>
<section id="area" aria-labelledby="h-area"><h2 id="h-area">The area</h2>
$map
</section>
<section id="beside" aria-labelledby="h-beside"><h2 id="h-beside">Input beside embedding</h2>
$beside
</section>
<section id="projection" aria-labelledby="h-projection"><h2 id="h-projection">The vectors in two dimensions</h2>
$projection
</section>
<section id="changes" aria-labelledby="h-changes"><h2 id="h-changes">What changed</h2>
$changes
</section>
<section id="passes" aria-labelledby="h-passes"><h2 id="h-passes">Cloud and coverage</h2>
<div class="months">$calendars</div>
<p class="legend"><span><i class="key o-chip"></i>chips</span><span><i class="key o-cloud"></i>rejected</span><span><i
class="key o-failed"></i>failed</span><span>each bar: shares of the cells that the pass covers</span></p>
$passes
</section>
<section id="funnel" aria-labelledby="h-funnel"><h2 id="h-funnel">From scenes to vectors</h2>
<div class="two">$funnel</div>
</section>
<section id="fitness" aria-labelledby="h-fitness"><h2 id="h-fitness">Fitness for use</h2>
$fitness
</section>
<section id="remarks" aria-labelledby="h-remarks"><h2 id="h-remarks">Remarks and warnings</h2>
$remarks
</section>
<section class="note">
$notes
</section>
</main>
<output id="where" aria-live="polite" hidden></output>
<script type="application/json" id="month">$document</script>
<script>
$script</script>
</body>
</html>
""")
