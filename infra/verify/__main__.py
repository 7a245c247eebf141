"""The check of one lake, as a program of the spark environment; `make verify` (`infra.local.verify`) starts it."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.verify.check import Check
from infra.verify.errors import VerifyError
from infra.verify.lake import Lake

DIFFERS, IMPOSSIBLE = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 if every chip is right, `DIFFERS` if not, `IMPOSSIBLE` where none could be checked."""
    parser = argparse.ArgumentParser(prog="python -m infra.verify", description=__doc__)
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--deployed", type=Path, help="deployed.json of the deployment or the stand-in")
    place.add_argument("--folder", type=Path, help="a lake in a folder of this machine")
    parser.add_argument("--stac", help="the STAC API's address, where deployed.json has none")
    parser.add_argument("--sample", type=int, help="how many chips; all without it")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("infra.verify").setLevel(logging.INFO)
    try:
        lake = (
            Lake.of_folder(options.folder)
            if options.folder
            else Lake.of_deployment(json.loads(options.deployed.read_bytes()), options.stac)
        )
        tally = Check(lake=lake, sample=options.sample, seed=options.seed, say=_say).run()
    except VerifyError as error:
        sys.stderr.write(f"make verify: {error}\n")
        return IMPOSSIBLE
    except (BotoCoreError, ClientError, OSError) as error:
        advice = "are AWS's credentials of an account that may read this lake, and of its region?"
        sys.stderr.write(f"make verify: the lake cannot be read: {error}; {advice}\n")
        return IMPOSSIBLE
    return 0 if tally.good else DIFFERS


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
