"""An AOI too large to plan is refused at once, with the arithmetic, and how to cut it."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from claylake.area.size import expected_cells
from claylake.cluster.estimate import Workload
from claylake.cluster.layout_choice import cheapest
from claylake.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from claylake.configuration.settings import Settings
    from claylake.plan import Estimate

PASSES: Final = 6
"""Of a place in a month: two satellites come every five days. There are more in high latitudes."""
CLEAR_PASSES: Final = 4
"""Of them, clear enough to be kept: the design's figure for 45 N."""
CELLS_PER_SCENE: Final = 1_526
"""In the 100 km square that each tile adds to its neighbours'."""
SHOWN: Final = 4
"""Parts that the message lists."""
_WHOLE_TURN: Final = 360.0
_LEAST_DEGREES: Final = 0.03
"""Of a part's height: a cell's."""


def require_fitting(geometry: Mapping[str, Any], settings: Settings, months: int = 1) -> None:
    """Refuse an area of more cells than ``limits.max_cells``, before a cell is made or the catalogue is searched.

    Args:
        geometry: GeoJSON Polygon or MultiPolygon, lon/lat degrees.
        settings: of the run.
        months: how many the run has.

    Raises:
        BadInputError: with cells, scenes, gigabytes and dollars to expect, and what to do.
    """
    most = settings.limits.max_cells
    if expected_cells(_frame(geometry)) <= most:
        return  # of a polygon with very many corners the frame is quicker
    cells = expected_cells(geometry)
    if cells <= most:
        return
    msg = (
        f"the area is too large for one run: about {cells:,} cells, and limits.max_cells allows {most:,}. "
        f"{_cost(expected(cells, months, settings), months)} {_remedies(geometry, most, months)}"
    )
    raise BadInputError(msg)


def expected(cells: int, months: int, settings: Settings) -> Estimate:
    """What so many cells take in so many months, before any scene is known: an estimate of an average place.

    Args:
        cells: of the area.
        months: how many.
        settings: of the run.
    """
    chips = cells * months * min(CLEAR_PASSES, settings.selection.passes_per_month or CLEAR_PASSES)
    load = Workload(
        scenes=math.ceil(cells / CELLS_PER_SCENE * PASSES) * months,
        cells=cells,
        candidates=cells * months * PASSES,
        chips=chips,
        vectors=chips,
    )
    return cheapest(load, settings)


def bbox_of(geometry: Mapping[str, Any]) -> list[float] | None:
    """[west, south, east, north] of an area that is one box, west > east across 180 degrees; None of any other."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    boxes = [_box(polygon) for polygon in polygons]
    whole = sorted(box for box in boxes if box is not None)
    if len(whole) < len(boxes) or len(boxes) > 2:
        return None
    if len(whole) == 1:
        return whole[0]
    (west, south, east, north), (west_2, south_2, east_2, north_2) = whole
    across = (west, east_2) == (-180.0, 180.0) and (south, north) == (south_2, north_2)
    return [west_2, south, east, north] if across else None


def parts(bbox: Sequence[float], most: int) -> Iterator[list[float]]:
    """The box, halved across its longer side until no part has more than `most` cells, or one cell's size."""
    west, south, east, north = bbox
    if expected_cells(_geometry(bbox)) <= most or north - south < _LEAST_DEGREES:
        yield list(bbox)
        return
    wide = (east - west) % _WHOLE_TURN or _WHOLE_TURN
    if wide * math.cos(math.radians((south + north) / 2)) > north - south:
        middle = _rounded(west + wide / 2, west, west + wide)
        middle -= _WHOLE_TURN if middle > 180.0 else 0.0
        halves = [[west, south, middle, north], [middle, south, east, north]]
    else:
        middle = _rounded((south + north) / 2, south, north)
        halves = [[west, south, east, middle], [west, middle, east, north]]
    for half in halves:
        yield from parts(half, most)


def _cost(load: Estimate, months: int) -> str:
    """The arithmetic, for people."""
    of = "a month" if months == 1 else f"{months} months"
    return (
        f"An estimate for an average place, {of}: {load.scenes:,} scenes, {load.candidates:,} observations, "
        f"{load.chips:,} chips, {load.read_gb:,.0f} GB to read, {load.store_gb:,.0f} GB to store, {load.usd:,.0f} USD."
    )


def _remedies(geometry: Mapping[str, Any], most: int, months: int) -> str:
    bbox = bbox_of(geometry)
    if bbox is None:
        number = -(-expected_cells(geometry) // most)
        cut = f"cut the polygon into {number} parts or more, each an AOI of its own"
    else:
        cuts = list(islice(parts(bbox, most), SHOWN + 1))
        if len(cuts) <= SHOWN:
            cut = f"cut the bbox into {len(cuts)} parts, each a run of its own: {', '.join(map(str, cuts))}"
        else:
            number = -(-expected_cells(geometry) // most)
            listed = ", ".join(map(str, cuts[:SHOWN]))
            cut = f"cut the bbox into {number} parts or more, each a run of its own: e.g. {listed}, ..."
    single = "; take one month at a time" if months > 1 else ""
    return f"To go on: {cut}{single}; or raise limits.max_cells, if the Airflow worker has memory for the plan."


def _box(polygon: Sequence[Sequence[Sequence[float]]]) -> list[float] | None:
    """Bounds of a polygon that is their whole box."""
    if len(polygon) != 1:
        return None
    lons, lats = {point[0] for point in polygon[0]}, {point[1] for point in polygon[0]}
    corners = {(point[0], point[1]) for point in polygon[0]}
    if len(lons) != 2 or len(lats) != 2 or len(corners) != 4:
        return None
    return [min(lons), min(lats), max(lons), max(lats)]


def _frame(geometry: Mapping[str, Any]) -> dict[str, Any]:
    """The box around all corners of an area."""
    return _geometry(_bounds(geometry))


def _bounds(geometry: Mapping[str, Any]) -> list[float]:
    """[west, south, east, north] of all corners."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    corners = [point for polygon in polygons for ring in polygon for point in ring]
    lons, lats = [point[0] for point in corners], [point[1] for point in corners]
    return [min(lons), min(lats), max(lons), max(lats)]


def _geometry(bbox: Sequence[float]) -> dict[str, Any]:
    """The box in GeoJSON, cut at 180 degrees."""
    west, south, east, north = bbox
    spans = [(west, east)] if west < east else [(west, 180.0), (-180.0, east)]
    rings = [[(w, south), (e, south), (e, north), (w, north), (w, south)] for w, e in spans if w < e]
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}


def _rounded(middle: float, low: float, high: float) -> float:
    """To the hundredth of a degree, where that still lies between."""
    near = round(middle, 2)
    return near if low < near < high else round(middle, 4)
