"""The area of interest: a named polygon in lon/lat, checked before anything is spent."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict

from claylake.area import geojson
from claylake.area.outline import Outline, outline
from claylake.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
"""What an AOI may be called; part of DAG ids, branch names and object keys."""
BBOX_NUMBERS = 4


class Aoi(BaseModel):
    """A named area.

    `geometry` is a GeoJSON Polygon or MultiPolygon, lon/lat degrees, valid, split at +-180.
    `overrides` is what an AOI file says beside its name: a partial settings document. `remarks` say in sentences what
    was changed to make the geometry valid. `file` is the name of the file that it was read from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    geometry: dict[str, Any]
    overrides: dict[str, Any] = {}
    remarks: tuple[str, ...] = ()
    file: str | None = None

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read an AOI file; its name is the file's, in small letters.

        Raises:
            BadInputError: naming the file and what is wrong with it.
        """
        try:
            found = cls.from_geojson(path.stem.lower(), geojson.read(path))
        except BadInputError as error:
            msg = f"AOI file {path.name}: {error}"
            raise BadInputError(msg) from error
        return found.model_copy(update={"file": path.name})

    @classmethod
    def from_geojson(cls, name: str | None, document: Any) -> Self:
        """Take the polygons of a GeoJSON geometry, Feature or collection, and the settings among its properties.

        Without a name the AOI is called after its content, and its properties are left out: they belong to where it
        was copied from.

        Raises:
            BadInputError: if the document is not GeoJSON, or not polygonal, or has bad coordinates or settings.
        """
        found = cls._of(name, outline(geojson.polygons_of(document)))
        if name is None:
            return found
        return found.model_copy(update={"overrides": geojson.settings_of(document)})

    @classmethod
    def _of(cls, name: str | None, found: Outline) -> Self:
        if name is None:
            name = "geojson-" + hashlib.sha256(json.dumps(found.geometry, sort_keys=True).encode()).hexdigest()[:10]
        if not NAME.fullmatch(name):
            msg = f"name {name!r}: use up to 48 of a-z, 0-9, - and _, beginning with a letter or digit"
            raise BadInputError(msg)
        return cls(name=name, geometry=found.geometry, remarks=found.changes)

    @classmethod
    def from_bbox(cls, bbox: Sequence[float]) -> Self:
        """Take [west, south, east, north] in degrees; west > east crosses the antimeridian.

        Raises:
            BadInputError: for other than four finite numbers within range, or an empty box.
        """
        if len(bbox) != BBOX_NUMBERS or not all(type(number) in (int, float) for number in bbox):
            msg = f"bbox {list(bbox)!r}: give four numbers [west, south, east, north] in degrees"
            raise BadInputError(msg)
        try:
            west, south, east, north = (float(number) for number in bbox)
        except OverflowError as error:
            msg = f"bbox: {error}: give four numbers [west, south, east, north] in degrees"
            raise BadInputError(msg) from error
        if not (-180 <= west <= 180 and -180 <= east <= 180):
            msg = f"bbox {list(bbox)!r}: west and east must lie in -180..180 (west > east crosses the antimeridian)"
            if max(map(abs, (west, south, east, north))) > geojson.MOST_DEGREES:
                msg = f"bbox {list(bbox)!r}: no degrees, perhaps metres: give [west, south, east, north] in degrees"
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
        polygons = geojson.polygons_of({"type": "FeatureCollection", "features": boxes})
        return cls._of(None, outline(polygons, as_given=True))
