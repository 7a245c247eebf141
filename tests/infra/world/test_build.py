import hashlib
import json
from pathlib import Path

import pytest

from infra.world.arguments import MONTHS
from infra.world.build import aoi_feature, build
from infra.world.errors import WorldError
from infra.world.imaging.passes import passes_of
from infra.world.imaging.roles import PATTERNS
from infra.world.place import PLACES
from tests.infra.world.reading import asset_path, items, read

COMMITTED_AOI = Path(__file__).parents[3] / "dags" / "aois" / "demo.geojson"


def digest(world):
    whole = hashlib.sha256()
    for item in items(world):
        for name in sorted(item["assets"]):
            whole.update(read(world, item, name).tobytes())
    return whole.hexdigest()


@pytest.mark.slow
def test_a_seed_gives_the_same_pixels_whatever_the_order(tmp_path):
    build(tmp_path / "a", months=["2024-08", "2024-09"], size="tiny", workers=2)
    build(tmp_path / "b", months=["2024-09"], size="tiny", workers=1)
    build(tmp_path / "b", months=["2024-08"], size="tiny", workers=1)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert [i["properties"] for i in items(tmp_path / "a")] == [i["properties"] for i in items(tmp_path / "b")]


@pytest.mark.slow
def test_another_seed_gives_another_world_and_replaces_the_items(tmp_path):
    build(tmp_path, months=["2024-09"], size="tiny")
    first = digest(tmp_path)
    build(tmp_path, months=["2024-08"], size="tiny", seed=8)
    world = build(tmp_path, months=["2024-09"], size="tiny", seed=8)
    assert world["months"] == ["2024-08", "2024-09"]
    assert digest(tmp_path) != first


def test_what_is_there_is_not_painted_again(tmp_path):
    build(tmp_path, months=["2024-09"], size="tiny")
    tiffs = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tif")}
    reports = []
    build(tmp_path, months=["2024-09"], size="tiny", progress=lambda *news: reports.append(news))
    assert not reports
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tif")} == tiffs


@pytest.mark.slow
def test_a_scene_without_its_item_is_painted_again(tmp_path):
    build(tmp_path, months=["2024-09"], size="tiny")
    first = digest(tmp_path)
    victim = items(tmp_path)[0]
    asset_path(tmp_path, victim, "red").unlink()
    (tmp_path / "items" / f"{victim['id']}.json").unlink()
    (tmp_path / victim["collection"] / f"{victim['id']}.partial").mkdir()
    build(tmp_path, months=["2024-09"], size="tiny")
    assert digest(tmp_path) == first
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("month", ["2024-13", "July", "2024-07-01"])
def test_what_is_no_month_is_refused(tmp_path, month):
    with pytest.raises(WorldError, match="yyyy-mm"):
        build(tmp_path, months=[month], size="tiny")


def test_an_unknown_size_is_refused(tmp_path):
    with pytest.raises(WorldError, match="demo, tiny"):
        build(tmp_path, size="huge")


def test_months_outside_the_default_have_passes():
    for month in ("2023-12", "2024-02", "2025-06"):
        assert len(passes_of(month, "demo")) >= 3


def test_the_demo_months_hold_every_role():
    roles = [p.role for month in MONTHS for p in passes_of(month, "demo")]
    assert len(roles) == sum(len(pattern) for pattern in PATTERNS["demo"])
    assert {r.collections for r in roles} >= {("sentinel-2-l2a",), ("sentinel-2-c1-l2a",)}
    assert any(len(r.collections) == 2 and r.lone is None for r in roles)
    assert any(r.lone for r in roles)
    assert any(r.edge for r in roles)
    assert any(r.snow for r in roles)
    assert any(r.late_days for r in roles)
    assert any(r.dialect == "old" for r in roles)


def test_the_committed_aoi_is_the_demo_worlds():
    assert json.loads(COMMITTED_AOI.read_text()) == aoi_feature(PLACES["demo"])
