"""Which files of the AOI folder are AOIs, and what is wrong with the others: none is passed over in silence."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

AOI_SUFFIX: Final = ".geojson"
_SUFFIXES: Final = (AOI_SUFFIX, ".json")
_TEXTS: Final = (".md", ".rst", ".txt")
"""Of notes beside the AOI files."""


@dataclass(frozen=True, kw_only=True)
class AoiPaths:
    """AOI files by the name that each gives its AOI, and what is wrong with other entries, by file name."""

    paths: dict[str, Path]
    problems: dict[str, str]


def scan(folder: Path) -> AoiPaths:
    """Sort the entries of the folder: ``<name>.geojson`` and ``<name>.json`` are AOIs, in any case.

    Hidden files and notes (``README.md``) are left alone, and logged; everything else is a problem.
    """
    paths: dict[str, Path] = {}
    problems: dict[str, str] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        name = path.stem.lower()
        if path.is_file() and path.suffix.lower() in _SUFFIXES and not path.name.startswith("."):
            if name in paths:
                problems[path.name] = f"{paths[name].name} is the AOI {name} already: rename one of them"
            else:
                paths[name] = path
        elif path.name.startswith(".") or _is_note(path):
            log.info("%s is no AOI file, and is left alone", path.name)
        elif path.is_dir():
            problems[path.name] = "a folder: AOI files lie beside it, not in it; move them, and the folder elsewhere"
        else:
            kinds = " or ".join(f"<name>{suffix}" for suffix in _SUFFIXES)
            problems[path.name] = f"not taken: an AOI file is GeoJSON, called {kinds}; convert or rename it, or move it"
    return AoiPaths(paths=paths, problems=problems)


def _is_note(path: Path) -> bool:
    """Whether it is a text and not meant as an AOI, as ``farm.geojson.txt`` is."""
    if path.suffix.lower() not in _TEXTS or not path.is_file():
        return False
    try:
        begins = path.read_text(encoding="utf-8-sig", errors="replace")[:100].lstrip()
    except OSError:
        return False
    return "." not in path.stem and not begins.startswith(("{", "["))
