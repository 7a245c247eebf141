"""The area of interest: a named polygon in lon/lat, checked before anything is spent."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict

from claylake.area.grid import LATITUDES
from claylake.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
"""What an AOI may be called; part of DAG ids, branch names and object keys."""
_POLYGONAL = ("Polygon", "MultiPolygon")
BBOX_NUMBERS = 4
DESCRIBING = ("name", "description")


class Aoi(BaseModel):
    """A named area.

    `geometry` is a GeoJSON Polygon or MultiPolygon, lon/lat degrees, valid, split at +-180.
    `overrides` is what an AOI file says beside its name: a partial settings document.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    geometry: dict[str, Any]
    overrides: dict[str, Any] = {}

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read an AOI file; its name is the file's.

        Raises:
            BadInputError: naming the file and what is wrong with it.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            msg = f"AOI file {path.name}: not readable as JSON ({error})"
            raise BadInputError(msg) from error
        try:
            return cls.from_geojson(path.stem, document)
        except BadInputError as error:
            msg = f"AOI file {path.name}: {error}"
            raise BadInputError(msg) from error

    @classmethod
    def from_geojson(cls, name: str | None, document: Any) -> Self:
        """Take a GeoJSON geometry, Feature or FeatureCollection of polygons.

        Without a name the AOI is called after its content.

        Raises:
            BadInputError: if the document is not GeoJSON, or not polygonal, or has bad coordinates.
        """
        if not isinstance(document, dict):
            msg = f"expected a GeoJSON object, got {type(document).__name__}"
            raise BadInputError(msg)
        features = document.get("features") if document.get("type") == "FeatureCollection" else [document]
        if not isinstance(features, list) or not features:
            msg = "the FeatureCollection holds no features: give at least one polygon"
            raise BadInputError(msg)
        geometry = _normalise([_geometry(feature) for feature in features])
        properties = features[0].get("properties") or {} if len(features) == 1 else {}
        if not isinstance(properties, dict):
            msg = f"the Feature's properties are a {type(properties).__name__}: give an object, or leave them out"
            raise BadInputError(msg)
        if name is None:
            name = "geojson-" + hashlib.sha256(json.dumps(geometry, sort_keys=True).encode()).hexdigest()[:10]
        if not NAME.fullmatch(name):
            msg = f"name {name!r}: use up to 48 of a-z, 0-9, - and _, beginning with a letter or digit"
            raise BadInputError(msg)
        return cls(name=name, geometry=geometry, overrides=settings_among(properties))

    @classmethod
    def from_bbox(cls, bbox: Sequence[float]) -> Self:
        """Take [west, south, east, north] in degrees; west > east crosses the antimeridian.

        Raises:
            BadInputError: for other than four finite numbers within range, or an empty box.
        """
        if len(bbox) != BBOX_NUMBERS or not all(type(number) in (int, float) for number in bbox):
            msg = f"bbox {list(bbox)!r}: give four numbers [west, south, east, north] in degrees"
            raise BadInputError(msg)
        west, south, east, north = (float(number) for number in bbox)
        if not (-180 <= west <= 180 and -180 <= east <= 180):
            msg = f"bbox {list(bbox)!r}: west and east must lie in -180..180 (west > east crosses the antimeridian)"
            raise BadInputError(msg)
        if not south < north or west == east or (west, east) == (180.0, -180.0):
            msg = f"bbox {list(bbox)!r}: south must be less than north, and west differ from east"
            raise BadInputError(msg)
        spans = [(west, east)] if west < east else [(west, 180.0), (-180.0, east)]
        boxes = [
            {"type": "Polygon", "coordinates": [[[w, south], [e, south], [e, north], [w, north], [w, south]]]}
            for w, e in spans
            if w < e
        ]
        return cls.from_geojson(None, {"type": "FeatureCollection", "features": boxes})


def settings_among(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A Feature's properties without those that only describe it: a partial settings document."""
    return {key: value for key, value in properties.items() if key not in DESCRIBING}


def _geometry(feature: Any) -> dict[str, Any]:
    if not isinstance(feature, dict):
        msg = f"expected a GeoJSON Feature or geometry, got {type(feature).__name__}"
        raise BadInputError(msg)
    geometry = feature.get("geometry") if feature.get("type") == "Feature" else feature
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in _POLYGONAL:
        msg = f"geometry type {kind!r}: an AOI is a Polygon or MultiPolygon"
        raise BadInputError(msg)
    try:
        json.dumps(geometry, allow_nan=False)
    except (TypeError, ValueError) as error:
        msg = f"the coordinates are not finite numbers ({error})"
        raise BadInputError(msg) from error
    return geometry


def _normalise(geometries: list[dict[str, Any]]) -> dict[str, Any]:
    import shapely
    from shapely.errors import ShapelyError
    from shapely.geometry import mapping, shape

    try:
        area = shapely.union_all([shape(geometry) for geometry in geometries])
    except (ShapelyError, TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        msg = f"the coordinates do not make a polygon ({error}): check rings, [lon, lat] order, and self-crossings"
        raise BadInputError(msg) from error
    if not area.is_valid:
        msg = f"the polygon is not valid: {shapely.is_valid_reason(area)}; repair it, e.g. in QGIS"
        raise BadInputError(msg)
    if area.is_empty or area.area == 0:
        msg = "the polygon has no area: give a ring of at least three corners"
        raise BadInputError(msg)
    west, south, east, north = area.bounds
    if not (LATITUDES[0] <= south and north <= LATITUDES[1]):
        msg = f"latitudes {south:g}..{north:g}: UTM covers {LATITUDES[0]:g}..{LATITUDES[1]:g}; is it [lon, lat] order?"
        raise BadInputError(msg)
    if not (-180 <= west and east <= 180):
        msg = f"longitudes {west:g}..{east:g} leave -180..180: split the polygon at the antimeridian (RFC 7946, 3.1.9)"
        raise BadInputError(msg)
    document: dict[str, Any] = json.loads(json.dumps(mapping(shapely.normalize(shapely.force_2d(area)))))
    if document["type"] not in _POLYGONAL:
        msg = f"the parts join to a {document['type']}: an AOI is a Polygon or MultiPolygon"
        raise BadInputError(msg)
    return document
