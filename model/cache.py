"""Folders of this user's cache: fetched checkpoints, and artefacts built from this very code."""

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from model.pin import PIN_FILE

UNUSED_S = 14 * 24 * 3600
"""A build that nobody asked for in so many seconds is of code that has gone."""


def cache_folder() -> Path:
    """`$CLAYLAKE_CACHE`, else the user's usual place."""
    usual = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "claylake"
    return Path(os.environ.get("CLAYLAKE_CACHE", usual))


def build_key(arch: str, seed: int, forms: Mapping[str, str]) -> str:
    """Digest of all that decides an artefact: this package's code, its pin, torch, and what was asked.

    Args:
        arch: Kind of machine.
        seed: Of random weights.
        forms: By precision to hold: the form of its program.
    """
    here = Path(__file__).parent
    total = hashlib.sha256(f"{torch.__version__} {arch} {seed} {sorted(forms.items())}".encode())
    for path in (*sorted(here.glob("*.py")), PIN_FILE):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]


def build_folder(arch: str, seed: int, forms: Mapping[str, str]) -> Path:
    """Where this code's artefacts are built, marked as used now; builds long out of use (3 GB at full size) go."""
    here = cache_folder() / "model" / build_key(arch, seed, forms)
    here.mkdir(parents=True, exist_ok=True)
    os.utime(here)
    for other in here.parent.iterdir():
        if time.time() - other.stat().st_mtime > UNUSED_S:
            shutil.rmtree(other, ignore_errors=True)  # another process may be at it, too
    return here
