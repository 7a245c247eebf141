"""Command line: `python -m model fetch | build | check | bench | parity`; see each one's --help."""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from model.arch import PRECISIONS_OF, contents, named_arch
from model.cache import build_folder, cache_folder
from model.check import check
from model.config import SIZES
from model.errors import ModelError
from model.export import build
from model.fetch import fetch
from model.format import COMMITTED, DESCRIPTION, PUBLISHED, USERS, Source
from model.inspection import inspect
from model.lean import LeanError
from model.metadata import check_metadata, read_metadata
from model.pin import PIN_FILE, Pin, is_committed, read_pin, record_pin, trusted_pin
from model.processor import ProcessorError
from model.recipes import DEFAULT_SEED, RECIPES, Ingredients, named_recipe
from model.sensor import SENTINEL_2

log = logging.getLogger("model")


def main(argv: Sequence[str] | None = None) -> int:
    """Parse and run; 0 when done, 1 when it could not be."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        sys.stdout.write(f"{arguments.run(arguments)}\n")
    except (ModelError, LeanError, ProcessorError) as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model", description="Build the encoder's artefact.")
    commands = parser.add_subparsers(dest="command", required=True)

    fetching = commands.add_parser("fetch", help="fetch the published checkpoint, or verify that it is here")
    fetching.add_argument(
        "--record", action="store_true", help="write its pin into model/checkpoint.json, to be committed"
    )
    fetching.add_argument("--metadata", type=Path, metavar="FILE", help="Clay's metadata.yaml, to be compared")
    fetching.set_defaults(run=_fetch)

    making = commands.add_parser("build", help="build an artefact's folder, and print its path")
    making.add_argument("--name", choices=sorted(RECIPES), default="demo-random")
    making.add_argument("--arch", choices=sorted(PRECISIONS_OF), help="kind of machine; this one's if not given")
    making.add_argument(
        "--precision", action="append", default=[], metavar="NAME", help="hold it, too, also if slow here; repeatable"
    )
    making.add_argument("--out", type=Path, metavar="DIR", help="build DIR/NAME, anew; else in the user's cache, once")
    making.add_argument("--seed", type=int, default=DEFAULT_SEED, help="of random weights")
    making.add_argument("--checkpoint", type=Path, help="file in the published format, instead of the pinned one")
    making.set_defaults(run=_build)

    checking = commands.add_parser("check", help="self-check of an artefact in every precision and path, as a table")
    checking.add_argument("folder", type=Path)
    checking.add_argument("--compiled", action="store_true", help="torch.compile, too (minutes)")
    checking.set_defaults(run=lambda arguments: check(arguments.folder, compiled=arguments.compiled))

    benching = commands.add_parser("bench", help="time it beside the published encoder, in one run")
    benching.add_argument("--size", choices=sorted(SIZES), default="large")
    benching.add_argument("--rounds", type=int, default=3)
    benching.add_argument("--chips", type=int, help="chips of a pass")
    benching.add_argument("--batch", type=int, action="append", help="batch size to try; repeat for more")
    benching.add_argument("--compiled", action="store_true", help="torch.compile, too (a C++ compiler, and minutes)")
    benching.add_argument("--out", type=Path, default=Path("out"), metavar="DIR")
    benching.set_defaults(run=_bench)

    comparing = commands.add_parser("parity", help="every size, precision and path beside the published encoder")
    comparing.add_argument("--size", choices=("tiny", "small", "base", "large"), action="append", help="repeatable")
    comparing.add_argument("--chips", type=int, default=1, help="so many realistic and so many extreme ones")
    comparing.add_argument("--compiled", action="store_true", help="torch.compile, too")
    comparing.set_defaults(run=_parity)

    for command in (fetching, making):
        command.add_argument("--cache", type=Path, help="where fetched checkpoints are kept")
        command.add_argument("--endpoint", help="address of the hub (else $HF_ENDPOINT, else the public one)")
    return parser


def _fetch(arguments: argparse.Namespace) -> Path:
    if arguments.metadata is not None:
        check_metadata(read_metadata(arguments.metadata), SENTINEL_2, str(arguments.metadata))
        log.info("%s agrees with model/sensor.py", arguments.metadata)
    path, pin = _fetched(arguments, PUBLISHED)
    if arguments.record and pin.by == COMMITTED:
        log.info("%s pins it already, and stays as it is", PIN_FILE)
    elif arguments.record:
        record_pin(pin, PIN_FILE)
        log.warning(
            "pinned in %s: sha256 %s. Compare it with the one on the file's page, and commit", PIN_FILE, pin.sha256
        )
    return path


def _build(arguments: argparse.Namespace) -> Path:
    arch = named_arch(arguments.arch)
    if arguments.arch is None:
        log.info("no ARCH given: building for this machine's kind, %s; ARCH=%s", arch, "|".join(PRECISIONS_OF))
    out = arguments.out or build_folder(arch, arguments.seed, contents(arch, arguments.precision), _trusted(arguments))
    if arguments.out is None and arguments.checkpoint is None and (out / arguments.name / DESCRIPTION).exists():
        return Path(out / arguments.name)
    return build(arguments.name, out, _ingredients(arguments), arch, arguments.precision)


def _bench(arguments: argparse.Namespace) -> str:
    from model.bench.run import Bench, bench

    wanted = Bench(
        size=arguments.size,
        rounds=arguments.rounds,
        chips=arguments.chips,
        batches=arguments.batch,
        compiled=arguments.compiled,
        out=arguments.out,
    )
    return bench(wanted)


def _parity(arguments: argparse.Namespace) -> str:
    from model.bench.table import parity_table

    return parity_table(arguments.size or ["tiny"], arguments.chips, compiled=arguments.compiled)


def _ingredients(arguments: argparse.Namespace) -> Ingredients:
    """What the named recipe needs; a published one's checkpoint is fetched where it is not given."""
    if arguments.checkpoint is not None:
        source = Source(checkpoint=arguments.checkpoint.name, revision=None, sha256=None, pin=None)
        return Ingredients(checkpoint=arguments.checkpoint, source=source)
    if not named_recipe(arguments.name).published:
        return Ingredients(seed=arguments.seed)
    path, pin = _fetched(arguments, arguments.name)
    return Ingredients(checkpoint=path, source=pin.source)


def _trusted(arguments: argparse.Namespace) -> Pin | None:
    """The pin that an artefact is built under, after a first use where there was none; None where it needs none."""
    if arguments.checkpoint is not None or not named_recipe(arguments.name).published:
        return None
    pin = _pin(arguments)
    return pin if pin.revision is not None else _fetched(arguments, arguments.name)[1]


def _pin(arguments: argparse.Namespace) -> Pin:
    pin = trusted_pin(read_pin(), _checkpoints(arguments))
    if pin.revision is None or pin.by != COMMITTED or is_committed(PIN_FILE):
        return pin
    log.warning("%s is changed and not committed yet: it counts as this user's pin", PIN_FILE)
    return replace(pin, by=USERS)


def _fetched(arguments: argparse.Namespace, name: str) -> tuple[Path, Pin]:
    pin = _pin(arguments)
    look = partial(inspect, named_recipe(name), SENTINEL_2, pin.file)
    return fetch(pin, _checkpoints(arguments), look, endpoint=arguments.endpoint)


def _checkpoints(arguments: argparse.Namespace) -> Path:
    return arguments.cache or cache_folder() / "checkpoint"


if __name__ == "__main__":
    sys.exit(main())
