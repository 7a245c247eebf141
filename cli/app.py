"""The commands and their options."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from claylake.configuration.local import DATABASE
from claylake.month import Month
from claylake.vocabulary import STEPS
from cli.changing import Baseline, ChangeView
from cli.command import examined, explained, make_months, view_of
from cli.console import Console
from cli.errors import ExitCode
from cli.lake import LakeFolder
from cli.relocating import relocate
from cli.request import Wanted, area_name
from cli.showing import CHIP_EXAMPLE
from cli.verifying import verify_lake

app = typer.Typer(
    name="claylake",
    help="Clay embeddings of Sentinel-2, month by month, in a lake on this machine.",
    epilog=(
        "Exit codes: 0 done, 1 a step failed, 2 bad input, 3 refused by a limit, 4 the catalogue did not answer, "
        "5 another process writes to the lake, 130 interrupted."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

_LAKE: Final = Path("lake")
_SMALL_AREA: Final = "-9.20,38.70,-9.15,38.75"
"""Two kilometres of Lisbon, for a search that is to find something anywhere."""
Lake = Annotated[Path, typer.Option(envvar="CLAYLAKE_LAKE", help="Folder of the lake.")]
AoiFile = Annotated[Path | None, typer.Option("--aoi", help="GeoJSON file with the area's polygon, in lon/lat.")]
Bbox = Annotated[str | None, typer.Option(help="The area as west,south,east,north in degrees, instead of --aoi.")]
Months = Annotated[str | None, typer.Option("--month", help="yyyy-mm, or yyyy-mm/yyyy-mm for several, one by one.")]
Database = Annotated[str, typer.Option(help="Namespace of the tables in the lake's catalogue.")]
Data = Annotated[
    Path | None, typer.Option(help="Folder of STAC items and COGs to read, instead of the catalogue on the web.")
]
EncoderName = Annotated[
    str | None, typer.Option("--encoder", help="Name of an encoder that was built here, or an artefact's folder.")
]
Live = Annotated[bool, typer.Option("--live", help="Try the catalogue, too: one search, and a read of one file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else, to standard output.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print the log, too.")]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...",
        help="Settings as in settings.yaml: selection.min_clear_frac=0.5; and names that scripts use: "
        "aoi_bounds=[w,s,e,n] start_date=2024-07-05 end_date=2024-07-20 (days of passes, both taken).",
    ),
]


@app.command(epilog="Example: [bold]claylake init ./lake[/bold]")
def init(path: Annotated[Path, typer.Argument(help="Folder of the lake; new or empty.")] = _LAKE) -> None:
    """Make a lake: a folder with its settings. `run` does so, too, where there is none."""
    console = Console()
    with explained(console):
        lake = LakeFolder.at(path)
        lake.make()
        console.text(f"{lake.path} is a lake; its settings are in {lake.settings_path.name}")


def _register(name: str, about: str, steps: Sequence[str]) -> None:
    """A command that plans months and does these steps of them."""

    def command(
        words: Words = None,
        *,
        month: Months = None,
        aoi: AoiFile = None,
        bbox: Bbox = None,
        lake: Lake = _LAKE,
        data: Data = None,
        encoder: EncoderName = None,
        database: Database = DATABASE,
        as_json: AsJson = False,
        verbose: Verbose = False,
    ) -> None:
        console = Console(as_json=as_json, verbose=verbose)
        with explained(console):
            options = {
                "aoi": aoi,
                "bbox": bbox,
                "months": month,
                "data": data,
                "encoder": encoder,
                "database": database,
            }
            wanted = Wanted.of(name, words or (), **options)
            make_months(wanted, lake, steps, console)

    example = f"Example: [bold]claylake {name} --aoi my.geojson --month 2024-07 --lake ./lake[/bold]"
    app.command(name=name, help=about, epilog=example)(command)


_register("plan", "Search the catalogue and say what a run would do; only the plan is written.", ())
_register("run", "Make months: plan, extract, embed, publish, maintain.", STEPS)
_register("extract", "Only plan, and make the chips; embed and publish go on from there.", STEPS[:1])
_register("embed", "Only make the vectors that chips lack; without an area, of all months not published.", STEPS[1:2])
_register(
    "publish",
    "Only audit what was made, and publish it; without an area, all months.",
    STEPS[2:3],
)
_register("maintain", "Only maintain the tables; without an area, by the newest run's settings.", STEPS[3:])


@app.command(epilog=f"Example: [bold]claylake show --lake ./lake --chip {CHIP_EXAMPLE} --out chip.png[/bold]")
def show(
    lake: Lake = _LAKE,
    *,
    deployed: Annotated[
        Path | None, typer.Option(help="deployed.json of a lake on AWS, to be read only, instead of --lake.")
    ] = None,
    chip: Annotated[str | None, typer.Option(help="Id of a published chip, to be written as a picture.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write the chip: .tif (with its place) or .png.")] = None,
    database: Database = DATABASE,
    as_json: AsJson = False,
) -> None:
    """Show what is in a lake: tables, months, kinds of vectors, runs, and what is still open; or save one chip."""
    console = Console(as_json=as_json)
    with explained(console):
        view = view_of(lake, deployed, database)
        if chip is not None:
            console.text(view.save_chip(chip, out or Path(f"{chip}.png")))
        else:
            console.facts(view.facts())


@app.command(epilog="Example: [bold]claylake report --lake ./lake --aoi my.geojson --month 2024-07[/bold]")
def report(
    month: Annotated[str, typer.Option(help="yyyy-mm of a published month.")],
    *,
    lake: Lake = _LAKE,
    aoi: Annotated[
        str | None, typer.Option(help="The area: its AOI file, or its name as `show` gives it; else the only one.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write; else reports/<area>/<month>/index.html in the lake.")
    ] = None,
    database: Database = DATABASE,
) -> None:
    """Draw the page of a published month anew, from the tables: one HTML file that needs no other."""
    console = Console()
    with explained(console):
        # Loads numpy, Arrow and Pillow, which other commands do without.
        from cli.reporting import write_report

        console.text(write_report(LakeFolder.at(lake), database, area_name(aoi), Month.parse(month), out))


@app.command(epilog="Example: [bold]claylake change --lake ./lake --aoi my.geojson --month 2024-09[/bold]")
def change(
    month: Annotated[str, typer.Option(help="yyyy-mm of a published month.")],
    *,
    lake: Lake = _LAKE,
    aoi: Annotated[
        str | None, typer.Option(help="The area: its AOI file, or its name as `show` gives it; else the only one.")
    ] = None,
    since: Annotated[
        Baseline, typer.Option(help="Since the month before, or since the same season of earlier years.")
    ] = Baseline.PREVIOUS,
    top: Annotated[int, typer.Option(min=1, max=100, help="How many of the strongest.")] = 10,
    out: Annotated[Path | None, typer.Option(help="PNG file to write: each cell before and after.")] = None,
    database: Database = DATABASE,
    as_json: AsJson = False,
) -> None:
    """Show the cells whose vectors moved most unusually in a published month, strongest first."""
    console = Console(as_json=as_json)
    with explained(console):
        view = ChangeView.of(LakeFolder.at(lake), database, area_name(aoi), Month.parse(month))
        found = view.strongest(since.value, top)
        console.changes(found)
        if out is not None:
            console.note(view.draw(found.strongest, out))


@app.command(epilog="Example: [bold]claylake verify --lake ./lake --sample 20[/bold]")
def verify(
    lake: Lake = _LAKE,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Chips to check, drawn anew each time; all without it.")
    ] = None,
    database: Database = DATABASE,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Number of a sample drawn before, as its output says.")
    ] = None,
) -> None:
    """Read published chips again from their scenes' files, and compare every pixel. Exits with 1 if any differs."""
    console = Console()
    with explained(console):
        if not verify_lake(LakeFolder.at(lake), database, sample, seed, console):
            raise typer.Exit(int(ExitCode.FAILED))


@app.command(epilog="Example: [bold]claylake doctor --live[/bold]")
def doctor(
    words: Words = None,
    *,
    lake: Lake = _LAKE,
    encoder: EncoderName = None,
    live: Live = False,
    aoi: AoiFile = None,
    bbox: Bbox = None,
    month: Annotated[str | None, typer.Option(help="yyyy-mm of the search; else the last whole month.")] = None,
    data: Data = None,
) -> None:
    """Say what this machine has for claylake, what it lacks, and what to do. Exits with 1 if something is missing."""
    console = Console()
    with explained(console):
        last = str(Month.of(datetime.now(UTC)).before(1))
        area = bbox if aoi or bbox else _SMALL_AREA
        options = {"aoi": aoi, "bbox": area, "months": month or last, "data": data, "encoder": encoder}
        wanted = Wanted.of("doctor", words or (), database=DATABASE, **options)
        if not examined(wanted, lake, console, live=live):
            raise typer.Exit(int(ExitCode.FAILED))


@app.command("relocate", epilog="Example: [bold]mv lake /data/lake; claylake relocate /data/lake[/bold]")
def relocate_lake(path: Annotated[Path, typer.Argument(help="The lake's folder, where it is now.")] = _LAKE) -> None:
    """Open a lake again whose folder was moved."""
    console = Console()
    with explained(console):
        lake = LakeFolder.at(path)
        with lake.held():
            done = relocate(lake)
        console.text(f"{lake.path}: {done.files} files now name this place" if done else f"{lake.path} is in its place")


def main() -> None:
    """The command line; exits with a code of `cli.errors.ExitCode`."""
    app(prog_name="claylake")
