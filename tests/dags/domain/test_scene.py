import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from claylake.catalogue.scene import Scene
from claylake.errors import SceneError

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "stac"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real catalogue pages is absent")


def test_an_item_is_trimmed(item):
    scene = Scene.from_item(item())
    assert scene.pass_id == "S2B_20240710T100559"
    assert scene.pass_start == datetime(2024, 7, 10, 10, 5, 59, tzinfo=UTC)
    assert (scene.epsg, scene.cloud_cover) == (32633, 12.5)
    assert scene.datetime.tzinfo is not None
    assert str(scene.month) == "2024-07"
    assert scene.missing_assets == ()
    assert "thumbnail" not in scene.assets
    assert scene.assets["red"].transform == (10, 0, 499980, 0, -10, 5100000)
    assert scene.assets["red"].shape == (10980, 10980)
    assert Scene.model_validate_json(scene.model_dump_json()) == scene


def test_the_pass_decides_the_month(item):
    late = item(**{"datetime": "2024-08-01T00:00:07Z", "s2:datatake_id": "GS2B_20240731T235959_038371_N05.10"})
    assert str(Scene.from_item(late).month) == "2024-07"


def test_product_uri_tells_the_pass_where_the_datatake_is_missing(item):
    given = item(
        **{
            "s2:datatake_id": None,
            "s2:product_uri": "S2B_MSIL2A_20240710T100559_N0510_R022_T33TWN_20240710T134553.SAFE",
        }
    )
    assert Scene.from_item(given).pass_id == "S2B_20240710T100559"


def test_older_items_say_proj_epsg(item):
    given = item(**{"proj:code": ..., "proj:epsg": 32633, "grid:code": ...})
    assert Scene.from_item(given).epsg == 32633


def test_a_manifest_of_an_older_release_is_read(item):
    """It has fields that nothing read; any other unknown field is still refused."""
    scene = Scene.from_item(item())
    older = json.loads(scene.model_dump_json()) | {"mgrs_tile": "33TWN"}
    older["assets"]["red"]["offset"] = -0.1
    assert Scene.model_validate_json(json.dumps(older)) == scene
    with pytest.raises(ValueError, match="colour"):
        Scene.model_validate_json(json.dumps(older | {"colour": "red"}))


def test_missing_bands_are_told(item):
    given = item()
    del given["assets"]["nir08"]
    assert Scene.from_item(given).missing_assets == ("nir08",)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"geometry": None}, "no_footprint"),
        ({"properties": None}, "malformed"),
        ({"properties": []}, "malformed"),
        ({"assets": None}, "malformed"),
        ({"assets": {"red": {}}}, "malformed"),
        ({"assets": {"red": "x"}}, "malformed"),
        ({"geometry": 5}, "malformed"),
    ],
)
def test_a_broken_item_gives_a_reason(item, change, reason):
    with pytest.raises(SceneError, match="S2B_33TWN") as caught:
        Scene.from_item({**item(), **change})
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"datetime": None}, "no_datetime"),
        ({"datetime": "yesterday"}, "malformed"),
        ({"s2:datatake_id": "x"}, "no_pass"),
        ({"s2:datatake_id": "GS2B_20241310T100559_0_N05.10"}, "malformed"),
        ({"proj:code": "EPSG:4326"}, "no_utm"),
        ({"proj:code": None}, "no_utm"),
        ({"eo:cloud_cover": "cloudy"}, "malformed"),
    ],
)
def test_a_broken_property_gives_a_reason(item, properties, reason):
    with pytest.raises(SceneError) as caught:
        Scene.from_item(item(**properties))
    assert caught.value.reason == reason


@real
@pytest.mark.parametrize(
    "path", sorted(DATA.rglob("S2*.json")) + sorted(DATA.rglob("eodm_S2*.json")), ids=lambda p: p.stem
)
def test_real_items_are_scenes(path):
    found = json.loads(path.read_text())
    scene = Scene.from_item(found)
    assert scene.id == found["id"]
    assert scene.missing_assets == ()
    assert scene.datetime.date() == scene.pass_start.date()
