"""Disk space, sizes of caches, what is installed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from infra import jars
from infra.doctor.machine import Folder, Installed, Room

ENVIRONMENTS = ("airflow", "spark", "infra")
_ORACLE = "oracle"


def room(environment: Mapping[str, str], repository: Path) -> Room:
    """The three folders that set-up fills; one that does not exist yet counts by the first above that does."""
    home = Path(environment.get("HOME", "~")).expanduser()
    user = Path(environment.get("XDG_CACHE_HOME") or home / ".cache")
    return Room(
        checkout=_folder(repository, measured=False),
        cache=_folder(Path(environment.get("CLAYLAKE_CACHE") or user / "claylake")),
        uv_cache=_folder(Path(environment.get("UV_CACHE_DIR") or user / "uv")),
    )


def _folder(path: Path, *, measured: bool = True) -> Folder:
    there = next(each for each in (path, *path.absolute().parents) if each.is_dir())
    sizes = {}
    if measured:
        with suppress(OSError):
            sizes = {part.name: size_mb(part) for part in path.iterdir() if part.is_dir()}
    return Folder(str(path), there.stat().st_dev, shutil.disk_usage(there).free // 1_000_000, sizes)


def size_mb(folder: Path) -> int:
    """What a folder takes on disk; files that vanish meanwhile count nothing, hard links once."""
    total, seen, stack = 0, set(), [str(folder)]
    while stack:
        with suppress(OSError), os.scandir(stack.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                        continue
                    stat = entry.stat(follow_symlinks=False)
                    if stat.st_nlink > 1:
                        if stat.st_ino in seen:
                            continue
                        seen.add(stat.st_ino)
                    total += stat.st_blocks * 512
    return total // 1_000_000


def installed(repository: Path) -> Installed:
    """How far set-up has come."""
    found: dict[str, tuple[str, ...] | None] = {}
    for name in ENVIRONMENTS:
        packages = next(iter((repository / f".venv/{name}").glob("lib/python*/site-packages")), None)
        found[name] = _differing(repository, name, packages)
    oracle = repository / ".venv" / _ORACLE
    found[_ORACLE] = _differing(repository, _ORACLE, oracle if oracle.is_dir() else None)
    names = map(jars.file_name, jars.pins(jars.PINS.read_text(encoding="utf-8")))
    return Installed(found, tuple(name for name in names if not (repository / ".cache/jars" / name).is_file()))


def _differing(repository: Path, name: str, packages: Path | None) -> tuple[str, ...] | None:
    if packages is None:
        return None
    if not (repository / ".venv" / name / ".synced").is_file():
        return ("set-up was cut short",)
    lock = (repository / f"locks/{name}.txt").read_text(encoding="utf-8")
    return differences(lock, [path.name for path in packages.glob("*.dist-info")])


def differences(lock: str, installed: list[str]) -> tuple[str, ...]:
    """Packages that are not installed as a lock says.

    A requirement with a marker may rightly be absent. A version's local part (`+cpu`) says where it comes from.

    Args:
        lock: The lock file.
        installed: Names of `.dist-info` folders.
    """
    versions = {}
    for each in installed:
        name, _, version = each[: -len(".dist-info")].rpartition("-")
        versions[_normal(name)] = version.partition("+")[0]
    found = []
    for line in lock.splitlines():
        wanted = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\+]+)(.*)", line)
        if wanted:
            there = versions.get(_normal(wanted[1]))
            if there is None and ";" not in wanted[3]:
                found.append(f"{wanted[1]} is not there")
            elif there is not None and there != wanted[2]:
                found.append(f"{wanted[1]} {there} instead of {wanted[2]}")
    return tuple(found)


def _normal(name: str) -> str:
    """A package's name as the index knows it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
