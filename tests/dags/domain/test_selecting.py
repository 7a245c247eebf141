import json
import logging
import tracemalloc
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claylake.catalogue.footprint import footprint
from claylake.catalogue.packed import PackedScene
from claylake.catalogue.scene import Scene
from claylake.catalogue.selecting import Criteria, select_scenes
from claylake.errors import FootprintError, SceneError
from claylake.month import Month

JULY = (Month(2024, 7),)
AREA = shapely.box(14.0, 44.0, 15.0, 45.5)


def criteria(**changes):
    return Criteria(**{"months": JULY, "max_scene_cloud": 80.0, "settled": set(), **changes})


def scenes_of(selected):
    return [Scene.model_validate_json(scene.line) for scene in selected.scenes]


def test_the_version_updated_last_is_taken(item):
    old, new = item("a", updated="2024-07-11T00:00:00Z"), item("a", updated="2024-07-11T00:00:00.5+00:00")
    unknown, other = item("a", updated=None), {**item("a"), "collection": "sentinel-2-c1-l2a"}
    found = select_scenes([old, other, new, unknown], criteria())
    assert scenes_of(found) == [Scene.from_item(other), Scene.from_item(new)]
    assert found.found.items == 2


def test_a_later_version_takes_back_what_an_earlier_one_counted(item, caplog):
    caplog.set_level(logging.WARNING)
    broken, mended = item("a", **{"proj:code": None}), item("a", updated="2024-08-01T00:00:00Z")
    found = select_scenes([broken, mended], criteria()).found
    assert (found.items, found.kept, found.unusable) == (1, 1, {})
    assert caplog.text == ""
    worse = item("a", updated="2024-08-02T00:00:00Z", **{"eo:cloud_cover": 99.0})
    found = select_scenes([mended, worse, broken], criteria()).found
    assert (found.items, found.kept, found.too_cloudy) == (1, 0, 1)


def test_items_are_counted_whatever_they_are(item, caplog):
    unknown = item("unknown", **{"eo:cloud_cover": None})
    point = {**item("point"), "geometry": {"type": "Point", "coordinates": [15, 45]}}
    no_pass = item("no_pass", **{"s2:datatake_id": None})
    found = select_scenes([unknown, point, no_pass, {"id": "x"}], criteria(max_scene_cloud=10.0))
    assert [scene.id for scene in found.scenes] == ["unknown"]
    assert found.found.unusable == {"bad_footprint": 1, "malformed": 1, "no_pass": 1}
    assert found.found.items == 4 == found.found.kept + sum(found.found.unusable.values())
    assert "left out: scene point: its geometry" in caplog.text


def test_a_scene_at_the_cloud_limit_is_kept(item):
    assert select_scenes([item("a", **{"eo:cloud_cover": 80.0})], criteria()).found.kept == 1


@pytest.mark.parametrize(
    ("acquired", "kept"),
    [
        ("2024-06-30T23:00:00Z", 1),
        ("2024-08-01T01:00:00Z", 1),
        ("2024-06-30T22:59:59Z", 0),
        ("2024-08-01T01:00:01Z", 0),
    ],
)
def test_a_scene_lies_within_an_hour_of_the_months_of_its_pass(item, acquired, kept, caplog):
    found = select_scenes([item("a", datetime=None, start_datetime=acquired)], criteria()).found
    assert (found.kept, found.unusable) == (kept, {} if kept else {"malformed": 1})
    assert ("is outside the months of its pass" in caplog.text) == (not kept)


def test_a_packed_scene_is_the_scene(item):
    scene = Scene.from_item(item("a"))
    packed = PackedScene.of(scene)
    assert Scene.model_validate_json(packed.line) == scene
    assert shapely.from_wkb(packed.footprint).equals(footprint(scene.footprint))
    assert (packed.id, packed.pass_id, packed.epsg, packed.cloud_cover) == (
        scene.id,
        scene.pass_id,
        scene.epsg,
        scene.cloud_cover,
    )


def with_everything_in_memory(items, asked):
    """The same rules over a list of all raw items: the newest of each, those in the area, each by its reason."""

    def moment(item):
        try:
            found = datetime.fromisoformat(str((item.get("properties") or {}).get("updated")))
        except ValueError:
            return datetime.min.replace(tzinfo=UTC)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def touches(item):
        try:
            return asked.area is None or asked.area.intersects(footprint(item.get("geometry") or {}))
        except FootprintError:
            return True

    newest = {}
    for item in items:
        key = (str(item.get("collection", "")), str(item.get("id", "")))
        if key not in newest or moment(item) > moment(newest[key]):
            newest[key] = item
    counts, unusable, kept, done = Counter(), Counter(), [], []
    for item in filter(touches, [newest[key] for key in sorted(newest)]):
        counts["items"] += 1
        try:
            scene = Scene.from_item(item)
            footprint(scene.footprint)
        except SceneError as error:
            unusable[error.reason] += 1
        except FootprintError:
            unusable["bad_footprint"] += 1
        else:
            if scene.month not in asked.months:
                counts["other_month"] += 1
            elif scene.cloud_cover is not None and scene.cloud_cover > asked.max_scene_cloud:
                counts["too_cloudy"] += 1
            elif (scene.id, scene.updated) in asked.settled:
                done.append(scene)
            else:
                kept.append(scene)
    halves = [each for each in done if any(same_tile_date(each, scene) for scene in kept)]
    counts["settled"] = len(done) - len(halves)
    kept += [each.model_copy(update={"settled": True}) for each in halves]
    kept.sort(key=lambda scene: (scene.pass_id, scene.id))
    return kept, {**counts, "kept": len(kept), "unusable": dict(unusable)}


def same_tile_date(one, other):
    """By the item's properties; the fixture's items are all of one tile."""
    same = ("pass_id", "epsg", "collection", "baseline")
    return one.baseline is not None and all(getattr(one, name) == getattr(other, name) for name in same)


def square(west, south):
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [west + 1, south], [west + 1, south + 1], [west, south]]],
    }


versions = st.fixed_dictionaries(
    {
        "id": st.sampled_from("abcd"),
        "collection": st.sampled_from(["sentinel-2-l2a", "sentinel-2-c1-l2a", ...]),
        "updated": st.sampled_from(
            [
                None,
                "no date",
                "2024-07-11T00:00:00Z",
                "2024-07-11T02:00:00+02:00",
                "2024-07-12",
                "2024-07-13T00:00:00.1Z",
            ]
        ),
        "cloud": st.sampled_from([None, 0.0, 80.0, 80.1, "many"]),
        "day": st.sampled_from(["20240630T235959", "20240701T000000", "20240710T100559", None]),
        "code": st.sampled_from(["EPSG:32633", None]),
        "geometry": st.sampled_from(
            [
                None,
                {},
                {"type": "Polygon"},
                {"type": "Point", "coordinates": [14, 44]},
                square(14, 44),
                square(60, 10),
                "x",
            ]
        ),
        "properties": st.sampled_from([True, True, True, None]),
    }
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(versions, max_size=12),
    st.booleans(),
    st.sets(st.tuples(st.sampled_from("abcd"), st.sampled_from([None, "no date", "2024-07-12"]))),
)
def test_one_pass_finds_what_all_items_in_memory_do(item, given_versions, bounded, settled):
    items = []
    for version in given_versions:
        take = None if version["day"] is None else f"GS2A_{version['day']}_038371_N05.10"
        made = item(
            version["id"],
            **{
                "updated": version["updated"],
                "eo:cloud_cover": version["cloud"],
                "s2:datatake_id": take,
                "proj:code": version["code"],
            },
        )
        made = {**made, "collection": version["collection"], "geometry": version["geometry"]}
        made["properties"] = made["properties"] if version["properties"] else None
        items.append({key: value for key, value in made.items() if value is not ...})
    asked = criteria(settled=settled, area=AREA if bounded else None)
    kept, counts = with_everything_in_memory(items, asked)
    found = select_scenes(iter(items), asked)
    assert scenes_of(found) == kept
    assert found.found.model_dump(exclude_defaults=True) == {name: count for name, count in counts.items() if count}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(6)))
def test_the_order_of_items_does_not_matter(item, order):
    items = [
        item("b"),
        item("a"),
        item("c", **{"s2:datatake_id": "GS2A_20240701T100559_1_N05.10"}),
        item("b", updated="2024-07-20T00:00:00Z", **{"eo:cloud_cover": 90.0}),
        item("c", updated="2024-07-20T00:00:00Z"),
        item("d", **{"proj:code": None}),
    ]
    assert select_scenes([items[place] for place in order], criteria()) == select_scenes(items, criteria())


def peak(document, count):
    """Bytes at the most while `count` items are selected, each parsed from text as a page is."""

    def items():
        for number in range(count):
            document["id"] = f"S2B_33TWN_2024071{number}"
            yield json.loads(json.dumps(document))

    tracemalloc.start()
    try:
        assert select_scenes(items(), criteria()).found.kept == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_grows_by_scenes_and_not_by_what_items_carry(item):
    lean, fat = item(), item()
    fat["links"] = [{"rel": "self", "href": f"http://127.0.0.1:1/{number}"} for number in range(300)]
    peak(lean, 5)  # what is imported at first use
    of_lean, of_fat = ((peak(one, 90) - peak(one, 30)) / 60 for one in (lean, fat))
    assert of_fat < 1.3 * of_lean
    assert of_fat < len(json.dumps(fat)) / 3


@pytest.mark.parametrize("bad", [None, [], "x", 5])
def test_what_is_no_geometry_is_a_reason(item, bad):
    found = select_scenes([{**item("a"), "geometry": bad}], criteria(area=AREA)).found
    assert (found.items, sum(found.unusable.values())) == (1, 1)


def test_what_is_nested_without_end_is_a_reason(item):
    deep = json.loads("[" * 900 + "1" + "]" * 900)
    shape, value = item("a"), item("b", **{"eo:cloud_cover": deep})
    shape["geometry"] = {"type": "Polygon", "coordinates": deep}
    assert select_scenes([shape, value], criteria()).found.unusable == {"bad_footprint": 1, "malformed": 1}


def test_a_number_without_end_is_a_reason(item):
    shape = item("a")
    shape["geometry"]["coordinates"][0][1][0] = 10**400
    value = item("b", **{"eo:cloud_cover": 10**400})
    assert select_scenes([shape, value], criteria()).found.unusable == {"bad_footprint": 1, "malformed": 1}


@pytest.mark.parametrize(
    ("first", "last", "taken"),
    [
        (1, 31, True),
        (12, 12, True),
        (13, 31, False),
        (1, 11, False),
        (None, 11, False),
        (13, None, False),
        (None, None, True),
    ],
)
def test_only_passes_of_the_days_are_taken_and_the_others_are_counted(item, first, last, taken):
    found = item()
    scene = Scene.from_item(found)
    day = scene.pass_start.date()
    moved = {
        12: day,
        11: day - timedelta(days=1),
        13: day + timedelta(days=1),
        1: date(2015, 7, 1),
        31: date(2100, 1, 1),
    }
    days = {name: moved[number] for name, number in (("first", first), ("last", last)) if number is not None}
    selected = select_scenes([found], criteria(months=(scene.month,), **days))
    assert (selected.found.kept, selected.found.other_date) == ((1, 0) if taken else (0, 1))
    assert selected.found.usable == selected.found.listed == 1
