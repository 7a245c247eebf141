"""Places by pyproj alone agree with the product's cells everywhere, and a wrong one is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from claylake.area.cells import _table
from claylake.area.grid import lonlat_to_grid
from infra.verify.place import misplaced


def chip(epsg: int, col: int, row: int, **changes: Any) -> dict[str, Any]:
    (cell,) = _table(epsg, np.array([col]), np.array([row]), lonlat_to_grid(epsg)).to_pylist()
    return cell | {"pass": "P", "id": f"{cell['cell_id']}_P", "geotiff": picture(epsg, col, row)} | changes


def picture(epsg: int, col: int, row: int) -> bytes:
    place = {"crs": f"EPSG:{epsg}", "transform": Affine(10, 0, col * 2560, 0, -10, (row + 1) * 2560)}
    with MemoryFile() as memory:
        with memory.open(driver="GTiff", width=256, height=256, count=3, dtype="uint8", **place) as file:
            file.write(np.zeros((3, 256, 256), np.uint8))
        return bytes(memory.getbuffer())


ANYWHERE = [
    (32629, 156, 1342),
    (32733, 190, 3500),
    (32701, 71, 3124),  # across 180 degrees
    (32660, 265, 2500),  # across 180 degrees, in the north
    (32632, 275, 3470),  # 80 degrees north
    (32719, 200, 100),  # far south
]


@pytest.mark.parametrize(("epsg", "col", "row"), ANYWHERE)
def test_the_products_cells_are_in_their_place(epsg: int, col: int, row: int) -> None:
    assert list(misplaced(chip(epsg, col, row))) == []


@pytest.mark.parametrize(("epsg", "col", "row"), ANYWHERE)
@pytest.mark.parametrize("field", ["geometry", "xmin", "ymin", "xmax", "ymax", "geohash", "geotiff", "cell_id"])
def test_a_neighbours_place_is_found(epsg: int, col: int, row: int, field: str) -> None:
    spoilt = chip(epsg, col, row, **{field: chip(epsg, col + 1, row + 1)[field]})
    (said, *_) = misplaced(spoilt)
    assert field in said


def test_a_geometry_that_only_nearly_fits_is_found() -> None:
    good = chip(*ANYWHERE[0])
    outline = shapely.from_wkb(good["geometry"])
    moved = shapely.transform(outline, lambda points: points + np.array([2e-6, 0]))
    assert "corner is 0.19 m off" in next(misplaced(good | {"geometry": shapely.to_wkb(moved)}))
    longer = shapely.union(outline, shapely.box(*outline.bounds))
    assert "geometry" in next(misplaced(good | {"geometry": shapely.to_wkb(longer)}))
    assert "no WKB" in next(misplaced(good | {"geometry": b"?"}))
    assert "cannot be opened" in next(misplaced(good | {"geotiff": b"?"}))


def test_some_of_these_places_are_cut_by_180_degrees() -> None:
    cut = [shapely.from_wkb(chip(*place)["geometry"]).geom_type == "MultiPolygon" for place in ANYWHERE]
    assert sum(cut) == 2
