"""Names and settings of the AOI files, read at every parse of the DAG files.

Of geometries only the size is checked here: the rest needs libraries that are slow to import, and `plan` does it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claylake.area.aoi import NAME, Aoi, settings_among
from claylake.configuration.layers import AOI_SUFFIX, load_settings
from claylake.configuration.settings import Settings
from claylake.errors import BadInputError
from claylake.request.size_limit import is_lonlat, require_fitting

AOIS_VARIABLE = "CLAYLAKE_AOIS"
AOIS_FOLDER = "aois"
_POLYGONAL = ("Polygon", "MultiPolygon")
_KINDS = ("Feature", "FeatureCollection", *_POLYGONAL)


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


def list_aois(dags_folder: Path) -> AoiListing:
    """Read the AOI folder; a bad file leaves the others usable."""
    files, problems = [], {}
    for path in sorted(aoi_folder(dags_folder).glob(f"*{AOI_SUFFIX}")):
        try:
            files.append(_read(path, dags_folder))
        except BadInputError as error:
            problems[path.name] = str(error)
    return AoiListing(files=tuple(files), problems=problems)


def _read(path: Path, dags_folder: Path) -> AoiFile:
    if not NAME.fullmatch(path.stem):
        msg = f"file name {path.name!r}: use up to 48 of a-z, 0-9, - and _, beginning with a letter or digit"
        raise BadInputError(msg)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"not readable as JSON ({error})"
        raise BadInputError(msg) from error
    if not isinstance(document, dict) or document.get("type") not in _KINDS:
        msg = f"not GeoJSON of type {', '.join(_KINDS)}"
        raise BadInputError(msg)
    unchecked = Aoi(name=path.stem, geometry={}, overrides=_overrides(document))
    settings = load_settings(dags_folder, unchecked, {})
    _refuse_too_large(document, settings)
    return AoiFile(path=path, name=path.stem, settings=settings)


def _refuse_too_large(document: dict[str, Any], settings: Settings) -> None:
    """Refuse one polygon that no plan would take; of several, which may overlap, `plan` knows the area."""
    features = document.get("features") if document["type"] == "FeatureCollection" else [document]
    try:
        [feature] = features or []
        geometry = feature["geometry"] if feature["type"] == "Feature" else feature
        if geometry["type"] in _POLYGONAL and is_lonlat(geometry):
            require_fitting(geometry, settings)
    except BadInputError:
        raise
    except (ArithmeticError, IndexError, KeyError, TypeError, ValueError):
        return  # not a polygon; `plan` says what is wrong with it


def _overrides(document: dict[str, Any]) -> dict[str, Any]:
    """Settings among the properties, as `Aoi.from_geojson` finds them."""
    features = document.get("features") if document["type"] == "FeatureCollection" else [document]
    if not isinstance(features, list) or len(features) != 1 or not isinstance(features[0], dict):
        return {}
    properties = features[0].get("properties") or {}
    return settings_among(properties) if isinstance(properties, dict) else {}
