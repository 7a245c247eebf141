"""A layer's packages as an archive for the nodes, made once for each lock and kept."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from infra.build.archive import write_tar
from infra.build.errors import BuildError
from infra.build.members import compressor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infra.build.layers import Layer

PLATFORM = "x86_64-manylinux_2_28"
"""Wheels for glibc 2.28 and older; Amazon Linux 2023 has 2.34."""
PYTHON = "3.11"
_FORMAT = "1"
"""Raise it when the same layer should give other bytes."""
log = logging.getLogger(__name__)


def environment(layer: Layer, *, cache: Path, uv: Path) -> Path:
    """The layer's archive in the cache, made where it has not been yet.

    Args:
        layer: What to install.
        cache: Per-user cache; archives lie in its ``build`` folder.
        uv: The program.

    Raises:
        BuildError: uv cannot install it; the message holds the end of its output.
    """
    target = cache / "build" / key(layer) / f"{layer.name}.tar.gz"
    if target.is_file():
        log.info("%s environment: as built before", layer.name)
        return target
    log.info("%s environment: building", layer.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="claylake-", dir=target.parent) as folder:
        packages = Path(folder) / "packages"
        install(layer, packages, uv)
        packed = list(names(packages))
        write_tar(packages, packed, target, records(packages, packed))
    return target


def key(layer: Layer) -> str:
    """Digest of all that decides the archive's bytes."""
    parts = (_FORMAT, PLATFORM, PYTHON, compressor(), layer.name, layer.locked, layer.torch, layer.backend)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def install(layer: Layer, folder: Path, uv: Path) -> None:
    """Put the layer's wheels, and nothing that would have to be compiled here, into a folder.

    Args:
        layer: What to install.
        folder: Where to; the lock is written beside it.
        uv: The program.

    Raises:
        BuildError: uv fails.
    """
    lock = folder.with_suffix(".txt")
    lock.write_text(layer.locked, encoding="utf-8")
    common = ["--target", str(folder), "--python", sys.executable, "--python-version", PYTHON]
    common += ["--python-platform", PLATFORM, "--no-deps", "--no-build"]
    _run([str(uv), "pip", "install", "-q", *common, "--require-hashes", "-r", str(lock)])
    if layer.torch and layer.backend:
        hint = f"; is the index of torch's {layer.backend} build within reach? TORCH_BACKEND= takes the locked torch"
        _run([str(uv), "pip", "install", "-q", *common, "--torch-backend", layer.backend, layer.torch], hint)


def names(folder: Path) -> Iterator[str]:
    """What to pack: all but scripts, whose first line names this machine's Python, and what installing leaves."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_dir() and not path.is_symlink():
            continue
        if name.parts[0] in {"bin", ".lock"} or "__pycache__" in name.parts:
            continue
        yield name.as_posix()


def records(folder: Path, packed: Iterable[str]) -> dict[str, bytes]:
    """Lists of installed files without the scripts."""
    found = {}
    for name in packed:
        if name.endswith(".dist-info/RECORD"):
            lines = (folder / name).read_bytes().splitlines(keepends=True)
            found[name] = b"".join(line for line in lines if not line.startswith(b"bin/"))
    return found


def find_uv(cache: Path) -> Path:
    """The uv that `make` uses: `$UV`, else of the machine, else of the cache.

    Raises:
        BuildError: There is none.
    """
    found = os.environ.get("UV") or shutil.which("uv") or str(cache / "uv/bin/uv")
    if not Path(found).is_file():
        raise BuildError(f"no uv at {found}: run make setup")
    return Path(found)


def _run(command: list[str], hint: str = "") -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"uv cannot install{hint}:\n{done.stderr[-3000:]}")
