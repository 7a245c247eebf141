"""The month's page as one HTML file: no scripts, readable in light and dark."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spark.report.health import Line

TITLES = {
    "chip": "chips kept",
    "rejected": "rejected",
    "failed": "failed",
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the page says.

    `figures` are the large numbers, label to text; `outcomes` what became of every (cell, pass);
    `pictures` are (file, heading, text under it); `notes` are whole sentences; `health` is what there is to say of the
    vectors; `warnings` are sentences on what needs attention.
    """

    aoi: str
    period: str
    model_version: str
    figures: dict[str, str]
    outcomes: dict[str, int]
    pictures: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]
    health: tuple[Line, ...] = ()
    warnings: tuple[str, ...] = ()

    def html(self) -> str:
        """The file's text. Everything that came from outside is escaped."""
        return _PAGE.substitute(
            title=escape(f"{self.aoi}, {self.period}"),
            aoi=escape(self.aoi),
            period=escape(self.period),
            model=escape(self.model_version),
            figures="\n".join(
                f"<div><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>" for label, text in self.figures.items()
            ),
            pictures="\n".join(
                f'<figure><h2>{escape(heading)}</h2><a href="{escape(file)}"><img src="{escape(file)}" '
                f'alt="{escape(heading)}"></a><figcaption>{escape(text)}</figcaption></figure>'
                for file, heading, text in self.pictures
            ),
            outcomes=self._outcomes(),
            health=self._health(),
            warnings=self._warnings(),
            notes="\n".join(f"<p>{escape(note)}</p>" for note in self.notes),
        )

    def _warnings(self) -> str:
        if not self.warnings:
            return ""
        lines = "\n".join(f"<li>{escape(warning)}</li>" for warning in self.warnings)
        return f'<section class="warnings"><h2>Warnings</h2>\n<ul>\n{lines}\n</ul></section>'

    def _health(self) -> str:
        if not self.health:
            return ""
        rows = "\n".join(
            f'<tr class="{"unusual" if line.unusual else "usual"}"><td>{escape(line.label)}</td>'
            f'<td class="n">{escape(line.value)}</td>'
            f"<td>{'<b>Unusual.</b> ' if line.unusual else ''}{escape(line.verdict)}</td></tr>"
            for line in self.health
        )
        return f"<section><h2>Health of the vectors</h2>\n<table>\n{rows}\n</table></section>"

    def _outcomes(self) -> str:
        total = sum(self.outcomes.values()) or 1
        rows = []
        for outcome, number in sorted(self.outcomes.items(), key=lambda pair: (-pair[1], pair[0])):
            kind, _, reason = outcome.partition(":")
            words = TITLES.get(kind, kind) + (f": {reason.replace('_', ' ')}" if reason else "")
            share = number / total
            rows.append(
                f'<tr class="{escape(kind)}"><td>{escape(words)}</td><td class="n">{number:,}</td>'
                f'<td class="n">{share:.1%}</td><td class="bar"><i style="width:{share * 100:.1f}%"></i></td></tr>'
            )
        return "\n".join(rows)


_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #1c2024; --soft: #5d6670; --line: #d8dde2; --card: #f6f7f8; --back: #fff;
  --chip: #2f7d55; --rejected: #9aa4ae; --failed: #c0492f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a2abb5; --line: #343a41; --card: #1d2125;
  --back: #131619; --chip: #58b485; --rejected: #6d7782; --failed: #e0735a; } }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--back); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
header p { margin: 0; color: var(--soft); }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; }
h2 { margin: 0 0 .6rem; font-size: 1.05rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 1.5rem 0; }
dl div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; }
figure img { display: block; width: 100%; height: auto; image-rendering: auto; border-radius: .35rem; }
figcaption, .notes { color: var(--soft); font-size: .9rem; margin-top: .5rem; }
section { margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
td { padding: .3rem .6rem .3rem 0; border-top: 1px solid var(--line); }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { width: 40%; }
.bar i { display: block; height: .6rem; border-radius: .3rem; min-width: 2px; background: var(--rejected); }
.chip .bar i { background: var(--chip); }
.failed .bar i { background: var(--failed); }
.warnings { margin: 0 0 2rem; }
.warnings ul { margin: 0; padding-left: 1.2rem; }
.warnings li { overflow-wrap: anywhere; }
.unusual b { color: var(--failed); }
</style>
</head>
<body>
<header><h1>$aoi</h1><p>$period &middot; model $model</p></header>
<dl>
$figures
</dl>
$warnings
<div class="pictures">
$pictures
</div>
<section><h2>Outcomes of the observations</h2>
<table>
$outcomes
</table></section>
$health
<section class="notes">
$notes
</section>
</body>
</html>
""")
