"""Command line: `python -m spark.bench embed --model FOLDER`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from spark.bench.embed import measure
from spark.encoding import EncoderError

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
    embed.add_argument("--out", type=Path, metavar="FILE", help="also write JSON")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
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
        return 1
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(asdict(found), indent=1) + "\n")
    sys.stdout.write(found.table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
