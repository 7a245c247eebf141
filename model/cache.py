"""Folders of this user's cache: fetched checkpoints, and artefacts built from this very code."""

import hashlib
import os
from pathlib import Path

import torch

from model.pin import PIN_FILE


def cache_folder() -> Path:
    """`$CLAYLAKE_CACHE`, else the user's usual place."""
    usual = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "claylake"
    return Path(os.environ.get("CLAYLAKE_CACHE", usual))


def build_key(arch: str, seed: int) -> str:
    """Digest of all that decides an artefact: this package's code, its pin, torch, and what was asked."""
    here = Path(__file__).parent
    total = hashlib.sha256(f"{torch.__version__} {arch} {seed}".encode())
    for path in (*sorted(here.glob("*.py")), PIN_FILE):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]
