"""Command line: `python -m model build --name demo-random --out DIR`."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from model.errors import ModelError
from model.export import DEFAULT_SEED, build
from model.recipes import RECIPES

log = logging.getLogger("model")


def main(argv: Sequence[str] | None = None) -> int:
    """Parse and run; 0 when built, 1 when it could not be."""
    parser = argparse.ArgumentParser(prog="python -m model", description="Build the encoder's artefact.")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("build", help="write DIR/NAME/{encoder.pt2, weights.pt, reference.npz, model.json}")
    making.add_argument("--name", choices=sorted(RECIPES), default="demo-random")
    making.add_argument("--out", type=Path, required=True, metavar="DIR")
    making.add_argument("--seed", type=int, default=DEFAULT_SEED)
    asked = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        build(asked.name, asked.out, asked.seed)
    except ModelError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
