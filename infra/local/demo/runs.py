"""Which DAG runs the demo makes: months of the demo world, or the AOI and the months of given STAC items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.catalogue.items import read_items

DEMO_DAG = "claylake__demo"
ADHOC_DAG = "claylake_adhoc"


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
    """A run for each month of the items in a folder, over a box around their footprints.

    Only cells that lie in the data become chips.

    Raises:
        DataFolderError: if the folder does not exist or holds no items.
    """
    if not folder.is_dir():
        raise DataFolderError(f"DATA={folder}: no such folder; give one that holds STAC items (*.json) and their COGs")
    items = read_items(folder, "http://unused")
    if not items:
        raise DataFolderError(f"DATA={folder}: holds no STAC items: *.json Features with assets beside their COGs")
    aoi = {"type": "Polygon", "coordinates": [_box([item["geometry"]["coordinates"] for item in items])]}
    months = sorted({str(item["properties"]["datetime"])[:7] for item in items})
    return [RunRequest(dag_id=ADHOC_DAG, month=month, conf={"aoi_geojson": aoi, "months": month}) for month in months]


def _box(geometries: list[Any]) -> list[list[float]]:
    """A ring (lon, lat) around coordinate arrays."""
    points = [point for coordinates in geometries for point in _points(coordinates)]
    west, east = min(lon for lon, _ in points), max(lon for lon, _ in points)
    south, north = min(lat for _, lat in points), max(lat for _, lat in points)
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _points(coordinates: Any) -> list[tuple[float, float]]:
    """All positions of a GeoJSON coordinate array, however nested."""
    if isinstance(coordinates[0], int | float):
        return [(float(coordinates[0]), float(coordinates[1]))]
    return [point for part in coordinates for point in _points(part)]
