"""Cells and scenes of every UTM zone, in both hemispheres, and who shows what: counted in whole metres, without lon/lat."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely
from pyproj import Transformer
from shapely.affinity import translate
from shapely.geometry import mapping

from claylake.area.aoi import Aoi
from claylake.area.cells import cells_of
from claylake.catalogue.scene import Scene
from claylake.vocabulary import CELL_M

if TYPE_CHECKING:
    from collections.abc import Iterable

ZONES = range(1, 61)
LATITUDES = (83.93, 76.0, 62.0, 35.0, 0.01, -0.01, -35.0, -79.93)
"""Both ends of UTM, both sides of the equator, Svalbard, Norway and an ordinary place of each hemisphere."""
SIDE = 9
"""Cells along a scene's side."""
WORLD = shapely.box(-180, -90, 180, 90)


def aoi_around(lon: float, lat: float, metres: float = 9_000.0) -> Aoi:
    """A box of about `metres` a side around a place, across 180 degrees if need be."""
    half = metres / 2 / 111_000
    across = half / math.cos(math.radians(lat))
    west, east = lon - across, lon + across
    south, north = max(lat - half, -80.0), min(lat + half, 84.0)
    return Aoi.from_bbox([west + 360 * (west < -180), south, east - 360 * (east > 180), north])


def cells_around(places: Iterable[tuple[float, float]]) -> pa.Table:
    """The cells of boxes around places (lon, lat), each once."""
    table = pa.concat_tables([cells_of(aoi_around(lon, lat)) for lon, lat in places])
    _, first = np.unique(table["cell_id"].to_numpy(zero_copy_only=False), return_index=True)
    return table.take(pa.array(first))


def writings(epsg: int, corners: list[tuple[float, float]]) -> dict[str, dict[str, Any]]:
    """All ways in which catalogues write the footprint of a square (metres of `epsg`), by name."""
    lon, lat = np.array(Transformer.from_crs(epsg, 4326, always_xy=True).transform(*zip(*corners, strict=True)))
    rolled = np.where(lon.max() - lon.min() > 180, np.where(lon < 0, lon + 360, lon), lon)
    whole = shapely.Polygon(np.column_stack([rolled, lat]))
    inside = [shapely.intersection(translate(whole, turn), WORLD) for turn in (-360.0, 0.0, 360.0)]
    cut = shapely.union_all([part for part in inside if part.area > 0])
    deep = shapely.force_3d(cut, 12.5)
    return {
        "cut": mapping(cut),
        "multipolygon": mapping(shapely.multipolygons(shapely.get_parts(cut))),
        "with z": mapping(deep),
        "ring around the globe": mapping(shapely.Polygon(np.column_stack([lon, lat]))),
        "past +180": mapping(whole),
        "past -180": mapping(translate(whole, -360.0)) if rolled.max() > 180 else mapping(whole),
        "clockwise, with z": mapping(shapely.reverse(shapely.force_3d(whole, 0.0))),
    }


def scene(name: str, epsg: int, footprint: dict[str, Any], day: int = 1) -> Scene:
    """A scene without files."""
    return Scene(
        id=name,
        collection="sentinel-2-l2a",
        pass_id=f"S2A_202407{day:02d}T100000",
        datetime="2024-07-01T00:00:00Z",
        updated=None,
        platform="",
        epsg=epsg,
        baseline=None,
        cloud_cover=0.0,
        boa_offset_applied=None,
        sequence=None,
        footprint=footprint,
        assets={},
    )


def scenes_over(cells: pa.Table) -> tuple[list[Scene], set[tuple[str, str]]]:
    """Scenes over parts of each zone's cells, in all writings; and the (cell id, scene id) that each shows.

    A scene's edges run through the middle of cells, so that straight lines in lon/lat and in metres, which part by some
    metres, agree on which cells it meets. Each is there once more as a scene of another zone, which shows none of them.
    """
    columns = {name: cells[name].to_numpy(zero_copy_only=False) for name in ("cell_id", "epsg", "col", "row", "lat")}
    groups = np.column_stack([columns["epsg"], np.round(columns["lat"]).astype(np.int64)])
    scenes, shown = [], set()
    for number, (epsg, lat) in enumerate(np.unique(groups, axis=0)):
        here = (groups == (epsg, lat)).all(axis=1)
        col, row = int(np.median(columns["col"][here])), int(columns["row"][here].min()) - SIDE // 2
        west, south = (col + 0.5) * CELL_M, (row + 0.5) * CELL_M
        east, north = west + SIDE * CELL_M, south + SIDE * CELL_M
        met = (
            (columns["epsg"] == epsg)
            & (col <= columns["col"])
            & (columns["col"] <= col + SIDE)
            & (row <= columns["row"])
            & (columns["row"] <= row + SIDE)
        )
        corners = [(west, south), (east, south), (east, north), (west, north)]
        for day, (writing, geometry) in enumerate(writings(int(epsg), corners).items(), start=1):
            name = f"{number}: {epsg} at {lat}, {writing}"
            scenes.append(scene(name, int(epsg), geometry, day))
            shown |= {(cell_id, name) for cell_id in columns["cell_id"][met]}
        other = int(epsg) // 100 * 100 + (int(epsg) % 100 + 29) % 60 + 1
        scenes.append(scene(f"{number}: {epsg} at {lat}, as if of {other}", other, geometry, 28))
    return scenes, shown


def cells_at_borders(zones: Iterable[int] = ZONES) -> pa.Table:
    """Cells at the western borders of zones, at all `LATITUDES`. Zone 1's is at 180 degrees, with zone 60 beyond it."""
    return cells_around((-180.0 + 6 * (zone - 1), lat) for zone in zones for lat in LATITUDES)
