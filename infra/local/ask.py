"""What to ask of the DAGs: the months of the demo, or an AOI and months from given STAC items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.local.items import read_items

DEMO_DAG = "claylake__demo"
ADHOC_DAG = "claylake_adhoc"
WORLD_MONTHS = ("2024-07", "2024-08", "2024-09")
"""What the generated world holds."""


class AskError(ValueError):
    """The months or the data folder cannot be used; the message says what can."""


def month_names(text: str) -> tuple[str, ...]:
    """Months of the demo world from ``yyyy-mm`` or ``yyyy-mm/yyyy-mm``.

    Raises:
        AskError: if the world does not hold them.
    """
    first, _, last = text.partition("/")
    last = last or first
    months = tuple(month for month in WORLD_MONTHS if first <= month <= last)
    if first not in WORLD_MONTHS or last not in WORLD_MONTHS or not months:
        raise AskError(
            f"MONTHS={text}: the demo world holds {WORLD_MONTHS[0]} to {WORLD_MONTHS[-1]}; "
            "give yyyy-mm or yyyy-mm/yyyy-mm within it, or your own scenes with DATA=<folder>"
        )
    return months


def from_items(folder: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """An AOI around the footprints of the items in a folder, and the months they are of.

    The AOI is one box (lon/lat); only cells that lie in the data become chips.

    Raises:
        AskError: if the folder does not exist or holds no items.
    """
    if not folder.is_dir():
        raise AskError(f"DATA={folder}: no such folder; give one that holds STAC items (*.json) and their COGs")
    items = read_items(folder, "http://unused")
    if not items:
        raise AskError(f"DATA={folder}: holds no STAC items; expected *.json Features with assets beside their COGs")
    points = [point for item in items for point in _points(item["geometry"]["coordinates"])]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    months = sorted({str(item["properties"]["datetime"])[:7] for item in items})
    return {"type": "Polygon", "coordinates": [ring]}, tuple(months)


def _points(coordinates: Any) -> list[tuple[float, float]]:
    """All positions of a GeoJSON coordinate array, however nested."""
    if isinstance(coordinates[0], int | float):
        return [(float(coordinates[0]), float(coordinates[1]))]
    return [point for part in coordinates for point in _points(part)]
