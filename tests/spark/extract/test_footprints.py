from __future__ import annotations

from typing import Any

import pytest
import shapely

from spark.footprints import footprint, sound
from tests.spark.extract.imagery import bare


def ring(*lonlat: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[*lonlat, lonlat[0]]]}


CUT = shapely.union(shapely.box(179, -17, 180, -16), shapely.box(-180, -17, -179, -16))


@pytest.mark.parametrize(
    "geometry",
    [
        ring((179, -17), (-179, -17), (-179, -16), (179, -16)),
        ring((179, -17), (181, -17), (181, -16), (179, -16)),
        ring((-181, -17), (-179, -17), (-179, -16), (-181, -16)),
        shapely.geometry.mapping(CUT),
    ],
)
def test_across_the_antimeridian(geometry: dict[str, Any]) -> None:
    assert footprint(geometry).symmetric_difference(CUT).area < 1e-9


def test_others_stay() -> None:
    area = ring((-12, 25), (-11, 25), (-11, 26), (-12, 26))
    assert footprint(area).equals(shapely.box(-12, 25, -11, 26))
    bow = ring((0, 0), (1, 1), (1, 0), (0, 1))
    assert footprint(bow).is_valid


@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"type": "Polygon", "coordinates": []},
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon", "coordinates": "x"},
    ],
)
def test_what_is_no_polygon_is_told_apart(geometry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"footprint|polygon"):
        footprint(geometry)
    good, bad = sound([bare(id="good"), bare(id="bad", footprint=geometry)])
    assert [scene.id for scene in good] == ["good"]
    assert list(bad) == ["bad"]
