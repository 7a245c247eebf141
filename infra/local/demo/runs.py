"""Which DAG runs the demo makes: months of the demo world, or the AOI and the months of given STAC items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from claylake.catalogue import dialects
from claylake.month import Month
from claylake.pass_month import pass_month
from infra.local.catalogue.items import read_items

DEMO_DAG = "claylake__demo"
ADHOC_DAG = "claylake_adhoc"
_TURN: Final = 360.0
_HALF_TURN: Final = 180.0
_DECIMALS: Final = 9


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """One DAG run to make.

    Attributes:
        dag_id: Which DAG.
        month: The month that it makes, `yyyy-mm`.
        conf: Its params.
    """

    dag_id: str
    month: str
    conf: dict[str, Any]


class DataFolderError(ValueError):
    """A data folder cannot be used; the message says what can."""


def of_world(months: Sequence[str]) -> list[RunRequest]:
    """A run of the demo world's DAG for each month."""
    return [RunRequest(dag_id=DEMO_DAG, month=month, conf={"month": month}) for month in months]


def of_items(folder: Path) -> list[RunRequest]:
    """A run for each month of the items in a folder, over a box around their footprints, also across 180 degrees.

    Only cells that lie in the data become chips. Items that have no outline or no date give neither box nor month.

    Raises:
        DataFolderError: if the folder does not exist or holds no items.
    """
    if not folder.is_dir():
        raise DataFolderError(f"DATA={folder}: no such folder; give one that holds STAC items (*.json) and their COGs")
    items = read_items(folder, "http://unused")
    if not items:
        raise DataFolderError(f"DATA={folder}: holds no STAC items: *.json Features with assets beside their COGs")
    outlines = [outline for item in items for outline in _outlines(item)]
    months = sorted({month for item in items for month in _months(item)})
    if not outlines or not months:
        raise DataFolderError(f"DATA={folder}: no item has both a geometry (Polygon or MultiPolygon) and a datetime")
    aoi = _box(outlines)
    return [RunRequest(dag_id=ADHOC_DAG, month=month, conf={"aoi_geojson": aoi, "months": month}) for month in months]


def _months(item: dict[str, Any]) -> list[str]:
    """The month of an item's pass; without one, of its date; none where it has no date either."""
    properties = item.get("properties")
    if not isinstance(properties, dict):
        return []
    try:
        found = dialects.datatake(str(item.get("id")), properties)
        if found is not None:
            return [str(pass_month(found))]
        moment = dialects.acquired(properties)
    except ValueError:
        return []
    return [] if moment is None else [str(Month.of(moment))]


def _outlines(item: dict[str, Any]) -> list[list[tuple[float, float]]]:
    """Positions (lon, lat) of each polygon of an item; where one crosses 180 degrees its longitudes go on beyond."""
    geometry = item.get("geometry")
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return []
    coordinates = geometry.get("coordinates") or []
    found = [list(_points(part)) for part in (coordinates if geometry["type"] == "MultiPolygon" else [coordinates])]
    outlines = []
    for points in filter(None, found):
        lons = [lon for lon, _ in points]
        across = max(lons) - min(lons) > _HALF_TURN
        outlines.append([(lon + _TURN if across and lon < 0 else lon, lat) for lon, lat in points])
    return outlines


def _box(outlines: list[list[tuple[float, float]]]) -> dict[str, Any]:
    """The box (GeoJSON, lon/lat) around all outlines that leaves the widest gap free, cut at 180 degrees."""
    lats = [lat for outline in outlines for _, lat in outline]
    spans = sorted((min(lon for lon, _ in outline) % _TURN, _width(outline)) for outline in outlines)
    gaps, reach = [], 0.0
    for (start, width), (following, _) in zip(spans, [*spans[1:], (spans[0][0] + _TURN, 0.0)], strict=True):
        reach = max(reach, start + width)
        gaps.append((following - reach, following % _TURN))
    gap, start = max(gaps)
    west = round(start if start < _HALF_TURN else start - _TURN, _DECIMALS)
    east = round(west + _TURN - max(gap, 0.0), _DECIMALS)
    south, north = min(lats), max(lats)
    if east <= _HALF_TURN:
        return {"type": "Polygon", "coordinates": [_ring(west, south, east, north)]}
    rings = [_ring(west, south, _HALF_TURN, north), _ring(-_HALF_TURN, south, east - _TURN, north)]
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}


def _width(outline: list[tuple[float, float]]) -> float:
    lons = [lon for lon, _ in outline]
    return max(lons) - min(lons)


def _ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _points(coordinates: Any) -> Iterator[tuple[float, float]]:
    """All positions of a GeoJSON coordinate array, however nested."""
    if not isinstance(coordinates, list):
        return
    if coordinates and isinstance(coordinates[0], int | float):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for part in coordinates:
        yield from _points(part)
