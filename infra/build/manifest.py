"""Digests of a build: SHA256SUMS for the nodes, manifest.json for the stacks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SUMS = "SHA256SUMS"
BUILD_MANIFEST = "manifest.json"
MWAA = "mwaa/"


@dataclass(frozen=True, kw_only=True)
class File:
    """One file of a build: path with slashes, SHA-256 in hex, size in bytes."""

    name: str
    sha256: str
    size: int


def read_files(folder: Path) -> list[File]:
    """Every file below a folder but its manifest, in order."""
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [_file(folder, name) for name in paths if name != BUILD_MANIFEST]


def seal(folder: Path, arch: str) -> list[File]:
    """Write SHA256SUMS and then manifest.json; gives the files.

    The digest of SHA256SUMS names the release: it is the same for equal code, packages, jars and encoders,
    whatever the DAGs are.
    """
    files = [file for file in read_files(folder) if file.name != SUMS]
    loaded = "".join(f"{file.sha256}  {file.name}\n" for file in files if not file.name.startswith(MWAA))
    (folder / SUMS).write_text(loaded, encoding="utf-8")
    sums = _file(folder, SUMS)
    files = sorted([*files, sums], key=lambda file: file.name)
    document = {
        "arch": arch,
        "release": sums.sha256,
        "files": {file.name: {"sha256": file.sha256, "bytes": file.size} for file in files},
    }
    (folder / BUILD_MANIFEST).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return files


def _file(folder: Path, name: str) -> File:
    path = folder / name
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return File(name=name, sha256=digest, size=path.stat().st_size)
