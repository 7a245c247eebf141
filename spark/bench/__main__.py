"""Command line: `python -m spark.bench embed --model FOLDER`, `python -m spark.bench extract`, `... lake`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger("spark.bench")


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, measure, write a table; 1 where the encoder cannot be loaded."""
    parser = argparse.ArgumentParser(prog="python -m spark.bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    embed = commands.add_parser("embed", help="the embed worker's rate over the bare encoder's")
    embed.add_argument("--model", type=Path, required=True, metavar="FOLDER", help="an artefact's folder")
    embed.add_argument("--chips", type=int, default=128)
    embed.add_argument("--rounds", type=int, default=5)
    embed.add_argument("--precision", default="auto")
    embed.add_argument("--device")
    embed.add_argument("--batch", type=int, help="chips per forward pass; found by trying if not given")
    embed.add_argument("--threads", type=int, help="torch's; all cores if not given")
    embed.set_defaults(measure=_embed)
    extract = commands.add_parser("extract", help="what extraction costs, over what its parts cost alone")
    extract.add_argument("--size", type=int, default=10_980, help="side of the generated scene, pixels at 10 m")
    extract.add_argument("--cells", type=int, help="cells read at most; all if not given")
    extract.add_argument("--rounds", type=int, default=3)
    extract.add_argument("--scenes", type=int, default=1_000, help="small scenes that one worker reads")
    extract.add_argument("--folder", type=Path, help="keeps the generated scene for the next time")
    extract.add_argument("--steps", type=int, nargs="*", default=[1, 4], help="scenes of each whole step in Spark")
    extract.add_argument("--jars", type=Path, default=Path(".cache/jars"), help="folder of the jars that Spark needs")
    extract.set_defaults(measure=_extract)
    lake = commands.add_parser("lake", help="what publishing and commits cost in lakes of several sizes")
    lake.add_argument("--rows", type=int, nargs="*", default=[10**3, 10**4, 10**5, 10**6], help="in main of each lake")
    lake.add_argument("--gigabytes", type=float, nargs="*", default=[0.8, 3.0], help="of runs when main has moved")
    lake.add_argument("--files", type=int, nargs="*", default=[50, 500, 5_000], help="of each commit")
    lake.add_argument("--rounds", type=int, default=3)
    lake.add_argument("--jars", type=Path, default=Path(".cache/jars"), help="folder of the jars that Spark needs")
    lake.set_defaults(measure=_lake)
    for command in (embed, extract, lake):
        command.add_argument("--out", type=Path, metavar="FILE", help="also write JSON")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    measured: tuple[object, str] | None = arguments.measure(arguments)
    if measured is None:
        return 1
    document, text = measured
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(document, indent=1) + "\n")
    sys.stdout.write(text)
    return 0


def _embed(arguments: argparse.Namespace) -> tuple[object, str] | None:
    from spark.bench.embed import measure
    from spark.encoding import EncoderError

    try:
        found = measure(
            arguments.model,
            chips=arguments.chips,
            rounds=arguments.rounds,
            precision=arguments.precision,
            device=arguments.device,
            batch=arguments.batch,
            threads=arguments.threads,
        )
    except EncoderError as error:
        _log.error("%s", error)
        return None
    return asdict(found), found.table()


def _extract(arguments: argparse.Namespace) -> tuple[object, str]:
    from spark.bench.extract.row import table
    from spark.bench.extract.run import measure

    rows = []
    for row in measure(
        folder=arguments.folder,
        jars=arguments.jars,
        side=arguments.size,
        most=arguments.cells,
        rounds=arguments.rounds,
        scenes=arguments.scenes,
        steps=arguments.steps,
    ):
        _log.info("%s: %.4g", row.what, row.value)
        rows.append(row)
    return [asdict(row) for row in rows], table(rows)


def _lake(arguments: argparse.Namespace) -> tuple[object, str]:
    from spark.bench.extract.row import table
    from spark.bench.lake.measure import measure

    rows = []
    for row in measure(
        jars=arguments.jars,
        sizes=arguments.rows,
        gigabytes=arguments.gigabytes,
        files=arguments.files,
        rounds=arguments.rounds,
    ):
        _log.info("%s: %.4g", row.what, row.value)
        rows.append(row)
    return [asdict(row) for row in rows], table(rows, "lake")


if __name__ == "__main__":
    sys.exit(main())
