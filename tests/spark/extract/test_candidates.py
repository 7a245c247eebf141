from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from claylake.area.aoi import Aoi
from claylake.area.cells import cells_by_rule, cells_of
from claylake.area.new_cells import NEW
from claylake.catalogue.candidates import count_candidates, find_candidates
from claylake.catalogue.footprint import footprint
from claylake.catalogue.packed import PackedScene
from claylake.catalogue.scene import Asset
from claylake.errors import FootprintError
from spark.extraction.candidates import join_candidates
from tests.shared import all_zones
from tests.spark.extract.imagery import Sheet, bare
from tests.spark.extract.imagery import footprint as outline

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claylake.catalogue.scene import Scene

pytestmark = pytest.mark.slow


def pairs(cells, scenes) -> set[tuple[str, str]]:
    """By every cell against every scene."""
    return {
        (scene.id, row["cell_id"])
        for scene in scenes
        for row in cells.to_pylist()
        if row["epsg"] == scene.epsg and shapely.from_wkb(row["geometry"]).intersects(footprint(scene.footprint))
    }


@pytest.mark.parametrize("number", [1, 3])
def test_cells_meet_the_footprints_of_their_zone(spark: SparkSession, number: int) -> None:
    cells = cells_of(Aoi.from_bbox([-10.05, 31.0, -9.95, 31.1]))
    scenes = [
        bare(id="whole"),
        bare(id="part", footprint=outline(Sheet(side=3000))),
        bare(id="other zone", epsg=32628),
    ][:number]
    found = join_candidates(spark, cells, scenes)
    rows = found.collect()
    assert {(row["scene_id"], row["cell_id"]) for row in rows} == pairs(cells, scenes)
    assert len(rows) == len(pairs(cells, scenes)) > 0
    printed = io.StringIO()
    with redirect_stdout(printed):
        found.explain()
    assert "BroadcastIndexJoin" in printed.getvalue() or "RangeJoin" in printed.getvalue()


def test_across_the_antimeridian(spark: SparkSession) -> None:
    cells = cells_of(Aoi.from_bbox([179.97, -16.53, -179.97, -16.47]))
    ring = [[179.9, -16.6], [-179.9, -16.6], [-179.9, -16.4], [179.9, -16.4], [179.9, -16.6]]
    scenes = [
        bare(id=str(epsg), epsg=epsg, footprint={"type": "Polygon", "coordinates": [ring]}) for epsg in (32701, 32760)
    ]
    rows = join_candidates(spark, cells, scenes).collect()
    assert {row["cell_id"] for row in rows} == set(cells["cell_id"].to_pylist())
    assert len(rows) == len(cells)


def test_the_same_pairs_as_a_plan_counts_in_every_zone(spark: SparkSession) -> None:
    cells = all_zones.cells_at_borders()
    scenes, shown = all_zones.scenes_over(cells)
    found = {(row["cell_id"], row["scene_id"]) for row in join_candidates(spark, cells, scenes).collect()}
    assert found == shown
    packed = [PackedScene.of(scene) for scene in scenes]
    ids = cells["cell_id"].to_pylist()
    counted = [pair for part in find_candidates(cells, packed) for pair in zip(*part, strict=True)]
    assert found == {(ids[cell], scenes[place].id) for cell, place in counted}
    pass_of = {scene.id: scene.pass_id for scene in scenes}
    assert count_candidates(cells, packed, None).pairs == len({(cell_id, pass_of[name]) for cell_id, name in found})


def test_a_scene_settled_by_another_rule_meets_only_new_cells(spark: SparkSession) -> None:
    cells = cells_by_rule(Aoi.from_bbox([5.9, 45.0, 6.1, 45.1])).by(2)
    ring = [[5.8, 44.9], [6.2, 44.9], [6.2, 45.2], [5.8, 45.2], [5.8, 44.9]]
    area = {"type": "Polygon", "coordinates": [ring]}
    scenes = [
        bare(id=f"{epsg} {settled}", epsg=epsg, footprint=area, only_new_cells=settled)
        for epsg in (32631, 32632)
        for settled in (False, True)
    ]
    found = {(row["scene_id"], row["cell_id"]) for row in join_candidates(spark, cells, scenes).collect()}
    new = set(cells["cell_id"].filter(cells[NEW]).to_pylist())
    assert 0 < len(new) < len(cells)
    assert found == {
        (scene.id, row["cell_id"])
        for scene in scenes
        for row in cells.to_pylist()
        if row["epsg"] == scene.epsg and (row["cell_id"] in new or not scene.only_new_cells)
    }
    planned = find_candidates(cells, [PackedScene.of(each) for each in scenes])
    ids = cells["cell_id"].to_pylist()
    assert found == {
        (scenes[place].id, ids[cell]) for part in planned for cell, place in zip(*map(list, part), strict=True)
    }


def test_a_settled_half_meets_only_cells_of_one_that_is_not(spark: SparkSession) -> None:
    cells = cells_by_rule(Aoi.from_bbox([5.9, 45.0, 6.1, 45.1])).by(2)

    def half(name: str, west: float, east: float, **fields: Any) -> Scene:
        ring = [[west, 44.9], [east, 44.9], [east, 45.2], [west, 45.2], [west, 44.9]]
        area = {"type": "Polygon", "coordinates": [ring]}
        return bare(id=name, epsg=32631, footprint=area, **fields, assets={"scl": Asset(href="x", **raster)})

    raster = {"transform": (20.0, 0.0, 0.0, 0.0, -20.0, 0.0), "shape": (9, 9)}
    late, done = half("late", 5.8, 6.02), half("done", 5.94, 6.2, settled=True)
    other_pass = half("other", 5.8, 6.2, settled=True, pass_id="S2B_20200224T112109")
    old = half("old", 5.8, 6.2, only_new_cells=True)
    rows = {row["cell_id"]: row for row in cells.to_pylist()}
    new = set(cells["cell_id"].filter(cells[NEW]).to_pylist())

    def meets(scene: Scene) -> set[str]:
        return {cell_id for _, cell_id in pairs(cells, [scene])}

    def joined(*scenes: Scene) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {scene.id: set() for scene in scenes}
        for row in join_candidates(spark, cells, scenes).collect():
            assert row["cell_id"] not in found[row["scene_id"]], "once"
            found[row["scene_id"]].add(row["cell_id"])
        counted = count_candidates(cells, [PackedScene.of(scene) for scene in scenes], None).pairs
        assert counted == len(set().union(*(found[scene.id] for scene in scenes)))
        return found

    assert 0 < len(new & meets(late)) < len(meets(late)) < len(rows)
    assert 0 < len(meets(done) & meets(late)) < len(meets(done))
    assert joined(late, done, other_pass) == {"late": meets(late), "done": meets(done) & meets(late), "other": set()}
    assert joined(done, other_pass) == {"done": set(), "other": set()}
    assert joined(old, done) == {"old": new & meets(old), "done": new & meets(old) & meets(done)}
    assert joined(old, late) == {"old": meets(old) & (new | meets(late)), "late": meets(late)}


def test_a_scene_without_a_footprint_is_named(spark: SparkSession) -> None:
    cells = cells_of(Aoi.from_bbox([-10.05, 31.0, -9.95, 31.1]))
    with pytest.raises(FootprintError, match="scene broken: its geometry"):
        join_candidates(spark, cells, [bare(id="broken", footprint={"type": "Point", "coordinates": [0, 0]})])
