"""One month that the command has made of the tiny generated world, for all tests that read a lake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.machine import user_cache

ROOT = Path(__file__).resolve().parents[2]
MONTH = "2024-08"


def command(*arguments):
    """The command's program, and its environment: as ``bin/claylake`` starts it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AIRFLOW", "CLAYLAKE_L"))}
    path = os.pathsep.join(map(str, (ROOT / "dags", ROOT)))
    return [sys.executable, "-m", "cli", *map(str, arguments)], {**kept, "PYTHONPATH": path, "COLUMNS": "120"}


def claylake(*arguments, **options):
    """The command run to its end."""
    argv, env = command(*arguments)
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, **options)


@dataclass(frozen=True)
class Made:
    """A lake with a month in it, and what was seen while it was made.

    `processes` are the command lines of everything below the command.
    """

    lake: Path
    options: tuple[str, ...]
    said: str
    document: dict
    processes: frozenset[str]


@pytest.fixture(scope="session")
def world():
    """The tiny world's folder: what the demo's tests use, painted once for each user."""
    folder = user_cache() / "world" / "tiny"
    run = [sys.executable, "-m", "infra.world", "--out", str(folder), "--months", "2024-08,2024-09", "--size", "tiny"]
    subprocess.run(run, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def encoder():
    """The demo's encoder, of the user's cache."""
    build = [sys.executable, "-m", "model", "build", "--name", "demo-random"]
    return subprocess.run(build, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="session")
def made(world, encoder, tmp_path_factory):
    """The month of the tiny world by one command, watched from outside."""
    lake = tmp_path_factory.mktemp("here") / "a lake"
    options = ("--lake", str(lake), "--aoi", str(world / "aoi.geojson"), "--month", MONTH)
    options += ("--data", str(world), "--encoder", encoder)
    argv, env = command("run", *options, "--json")
    seen = set()
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            seen |= below(process.pid)
            time.sleep(0.5)
        out, said = process.communicate()
    assert process.returncode == 0, said
    return Made(lake, options, said, json.loads(out), frozenset(seen))


def below(pid):
    """Command lines of all processes below one."""
    found = set()
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if Path(f"/proc/{pid}").exists() else ():
        try:
            found.add(Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode())
            found |= below(child)
        except OSError:  # it has ended
            continue
    return found
