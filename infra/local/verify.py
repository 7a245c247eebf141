"""`make verify`: finds the lake to check, or makes one of a folder of scenes, and starts the check, `infra.verify`."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from claylake.configuration.local import CATALOGUE_FILE
from infra.local import client
from infra.local.demo import __main__ as demo
from infra.local.demo.runs import DataFolderError
from infra.local.deployed import DEMO_MODEL
from infra.local.home import Home, HomeError
from infra.local.options import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLE = 100
"""Chips of a lake that are checked, unless SAMPLE says otherwise."""
ALL = "all"
_IMPOSSIBLE = 2
_USAGE = "give either DATA=<folder of STAC items and COGs> or LAKE=<deployed.json, or a folder with one>"
_LAKES = (
    "LAKE is the deployed.json of a deployment, a folder that holds it (such as a copy of the DAGs folder), "
    "the folder of a running stand-in (.local/stack, after `make up`), or that of a lake of the command claylake"
)


class ArgumentError(ValueError):
    """What is to be checked is not said, or is not there."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A lake to check.

    Attributes:
        place: Its deployed.json, or its own folder where it is on this machine.
        env: Variables that the check needs beside those of the user.
    """

    place: Path
    env: Mapping[str, str] = field(default_factory=dict)


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 if every chip is right, 1 if not (or a run failed), 2 where there was nothing to check."""
    parser = argparse.ArgumentParser(prog="make verify", description=__doc__)
    parser.add_argument("--data", default="", help="folder of STAC items and COGs to run and to check")
    parser.add_argument("--lake", default="", help="deployment or stand-in whose published chips are checked")
    parser.add_argument(
        "--sample", default="", help=f"chips to check: a number, or {ALL} (LAKE: {SAMPLE}, DATA: {ALL})"
    )
    parser.add_argument("--seed", default="", help="number of a sample drawn before, as its output says")
    options = parser.parse_args(arguments)
    try:
        _one_of(options.data, options.lake)
        wanted = [*_sample(options.sample or (ALL if options.data else str(SAMPLE))), *_seed(options.seed)]
        if options.lake:
            return check(find(Path(options.lake)), wanted)
        return _run(Path(options.data), wanted)
    except (ArgumentError, DataFolderError, HomeError, client.StackFailedError) as error:
        sys.stderr.write(f"make verify: {error}\n")
        return _IMPOSSIBLE


def find(lake: Path) -> Target:
    """The deployment that a path names.

    Raises:
        ArgumentError: It names none, or a stand-in that does not run.
    """
    if not lake.exists():
        raise ArgumentError(f"LAKE={lake}: no such file or folder. {_LAKES}")
    root = lake / "stack" if (lake / "stack").is_dir() and not (lake / "deployed.json").exists() else lake
    info = client.read_info(root) if root.is_dir() else None
    if info is not None:
        return Target(place=root / "deployed.json", env=info.env)
    if (lake / CATALOGUE_FILE).is_file():
        return Target(place=lake)
    if (root / "stack.log").exists() or (root / "stack.json").exists():
        raise ArgumentError(
            f"LAKE={lake}: this stand-in does not run, and its tables were in its memory. "
            "Start it by `make up` and run a month, or give DATA=<folder>"
        )
    deployed = lake / "deployed.json" if lake.is_dir() else lake
    if not deployed.is_file():
        raise ArgumentError(f"LAKE={lake}: holds no deployed.json. {_LAKES}")
    try:
        document = json.loads(deployed.read_bytes())
    except ValueError as error:
        raise ArgumentError(f"LAKE={lake}: {deployed.name} is not JSON ({error}). {_LAKES}") from error
    if not isinstance(document, dict) or not isinstance(document.get("deployed"), dict):
        raise ArgumentError(f"LAKE={lake}: {deployed.name} has no section `deployed`. {_LAKES}")
    return Target(place=deployed)


def check(target: Target, options: list[str]) -> int:
    """Start the check in its own environment; gives its exit code."""
    catalogue = yaml.safe_load((REPOSITORY / "dags/settings.yaml").read_text(encoding="utf-8"))["catalogue"]["url"]
    option = "--folder" if target.place.is_dir() else "--deployed"
    command = [str(Home().python("spark")), "-m", "infra.verify", option, str(target.place.resolve())]
    sys.stdout.flush()
    return subprocess.run(
        [*command, "--stac", catalogue, *options], cwd=REPOSITORY, env={**os.environ, **target.env}, check=False
    ).returncode


def _run(data: Path, options: list[str]) -> int:
    """Make the months of a folder, and check them while the stand-in still has the tables."""
    found: list[int] = []
    out = REPOSITORY / "out" / "verify"

    def then(info: client.StackInfo) -> None:
        found.append(check(Target(place=Path(info.document["root"]) / "deployed.json", env=info.env), options))

    failed = demo.run(data, out, DEMO_MODEL, then)
    if failed:
        sys.stderr.write(f"make verify: not every month came out green, see {out / 'demo.json'}\n")
    return max(found[0], failed)


def _one_of(data: str, lake: str) -> None:
    if bool(data) == bool(lake):
        raise ArgumentError(f"{_USAGE}; {'both were' if data else 'neither was'} given")


def _sample(text: str) -> list[str]:
    if text == ALL:
        return []
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentError(f"SAMPLE={text}: how many chips to check, a number from 1 on, or {ALL}")
    return ["--sample", text]


def _seed(text: str) -> list[str]:
    if text and not text.isdecimal():
        raise ArgumentError(f"SEED={text}: a number, as the output of an earlier check says it")
    return ["--seed", text or str(secrets.randbelow(1_000_000))]


if __name__ == "__main__":
    sys.exit(main())
