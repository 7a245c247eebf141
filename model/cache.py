"""Folders of this user's cache: fetched checkpoints, and artefacts built from this very code."""

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import torch

from model.pin import Pin

UNUSED_S = 14 * 24 * 3600
"""A build unused for so many seconds is of code that has changed since."""


def cache_folder() -> Path:
    """`$CLAYLAKE_CACHE`, else the user's usual place."""
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "claylake"
    return Path(os.environ.get("CLAYLAKE_CACHE") or usual)


def build_key(arch: str, seed: int, forms: Mapping[str, str], pin: Pin | None = None) -> str:
    """Digest of all that decides an artefact: this package's code, torch, what to build, and the checkpoint's pin.

    Args:
        arch: Kind of machine.
        seed: Of random weights.
        forms: By precision to hold: the form of its program.
        pin: Of published weights, and whose it is, since the artefact records that; None where none is needed.
    """
    total = hashlib.sha256(f"{torch.__version__} {arch} {seed} {sorted(forms.items())}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    if pin is not None:
        total.update(repr(pin).encode())
    return total.hexdigest()[:12]


def build_folder(arch: str, seed: int, forms: Mapping[str, str], pin: Pin | None = None) -> Path:
    """Where this code's artefacts are built, marked as used now; builds long out of use (3 GB at full size) go.

    Args:
        arch: As of `build_key`.
        seed: As of `build_key`.
        forms: As of `build_key`.
        pin: As of `build_key`.
    """
    here = cache_folder() / "model" / build_key(arch, seed, forms, pin)
    here.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # a cache that may only be read
        os.utime(here)
    for other in here.parent.iterdir():
        if time.time() - other.stat().st_mtime > UNUSED_S:
            shutil.rmtree(other, ignore_errors=True)  # another process may be at it, too
    return here
