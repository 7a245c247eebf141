"""`python -m infra.pictures --world DIR --lake DIR --out DIR`: make two months of a world, and draw them."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.pictures.bands import bands
from infra.pictures.beside import beside
from infra.pictures.burn import Event, burn
from infra.pictures.errors import PictureError
from infra.pictures.lake import Lake, of_month
from infra.pictures.outcomes import outcomes
from infra.pictures.terminal import WIDTH, svg

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).parents[2]
MONTHS: Final = ("2024-08", "2024-09")
ENCODER: Final = "demo-random"
SOME_WATER: Final = 0.15
"""Of the chip whose bands are shown: bands differ most where there is water beside land."""
SHOWN: Final = f"claylake run --aoi aoi.geojson --month {MONTHS[0]} --data . --encoder {ENCODER}"
"""The command as the picture of the terminal has it: given in the world's folder."""


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; the exit code is 0 if every picture is written."""
    parser = argparse.ArgumentParser(prog="python -m infra.pictures", description=__doc__)
    parser.add_argument("--world", type=Path, required=True, help="folder of the demo's world, painted already")
    parser.add_argument("--lake", type=Path, required=True, help="folder for the lake; one that is there is deleted")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    options = parser.parse_args(argv)
    world, folder, out = (path.absolute() for path in (options.world, options.lake, options.out))
    out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        said = [_month(world, folder, month) for month in MONTHS]
        terminals = (
            ("terminal.svg", SHOWN, said[0]),
            ("terminal-help.svg", "claylake --help", _claylake("--help")),
            ("terminal-show.svg", "claylake show", _claylake("show", "--lake", folder)),
        )
        for file, command, output in terminals:
            (out / file).write_text(svg(command, _shortened(output, folder)), encoding="utf-8")
        draw(Lake(folder), world, out)
    except PictureError as error:
        sys.stderr.write(f"pictures: {error}\n")
        return 1
    return 0


def draw(lake: Lake, world: Path, out: Path) -> None:
    """Write the pictures that are drawn from a lake.

    Args:
        lake: with the months of `MONTHS`.
        world: folder that it was made from.
        out: folder of the pictures.

    Raises:
        PictureError: the lake has not what a picture shows, or a picture is too large.
    """
    month = MONTHS[0]
    beside(lake.report(month), month).save(out / "embedding.png")
    seen = [
        row
        for each in MONTHS
        for row in lake.rows("observations", of_month(each), ("cell_id", "pass", "datetime", "outcome"))
    ]
    outcomes(seen).save(out / "outcomes.png")
    burn(lake, Event.load(world / "event.geojson")).save(out / "burn.png")
    columns = ("id", "datetime", "clear_frac", "water_frac")
    clear = lake.rows("chips", f"{of_month(month)} and clear_frac >= 0.999", columns)
    varied = min(clear, key=lambda row: (abs(row["water_frac"] - SOME_WATER), row["id"]))
    (chip,) = lake.rows("chips", f"id = '{varied['id']}'", (*columns, "clay_tensor"))
    bands(chip).save(out / "bands.png")


def _month(world: Path, lake: Path, month: str) -> str:
    """One month by the command; gives what it wrote."""
    options = ("--lake", lake, "--aoi", world / "aoi.geojson", "--month", month, "--data", world, "--encoder", ENCODER)
    return _claylake("run", *options)


def _claylake(*words: str | Path) -> str:
    """What the command writes to the terminal, both streams in their order."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'dags'}:{ROOT}", "COLUMNS": str(WIDTH)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        msg = f"claylake {words[0]} ended with {done.returncode}:\n{done.stdout}"
        raise PictureError(msg)
    return done.stdout


def _shortened(said: str, lake: Path) -> str:
    """Without the address of this machine's folders."""
    return said.replace(f"file://{lake}", "lake").replace(str(lake), "lake")


if __name__ == "__main__":
    sys.exit(main())
