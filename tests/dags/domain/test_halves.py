"""What makes two scenes halves of one tile-date."""

from itertools import permutations

import pytest

from claylake.catalogue.halves import half_of, pairs_of, with_partners
from claylake.catalogue.packed import PackedScene
from claylake.catalogue.scene import Scene


def ids(pairs):
    return [(first.id, second.id) for first, second in pairs]


def test_every_two_scenes_of_a_tile_date_whatever_their_order(item):
    scenes = [Scene.from_item(item(name)) for name in ("S2B_33TWN_20240710_1_L2A", "c", "S2B_33TWN_20240710_0_L2A")]
    zero, one = "S2B_33TWN_20240710_0_L2A", "S2B_33TWN_20240710_1_L2A"
    for order in permutations(scenes):
        assert ids(pairs_of(order)) == [(zero, one), (zero, "c"), (one, "c")]


@pytest.mark.parametrize(
    "properties",
    [
        {"s2:processing_baseline": "05.11"},
        {"s2:processing_baseline": ...},
        {"s2:datatake_id": "GS2B_20240710T100601_038371_N05.10"},
        {"s2:datatake_id": "GS2A_20240710T100559_038371_N05.10"},
        {"proj:code": "EPSG:32634"},
    ],
)
def test_scenes_of_other_processing_pass_or_zone_are_no_halves(item, properties):
    assert pairs_of([Scene.from_item(item("a")), Scene.from_item(item("b", **properties))]) == []
    assert pairs_of([Scene.from_item(item("a", **properties)), Scene.from_item(item("b"))]) == []


@pytest.mark.parametrize("baseline", ["05.10", ...])
def test_what_is_not_known_is_no_half(item, baseline):
    scenes = [Scene.from_item(item(name, **{"s2:processing_baseline": baseline})) for name in "ab"]
    assert len(pairs_of(scenes)) == (baseline == "05.10")


@pytest.mark.parametrize(
    "change",
    [
        {"proj:transform": [10, 0, 499980, 0, -10, 5000040]},
        {"proj:transform": [20, 0, 499980, 0, -20, 5100000]},
        {"proj:shape": [5490, 5490]},
        {"proj:shape": None},
        {"proj:transform": None},
    ],
)
def test_another_tile_has_another_raster(item, change):
    other = item("b")
    other["assets"] = {key: {**asset, **change} for key, asset in other["assets"].items()}
    assert half_of(Scene.from_item(item("a"))) != half_of(Scene.from_item(other))
    assert pairs_of([Scene.from_item(item("a")), Scene.from_item(other)]) == []
    other["collection"] = "sentinel-2-c1-l2a"
    again = {**item("c"), "collection": "sentinel-2-c1-l2a"}
    assert pairs_of([Scene.from_item(item("a")), Scene.from_item(again)]) == []


def test_a_settled_half_stays_only_beside_one_that_is_not(item):
    def packed(name, *, settled, baseline="05.10"):
        scene = Scene.from_item(item(name, **{"s2:processing_baseline": baseline}))
        return PackedScene.of(scene.model_copy(update={"settled": settled}))

    done, late, other = (
        packed("a", settled=True),
        packed("b", settled=False),
        packed("c", settled=True, baseline="05.11"),
    )
    assert with_partners([done, late, other]) == [done, late]
    assert with_partners([late, other, done]) == [late, done]
    assert with_partners([done, other]) == []
