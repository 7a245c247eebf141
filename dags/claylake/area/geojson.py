"""GeoJSON of an AOI as users write it: what it may say, checked without a geometry library, as DAG files are parsed."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from claylake.area.grid import LATITUDES
from claylake.configuration.settings import Settings
from claylake.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

POLYGONAL: Final = ("Polygon", "MultiPolygon")
DESCRIBING: Final = ("name", "description")
"""Properties of a Feature that are no settings."""
_COLLECTIONS: Final = {"FeatureCollection": "features", "GeometryCollection": "geometries"}
_LONLAT: Final = re.compile(
    r"(?:(?:URN:(?:X-)?OGC:DEF:CRS:)?OGC:(?:[0-9.]*:)?|HTTPS?://(?:WWW\.)?OPENGIS\.NET/DEF/CRS/OGC/[0-9.]+/)?CRS84H?"
    r"|(?:(?:URN:(?:X-)?OGC:DEF:CRS:)?EPSG:(?:[0-9.]*:)?|HTTPS?://(?:WWW\.)?OPENGIS\.NET/DEF/CRS/EPSG/[0-9.]+/)"
    r"(?:4326|4979)"
)
"""Names of WGS 84 in degrees; GeoJSON writes lon before lat under each of them."""
MOST_DEGREES: Final = 360.0
"""No angle, whichever way it is written, is larger."""
_DEEPEST: Final = 4
"""Arrays in one another, in the coordinates of a MultiPolygon."""
_REPROJECT: Final = "reproject it to EPSG:4326 (longitude and latitude in degrees), e.g. when exporting from QGIS"


def read(path: Path) -> Any:
    """The document in a file: JSON in UTF-8, also with a byte order mark, or UTF-16 or UTF-32.

    Raises:
        BadInputError: if it is not readable as JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        msg = f"not readable as JSON ({error}): write GeoJSON, in UTF-8"
        raise BadInputError(msg) from error


def polygons_of(document: Any) -> list[dict[str, Any]]:
    """The Polygons and MultiPolygons of a geometry, Feature, FeatureCollection or GeometryCollection, in degrees.

    Raises:
        BadInputError: if it is not GeoJSON, not all of it is polygonal, or coordinates are no degrees.
    """
    try:
        found = [_polygon(part, where) for part, where in _parts(document)]
        for geometry in found:
            _require_degrees(geometry)
    except RecursionError as error:
        msg = "the document is nested too deeply: give a Polygon or MultiPolygon, or Features of them"
        raise BadInputError(msg) from error
    if not found:
        msg = f"the {document['type']} holds no {_COLLECTIONS[document['type']]}: give at least one polygon"
        raise BadInputError(msg)
    return found


def settings_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Settings among the properties of its Features: a partial settings document.

    Raises:
        BadInputError: if a property is no setting, settings are not where they are read, or Features disagree.
    """
    several = document.get("type") == "FeatureCollection"
    members = document.get("features") if several else [document]
    features = [each for each in members if isinstance(each, dict)] if isinstance(members, list) else []
    _refuse_misplaced(document)
    settings: dict[int, dict[str, Any]] = {}
    for number, feature in enumerate(features, start=1):
        if feature is not document:
            _refuse_misplaced(feature)
        own = _settings(feature, f"feature {number}" if len(features) > 1 else "the Feature")
        if own:
            settings[number] = own
    if any(own != other for own in settings.values() for other in settings.values()):
        given = "; ".join(f"feature {number}: {json.dumps(own)}" for number, own in settings.items())
        msg = (
            f"its features have different settings ({given}), and an AOI has one set: give all of them the same ones, "
            "give them to one feature only, or make an AOI file of each"
        )
        raise BadInputError(msg)
    return next(iter(settings.values()), {})


def _parts(document: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Geometries of a document, and where each is in it, for a message."""
    if not isinstance(document, dict):
        msg = f"expected a GeoJSON object, got {type(document).__name__}"
        raise BadInputError(msg)
    _require_lonlat(document)
    kind = document.get("type")
    if isinstance(kind, str) and kind in _COLLECTIONS:
        members = document.get(_COLLECTIONS[kind])
        for number, member in enumerate(members if isinstance(members, list) else [], start=1):
            if not isinstance(member, dict):
                msg = f"expected a GeoJSON Feature or geometry, got {type(member).__name__}"
                raise BadInputError(msg)
            place = f" of {'feature' if kind == 'FeatureCollection' else 'geometry'} {number}"
            yield from ((part, where or place) for part, where in _parts(member))
        return
    if kind != "Feature":
        yield document, ""
        return
    properties, geometry = document.get("properties"), document.get("geometry")
    if properties is not None and not isinstance(properties, dict):
        msg = f"the Feature's properties are a {type(properties).__name__}: give an object, or leave them out"
        raise BadInputError(msg)
    if isinstance(geometry, dict):
        yield from _parts(geometry)
    else:
        yield {"type": None if geometry is None else geometry}, ""


def _polygon(geometry: dict[str, Any], where: str) -> dict[str, Any]:
    kind = geometry.get("type")
    if kind not in POLYGONAL:
        msg = (
            f"geometry type {kind!r}{where}: an AOI is a Polygon or MultiPolygon; draw the area as a polygon, "
            "or put one around points and lines, e.g. with Buffer in QGIS"
        )
        raise BadInputError(msg)
    try:
        json.dumps(geometry, allow_nan=False)
    except (TypeError, ValueError) as error:
        msg = f"the coordinates are not finite numbers ({error})"
        raise BadInputError(msg) from error
    return geometry


def _require_lonlat(document: Mapping[str, Any]) -> None:
    """Refuse a named coordinate reference system other than WGS 84 in degrees (GeoJSON of 2008 could name one)."""
    crs = document.get("crs")
    if crs is None:
        return
    about = crs.get("properties") if isinstance(crs, dict) else None
    name = (about.get("name") or about.get("code")) if isinstance(about, dict) else crs
    plain = f"EPSG:{name}" if isinstance(name, int) or str(name).isdecimal() else str(name).strip()
    if not _LONLAT.fullmatch(plain.upper()):
        shown = plain if isinstance(name, str | int) else json.dumps(crs)
        msg = f"its crs is {shown}: an AOI is in degrees of WGS 84; {_REPROJECT}"
        raise BadInputError(msg)


def _require_degrees(geometry: Mapping[str, Any]) -> None:
    """Refuse metres, swapped axes, and what lies beyond 180 degrees or UTM."""
    try:
        positions = list(_positions(geometry.get("coordinates")))
    except OverflowError as error:
        msg = f"the coordinates are not finite numbers ({error})"
        raise BadInputError(msg) from error
    if not positions:
        return  # not a polygon: the geometry library says what is wrong
    west, east = min(lon for lon, _ in positions), max(lon for lon, _ in positions)
    south, north = min(lat for _, lat in positions), max(lat for _, lat in positions)
    least, most = LATITUDES
    if max(-west, east, -south, north) > MOST_DEGREES:
        msg = (
            f"coordinates {west:g}..{east:g} and {south:g}..{north:g} are no degrees; they may be metres, of UTM or "
            f"EPSG:3857: {_REPROJECT}"
        )
        raise BadInputError(msg)
    if not (least <= south and north <= most):
        swapped = least <= west and east <= most and -180 <= south and north <= 180
        fits = (
            f" Swapped, it would be longitudes {south:g}..{north:g} and latitudes {west:g}..{east:g}: if that is "
            "the place, write each corner as [lon, lat]."
        )
        msg = (
            f"latitudes {south:g}..{north:g}: UTM covers {least:g}..{most:g}: cut the area there if it goes beyond; "
            f"or is it [lon, lat] order?{fits if swapped else ''}"
        )
        raise BadInputError(msg)
    if not (-180 <= west and east <= 180):
        msg = f"longitudes {west:g}..{east:g} leave -180..180: split the polygon at the antimeridian (RFC 7946, 3.1.9)"
        raise BadInputError(msg)


def _positions(coordinates: Any, depth: int = 1) -> Iterator[tuple[float, float]]:
    """Positions in a coordinate array; what is none is passed over."""
    if not isinstance(coordinates, list | tuple):
        return
    if depth > _DEEPEST:
        msg = "the coordinates are nested too deeply: those of a MultiPolygon are polygons of rings of [lon, lat]"
        raise BadInputError(msg)
    if len(coordinates) > 1 and all(type(number) in (int, float) for number in coordinates[:2]):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for part in coordinates:
        yield from _positions(part, depth + 1)


def _settings(feature: Mapping[str, Any], where: str) -> dict[str, Any]:
    properties = feature.get("properties") if feature.get("type") == "Feature" else None
    if not isinstance(properties, dict):
        return {}
    unknown = [key for key in properties if key not in DESCRIBING and key not in Settings.model_fields]
    if unknown:
        near = {key: difflib.get_close_matches(key, Settings.model_fields, n=1) for key in unknown}
        meant = "".join(f"; did you mean {match[0]} by {key!r}?" for key, match in near.items() if match)
        what, it = ("property", "it") if len(unknown) == 1 else ("properties", "them")
        msg = (
            f"{what} {', '.join(map(repr, unknown))} of {where}: remove {it}, properties are settings here{meant} "
            f"(allowed: {', '.join((*DESCRIBING, *Settings.model_fields))})"
        )
        raise BadInputError(msg)
    return {key: value for key, value in properties.items() if key not in DESCRIBING}


def _refuse_misplaced(document: Mapping[str, Any]) -> None:
    """Refuse settings that would be dropped: beside the properties, or properties of what is no Feature."""
    beside = ", ".join(repr(key) for key in document if key in Settings.model_fields)
    if beside:
        msg = f"{beside} lies beside the properties: settings are read from a Feature's properties, so move it there"
        raise BadInputError(msg)
    kind = document.get("type")
    if kind != "Feature" and document.get("properties"):
        msg = f"the {kind} has properties: settings are read from a Feature's properties, so move them there"
        raise BadInputError(msg)
