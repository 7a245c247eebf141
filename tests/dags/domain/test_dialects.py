"""One acquisition in each dialect is one scene; what is not plain is a reason."""

import copy
import json
import math
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claylake.catalogue import dialects
from claylake.catalogue.scene import Scene
from claylake.catalogue.selecting import Criteria, select_scenes
from claylake.errors import SceneError
from claylake.month import Month
from claylake.vocabulary import ASSETS

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real catalogue pages is absent")
ITEMS = sorted((DATA / "stac").rglob("S2*.json")) + sorted((DATA / "stac").rglob("eodm_S2*.json"))
EXAMPLES = int(os.environ.get("CLAYLAKE_FUZZ_EXAMPLES", "75"))
"""Of items with odd values; `make fuzz` tries many more than `make test`."""
BAND = {name: names.band for name, names in dialects.NAMES.items()}


def moved(found, **keys):
    """An item whose properties have other keys; ``__`` in a name is a colon."""
    properties = found["properties"]
    for old, new in keys.items():
        value = properties.pop(old.replace("__", ":"), None)
        if value is not None and new is not None:
            properties[new] = value
    return found


def by_band(found):
    """Assets as the Planetary Computer and others call them."""
    found["assets"] = {BAND.get(key, key): asset for key, asset in found["assets"].items()}
    return found


def lower(found):
    found["assets"] = {BAND.get(key, key).lower(): asset for key, asset in found["assets"].items()}
    return found


def by_resolution(found):
    """Assets as the Copernicus Data Space calls them, coarser copies among them; its codes are on the assets."""
    code = found["properties"].pop("proj:code", None) or found["properties"].pop("proj:epsg")
    made = {}
    for key, asset in found["assets"].items():
        if key not in BAND:
            continue
        for metres in (10, 20, 60):
            if metres >= dialects.NAMES[key].metres:
                own = metres == dialects.NAMES[key].metres
                href = asset["href"] if own else f"{asset['href']}.{metres}"
                made[f"{BAND[key]}_{metres}m"] = {**asset, "href": href, "proj:code": f"EPSG:{str(code)[-5:]}"}
    found["assets"] = made
    return moved(found, s2__datatake_id="eopf:datatake_id", s2__processing_baseline="processing:version")


def by_names(found, bands="bands", names=None):
    """Assets with keys of the catalogue's own, which name their band; a copy in JPEG 2000 and one for looking at."""
    made = {"visual": {"href": "tci", bands: [{"name": "B04"}, {"name": "B03"}, {"name": "B02"}]}}
    for number, (key, asset) in enumerate((key, found["assets"][key]) for key in ASSETS):
        naming = [names(key)] if names else [{"name": BAND[key]}]
        made[f"asset{number}"] = {**asset, "type": "image/tiff", bands: naming}
        made[f"asset{number}-copy"] = {**asset, "type": "image/jp2", "href": "jp2", bands: naming}
        made[f"asset{number}-coarse"] = {**asset, "href": "coarse", "gsd": 60, bands: naming}
        made[f"asset{number}-view"] = {**asset, "href": "view", "roles": ["overview"], bands: naming}
    found["assets"] = made
    return found


def common(key):
    said = {"rededge1": "rededge071", "rededge2": "rededge075", "rededge3": "rededge078"}.get(key, key)
    return {"name": f"band {key}", "eo:common_name": said}


def numbers(properties):
    """Baseline and sequence as numbers, as some writers of JSON leave them."""
    changed = {"s2:processing_baseline": float(properties["s2:processing_baseline"])}
    if "s2:sequence" in properties:
        changed["s2:sequence"] = int(properties["s2:sequence"])
    return {**properties, **changed}


def texts(properties):
    return {**properties, "eo:cloud_cover": f" {properties['eo:cloud_cover']} "}


def coded(found, form):
    properties = found["properties"]
    code = str(properties.pop("proj:code", None) or properties.pop("proj:epsg"))[-5:]
    found["properties"] = {**properties, "proj:code": form.format(code)}
    return found


def named(found):
    """The product's name is the id, and no property names it or the datatake."""
    properties = found["properties"]
    found["id"] = properties.pop("s2:product_uri").removesuffix(".SAFE")
    properties.pop("s2:datatake_id")
    return found


DIALECTS = {
    "earth search": lambda found: found,
    "by band": by_band,
    "by band, small letters": lower,
    "by band and resolution": by_resolution,
    "by the band's name": by_names,
    "by the band's name, older": lambda found: by_names(found, "eo:bands"),
    "by common name": lambda found: by_names(found, names=common),
    "numbers": lambda found: {**found, "properties": numbers(found["properties"])},
    "texts": lambda found: {**found, "properties": texts(found["properties"])},
    "urn": lambda found: coded(found, "urn:ogc:def:crs:EPSG::{}"),
    "urn with a version": lambda found: coded(found, "urn:ogc:def:crs:EPSG:9.8.1:{}"),
    "ogc address": lambda found: coded(found, "http://www.opengis.net/def/crs/EPSG/0/{}"),
    "small letters": lambda found: coded(found, "epsg:{}"),
    "named by its product": named,
}


def whole(item):
    """The test item with all that the dialects rewrite."""
    return item(**{"s2:product_uri": "S2B_MSIL2A_20240710T100559_N0510_R022_T33TWN_20240710T134553.SAFE"})


def same(scene, other):
    return scene.model_copy(update={"id": other.id}) == other


@pytest.mark.parametrize("name", DIALECTS)
def test_an_item_in_each_dialect_is_the_same_scene(item, name):
    written = DIALECTS[name](copy.deepcopy(whole(item)))
    scene = Scene.from_item(written)
    assert same(scene, Scene.from_item(whole(item)))
    assert scene.missing_assets == ()


@real
@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("path", ITEMS, ids=lambda path: path.stem)
def test_real_items_in_each_dialect_are_the_same_scenes(path, name):
    found = json.loads(path.read_text())
    assert same(Scene.from_item(DIALECTS[name](copy.deepcopy(found))), Scene.from_item(found))


def test_an_item_with_one_asset_of_eleven_is_read_and_counted():
    """As the Copernicus Data Space writes its items, with the code of the zone on the asset."""
    square = [[[14, 44], [16, 44], [16, 46], [14, 46], [14, 44]]]
    found = {
        "type": "Feature",
        "id": "S2A_MSIL2A_20240703T101031_N0510_R022_T33TWL_20240703T142651",
        "collection": "sentinel-2-l2a",
        "geometry": {"type": "Polygon", "coordinates": square},
        "properties": {
            "datetime": "2024-07-03T10:10:31.024Z",
            "eopf:datatake_id": "GS2A_20240703T101031_047177_N05.10",
            "processing:version": "05.10",
            "eo:cloud_cover": 3.0,
        },
        "assets": {"B02_10m": {"href": "s3://bucket/B02_10m.jp2", "proj:code": "EPSG:32633"}},
    }
    scene = Scene.from_item(found)
    assert (scene.epsg, scene.baseline, scene.pass_id) == (32633, "05.10", "S2A_20240703T101031")
    assert scene.missing_assets == ASSETS[1:]
    july = Criteria(months=(Month(2024, 7),), max_scene_cloud=80.0, settled=())
    assert select_scenes([found], july).found.unusable == {"missing_asset": 1}


@pytest.mark.parametrize(
    ("given_as", "baseline"),
    [
        (5.1, "05.10"),
        (5.09, "05.09"),
        (4, "04.00"),
        ("5.10", "05.10"),
        ("5.1", "05.10"),
        ("N05.10", "05.10"),
        ("N0510", "05.10"),
        ("0214", "02.14"),
        (" 02.14 ", "02.14"),
        (None, None),
    ],
)
def test_baselines(item, given_as, baseline):
    assert Scene.from_item(item(**{"s2:processing_baseline": given_as})).baseline == baseline


def test_the_product_tells_the_baseline_and_a_software_version_does_not(item):
    given_as = {"s2:processing_baseline": None, "processing:version": "1.0.1"}
    assert Scene.from_item(item(**given_as)).baseline is None
    uri = "S2B_MSIL2A_20240710T100559_N0400_R022_T33TWN_20240710T134553.SAFE"
    assert Scene.from_item(item(**given_as, **{"s2:product_uri": uri})).baseline == "04.00"


@pytest.mark.parametrize(
    ("cover", "percent"),
    [
        (None, None),
        (math.nan, None),
        ("NaN", None),
        ("", None),
        ("12.5", 12.5),
        ("12.5 %", 12.5),
        (0, 0.0),
        (100.00000001, 100.0),
        (-1e-9, 0.0),
    ],
)
def test_cloud_cover(item, cover, percent):
    assert Scene.from_item(item(**{"eo:cloud_cover": cover})).cloud_cover == percent


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-07-10T12:06:29+02:00", datetime(2024, 7, 10, 10, 6, 29, tzinfo=UTC)),
        ("2024-07-10T10:06:29.123456789Z", datetime(2024, 7, 10, 10, 6, 29, 123456, tzinfo=UTC)),
        ("2024-07-10 10:06:29", datetime(2024, 7, 10, 10, 6, 29, tzinfo=UTC)),
        ("2024-06-30T23:59:60Z", datetime(2024, 6, 30, 23, 59, 59, tzinfo=UTC)),
        ("2024-07-01T01:59:60.5+02:00", datetime(2024, 6, 30, 23, 59, 59, 500000, tzinfo=UTC)),
    ],
)
def test_times(item, written, meant):
    assert Scene.from_item(item(datetime=written)).datetime == meant
    ranged = item(datetime=None, start_datetime=written, end_datetime=written)
    assert Scene.from_item(ranged).datetime == meant


def test_a_pass_that_begins_in_a_leap_second_stays_in_its_month(item):
    late = item(**{"datetime": "2016-12-31T23:59:60Z", "s2:datatake_id": "GS2A_20161231T235960_007555_N02.04"})
    scene = Scene.from_item(late)
    assert (scene.pass_id, str(scene.month)) == ("S2A_20161231T235960", "2016-12")


@pytest.mark.parametrize(
    ("properties", "reason", "says"),
    [
        ({"eo:cloud_cover": 101}, "malformed", "eo:cloud_cover 101 is not a percentage"),
        ({"eo:cloud_cover": -3.5}, "malformed", "-3.5 is not a percentage"),
        ({"eo:cloud_cover": math.inf}, "malformed", "inf is not a percentage"),
        ({"eo:cloud_cover": True}, "malformed", "eo:cloud_cover True is not a number"),
        ({"eo:cloud_cover": "many"}, "malformed", "eo:cloud_cover 'many' is not a number"),
        ({"eo:cloud_cover": [3]}, "malformed", "is not a number"),
        ({"s2:processing_baseline": "new"}, "malformed", "'new' is not a processing baseline: e.g. 05.10"),
        ({"s2:processing_baseline": math.inf}, "malformed", "is not a processing baseline"),
        ({"s2:sequence": 1.5}, "malformed", "1.5 is not a whole number"),
        ({"s2:sequence": True}, "malformed", "is not a number"),
        ({"datetime": "24-07-10T10:06:29Z"}, "malformed", "'24-07-10T10:06:29Z' is not a time: expected e.g. 2024"),
        ({"datetime": "0024-07-10T10:06:29Z"}, "malformed", "its datetime 24-07-10 is far from its pass, S2B_2024"),
        ({"datetime": 1720605989}, "malformed", "1720605989 is not a time"),
        ({"datetime": "0001-01-01T00:00:00+14:00"}, "malformed", "is not a time"),
        ({"datetime": None}, "no_datetime", "neither a datetime nor a start_datetime"),
        (
            {"datetime": None, "start_datetime": "2024-07-01T00:00:00Z", "end_datetime": "2024-08-01T00:00:00Z"},
            "malformed",
            "is not the time of one pass",
        ),
        ({"proj:code": "EPSG:4326"}, "no_utm", "EPSG:4326 is not a WGS 84 UTM zone"),
        ({"proj:code": "IAU:30100"}, "no_utm", "'IAU:30100' is not an EPSG code"),
        ({"proj:epsg": 32632}, "no_utm", "names 32633, 32632"),
        ({"s2:datatake_id": None}, "no_pass", "s2:datatake_id, eopf:datatake_id"),
        ({"s2:datatake_id": "GS2B_20240230T100559_0_N05.10"}, "malformed", "day"),
    ],
)
def test_what_is_not_plain_is_a_reason(item, properties, reason, says):
    with pytest.raises(SceneError) as caught:
        Scene.from_item(item(**properties))
    assert caught.value.reason == reason
    assert says in str(caught.value)


def test_a_band_that_could_be_one_of_several_is_missing(item):
    found = item()
    del found["assets"]["rededge2"]
    asset = found["assets"]["blue"]
    found["assets"] |= {
        "one": {**asset, "eo:bands": [{"name": "B06"}]},
        "two": {**asset, "eo:bands": [{"name": "B06"}]},
        "three": {**asset, "eo:bands": [{"name": "x", "common_name": "rededge"}]},
        "rededge2-jp2": {**asset, "type": "image/jp2", "eo:bands": [{"name": "B06"}]},
        "B06_60m": asset,
    }
    assert Scene.from_item(found).missing_assets == ("rededge2",)


@pytest.mark.parametrize(
    "change", [{"id": None}, {"id": ""}, {"properties": "x"}, {"properties": [1]}, {"assets": [1]}]
)
def test_items_of_another_shape_are_counted_each(item, change):
    july = Criteria(months=(Month(2024, 7),), max_scene_cloud=80.0, settled=())
    found = select_scenes([{**item("a"), **change}, {**item("b"), **change}], july).found
    assert (found.items, found.unusable) == (2, {"malformed": 2})


odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from(
        ["9999-12-31T23:59:59-14:00", "1e400", "\u0665.\u0661", "EPSG:", "GS2A_99999999T999999_", 10**5000]
    ),
)
KEYS = (
    *(
        "datetime",
        "start_datetime",
        "end_datetime",
        "updated",
        "platform",
        "s2:product_uri",
        "earthsearch:boa_offset_applied",
    ),
    *(*dialects.DATATAKE, *dialects.BASELINE, dialects.SEQUENCE, *dialects.CRS, dialects.CLOUD_COVER),
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from(KEYS), odd, max_size=4), st.dictionaries(st.sampled_from(ASSETS), odd, max_size=2)
)
def test_whatever_values_there_are_nothing_is_uncaught(item, properties, assets):
    july = Criteria(months=(Month(2024, 7),), max_scene_cloud=80.0, settled=())
    found = item(**properties)
    found["assets"] = {**found["assets"], **assets}
    assert select_scenes([found, item("other")], july).found.items == 2
