import json
from datetime import UTC, datetime

import jsonschema
import pytest

from claylake.area.aoi import Aoi
from claylake.configuration.settings import Settings, assemble
from claylake.errors import BadInputError
from claylake.request.form import ADHOC, AOI_DAG, SHARED
from claylake.request.params import resolve

BBOX = [15, 45, 15.1, 45.1]
TOWN = Aoi.from_bbox(BBOX).model_copy(update={"name": "town", "overrides": {"limits": {"budget_usd": 7}}})
JULY = datetime(2024, 7, 1, tzinfo=UTC)

every = pytest.mark.parametrize(("name", "spec"), [*ADHOC.items(), ("month", AOI_DAG["month"])])


def adhoc(**params):
    return resolve(params, aois={"town": TOWN}, aoi=None, run_type="manual", interval_start=None)


def monthly(run_type="scheduled", start=JULY, **params):
    return resolve(params, aois={}, aoi=TOWN, run_type=run_type, interval_start=start)


@every
def test_every_field_explains_itself(name, spec):
    jsonschema.Draft202012Validator.check_schema(dict(spec.schema))
    assert spec.title
    assert spec.description.endswith(".") or spec.description.endswith(").")
    assert spec.section
    assert json.loads(json.dumps(spec.arguments())) == spec.arguments()


@every
def test_defaults_are_valid(name, spec):
    if spec.required:
        assert "default" not in spec.arguments()
        assert "null" not in spec.schema["type"]
    else:
        jsonschema.validate(spec.default, dict(spec.schema))


@every
def test_the_first_type_chooses_a_widget(name, spec):
    kind = spec.schema["type"]
    assert (kind if isinstance(kind, str) else kind[0]) != "null"


def test_every_setting_of_the_form_exists():
    for spec in SHARED.values():
        section, key = spec.setting
        assert key in type(getattr(Settings(), section)).model_fields


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gpu_count", "built in: 1"),
        ("layout", "built in: all_gpu"),
        ("keep_cluster_minutes", "built in: 0"),
        ("spot", "built in: yes"),
        ("passes_per_month", "built in: all"),
    ],
)
def test_built_in_values_are_told(name, text):
    assert text in SHARED[name].description


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("max_scene_cloud", [0, 100, 33.3], [-1, 101, "10"]),
        ("min_clear_frac", [0, 0.5, 1], [1.1, -0.1]),
        ("passes_per_month", [0, 4], [-1, 1.5, 32]),
        ("on_reprocessed", ["keep", "replace"], ["yes", True, ""]),
        ("collections", [["sentinel-2-l2a"]], [[], ["landsat"], ["sentinel-2-l2a"] * 2]),
        ("budget_usd", [0.5], [0, -1]),
        ("dry_run", [True, False], ["yes", 1]),
        ("gpu_count", [1, 64], [0, 65]),
        ("cpu_count", [1, 64], [0, 65]),
        ("layout", ["all_gpu", "split", "cpu", None], ["gpu", 1]),
        ("compute", ["auto", "fixed", None], [True, "cpu"]),
        ("spot", [True, False, "yes", "no"], ["maybe"]),
        ("model", ["clay-v1.5"], ["../x", "", "a b", "{{ x }}"]),
        ("convention", ["training"], ["mine"]),
        ("bbox", [BBOX], [[1, 2, 3], "1,2,3,4"]),
        ("months", ["2024-07", "2024-07/2024-09"], ["2024", "2024-7", None, "2024-07/", "1999-01"]),
        ("aoi_geojson", [TOWN.geometry], ["x", []]),
    ],
)
def test_ranges(name, good, bad):
    schema = dict(ADHOC[name].schema)
    for value in good:
        jsonschema.validate(value, schema)
    for value in bad:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(value, schema)


def test_an_untouched_form_changes_nothing():
    untouched = {name: spec.default for name, spec in AOI_DAG.items()}
    request = monthly(**untouched)
    assert request.overrides == {}
    assert assemble({"params": request.overrides}) == Settings()


def test_every_param_reaches_its_setting():
    given = {
        "max_scene_cloud": 10,
        "min_clear_frac": 0.9,
        "max_nodata_frac": 0.1,
        "passes_per_month": 2,
        "collections": ["sentinel-2-l2a"],
        "radiometry": {"S2B_33TWN_20220226_0_L2A": "minus_1000"},
        "on_reprocessed": "replace",
        "budget_usd": 3,
        "max_failed_frac": 0.1,
        "min_usable_frac": 0.25,
        "max_cells": 500,
        "dry_run": True,
        "layout": "split",
        "compute": "auto",
        "gpu_count": 3,
        "cpu_count": 2,
        "spot": False,
        "keep_cluster_minutes": 5,
        "model": "demo",
        "convention": "blank",
    }
    assert set(given) == set(SHARED)
    settings = assemble({"params": adhoc(bbox=BBOX, months="2024-07", **given).overrides})
    for name, value in given.items():
        section, key = SHARED[name].setting
        found = getattr(getattr(settings, section), key)
        assert (list(found) if isinstance(found, tuple) else found) == value


@pytest.mark.parametrize(("given", "meant"), [("yes", True), ("no", False), (True, True), (False, False)])
def test_spot_takes_words_and_booleans(given, meant):
    assert monthly(spot=given).overrides == {"cluster": {"spot": meant}}


def test_zero_passes_means_all():
    assert monthly(passes_per_month=0).overrides == {"selection": {"passes_per_month": None}}
    aoi = {"selection": {"passes_per_month": 4}}
    assert assemble({"aoi": aoi, "params": monthly(passes_per_month=0).overrides}).selection.passes_per_month is None
    assert assemble({"aoi": aoi, "params": monthly().overrides}).selection.passes_per_month == 4


@pytest.mark.parametrize("params", [{"budget": 5}, {"budget_us": 5, "month": None}, {"months": "2024-07"}])
def test_unknown_params_are_refused_with_what_is_allowed(params):
    with pytest.raises(BadInputError, match=r"unknown param .*allowed are month, max_scene_cloud"):
        monthly(**params)


def test_a_near_miss_is_named():
    with pytest.raises(BadInputError, match="did you mean budget_usd"):
        monthly(budget_us=5)


def test_a_scheduled_run_takes_its_interval():
    assert [str(month) for month in monthly().months] == ["2024-07"]
    assert monthly().aoi is TOWN


@pytest.mark.parametrize("run_type", ["scheduled", "backfill"])
def test_month_is_refused_where_the_interval_tells(run_type):
    with pytest.raises(BadInputError, match=f"a {run_type} run takes its data interval"):
        monthly(run_type, month="2024-06")


def test_a_manual_run_takes_month_else_its_interval():
    assert str(monthly("manual", None, month="2024-06").months[0]) == "2024-06"
    assert str(monthly("manual", JULY, month="2024-06").months[0]) == "2024-06"
    assert str(monthly("manual", JULY).months[0]) == "2024-07"
    with pytest.raises(BadInputError, match=r"trigger it again with param month, e\.g\. 2024-07"):
        monthly("manual", None)


@pytest.mark.parametrize("month", ["2024-06/2024-07", "June", 202406])
def test_month_is_one_month(month):
    with pytest.raises(BadInputError, match="2024-07"):
        monthly("manual", month=month)


def test_an_area_by_name_geojson_or_bbox():
    assert adhoc(aoi="town", months="2024-07").aoi is TOWN
    assert adhoc(bbox=BBOX, months="2024-07").aoi.geometry == TOWN.geometry
    assert adhoc(bbox=BBOX, aoi="", aoi_geojson=[], months="2024-07").aoi.geometry == TOWN.geometry
    feature = {"type": "Feature", "geometry": TOWN.geometry, "properties": {"fid": 3, "deployed": {"region": "x"}}}
    pasted = adhoc(aoi_geojson=feature, months="2024-07").aoi
    assert pasted.geometry == TOWN.geometry
    assert pasted.overrides == {}
    assert pasted.name.startswith("geojson-")


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({}, "none is given; give exactly one of aoi, aoi_geojson, bbox"),
        ({"aoi": "", "aoi_geojson": [], "bbox": []}, "none is given; give exactly one of aoi, aoi_geojson, bbox"),
        ({"aoi": "town", "bbox": BBOX}, "given are aoi, bbox; give exactly one"),
        ({"aoi": "twon"}, "param aoi: no AOI file is called 'twon'; there are town"),
        ({"aoi": ["town"]}, "param aoi: .*write it as text"),
        ({"bbox": [1, 2, 3]}, "param bbox: .*give four numbers"),
        ({"bbox": 5}, r"param bbox: 5 is not a list: give \[west"),
        ({"aoi_geojson": {"type": "Point"}}, "param aoi_geojson: geometry type 'Point'"),
    ],
)
def test_a_bad_area_says_what_to_give(params, says):
    with pytest.raises(BadInputError, match=says):
        adhoc(months="2024-07", **params)


@pytest.mark.parametrize("months", [None, "", "2024", "2024-09/2024-07", 5])
def test_adhoc_months_are_required(months):
    with pytest.raises(BadInputError, match=r"months?.*(yyyy-mm|2024-07)"):
        adhoc(bbox=BBOX, months=months)


@pytest.mark.parametrize("months", ["2015-05", "2015-01/2015-07"])
def test_months_before_sentinel_2_are_refused(months):
    with pytest.raises(BadInputError, match="lies before Sentinel-2, whose first scenes are of 2015-06"):
        adhoc(bbox=BBOX, months=months)
    with pytest.raises(BadInputError, match="lies before Sentinel-2"):
        monthly("manual", month=months[:7])
    with pytest.raises(BadInputError, match="lies before Sentinel-2"):
        monthly("backfill", datetime(2015, 5, 1, tzinfo=UTC))


def test_adhoc_takes_several_months():
    assert [str(month) for month in adhoc(bbox=BBOX, months="2024-11/2025-01").months] == [
        "2024-11",
        "2024-12",
        "2025-01",
    ]
