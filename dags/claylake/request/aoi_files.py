"""Names and settings of the AOI files, read at every parse of the DAG files.

Of geometries type, degrees and size are checked here: the rest needs libraries that are slow to import; `plan` does it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claylake.area import geojson
from claylake.area.aoi import NAME, Aoi
from claylake.area.folder import scan
from claylake.configuration.layers import CommonLayers
from claylake.configuration.settings import Settings
from claylake.errors import BadInputError
from claylake.request.size_limit import require_fitting

AOIS_VARIABLE = "CLAYLAKE_AOIS"
AOIS_FOLDER = "aois"
_KINDS = ("Feature", "FeatureCollection", "GeometryCollection", *geojson.POLYGONAL)


@dataclass(frozen=True, kw_only=True)
class AoiFile:
    """One AOI file: its path, the name that it gives the AOI, and its settings without params."""

    path: Path
    name: str
    settings: Settings


@dataclass(frozen=True, kw_only=True)
class AoiListing:
    """The usable files in order, and what is wrong with the others, by file name."""

    files: tuple[AoiFile, ...]
    problems: dict[str, str]


def aoi_folder(dags_folder: Path) -> Path:
    """Where AOI files lie: the environment variable CLAYLAKE_AOIS, else ``aois`` beside the DAGs."""
    return Path(os.environ.get(AOIS_VARIABLE) or dags_folder / AOIS_FOLDER)


def list_aois(dags_folder: Path, common: CommonLayers | None = None, only: str | None = None) -> AoiListing:
    """Read the AOI folder; a bad file leaves the others usable.

    Args:
        dags_folder: folder of the DAGs.
        common: what the settings of all AOIs share; None to read it.
        only: name of the one AOI whose file is read; None for all.

    Raises:
        SettingsError: what they share is not readable.
    """
    common = common or CommonLayers.read(dags_folder)
    found = scan(aoi_folder(dags_folder))
    files, problems = [], dict(found.problems)
    for name, path in found.paths.items():
        if only not in (None, name):
            continue
        try:
            files.append(_read(name, path, common))
        except BadInputError as error:
            problems[path.name] = str(error)
    return AoiListing(files=tuple(files), problems=problems)


def _read(name: str, path: Path, common: CommonLayers) -> AoiFile:
    if not NAME.fullmatch(name):
        msg = f"file name {path.name!r}: use up to 48 of a-z, 0-9, - and _, beginning with a letter or digit"
        raise BadInputError(msg)
    document = geojson.read(path)
    if not isinstance(document, dict) or document.get("type") not in _KINDS:
        msg = f"not GeoJSON of type {', '.join(_KINDS)}"
        raise BadInputError(msg)
    unchecked = Aoi(name=name, geometry={}, overrides=geojson.settings_of(document), file=path.name)
    settings = common.settings(unchecked, {})
    polygons = geojson.polygons_of(document)
    if len(polygons) == 1:  # of several, which may overlap, `plan` has the area
        _refuse_too_large(polygons[0], settings)
    return AoiFile(path=path, name=name, settings=settings)


def _refuse_too_large(polygon: dict[str, Any], settings: Settings) -> None:
    """Refuse a polygon that no plan would take."""
    try:
        require_fitting(polygon, settings)
    except BadInputError:
        raise
    except (ArithmeticError, IndexError, KeyError, TypeError, ValueError):
        return  # not a polygon; `plan` says what is wrong with it
