"""An AOI keeps the ownership rule that it began with; moved on, only cells that are new are planned."""

import io

import pyarrow.parquet as pq
import pytest

from claylake import store
from claylake.area.aoi import Aoi
from claylake.area.cells import cells_by_rule, digest
from claylake.area.new_cells import NEW
from claylake.catalogue.manifest import read_manifest
from claylake.plan import Plan
from claylake.request.params import Request
from claylake.run.planning import make_plan
from tests.dags.domain.conftest import JULY, RUN
from tests.dags.domain.test_planning import publish_scenes

BORDER = (0.25, 0.1, 0.36, 0.2)
"""In zone 31, whose tiles begin at 0.31 E on the equator: by rule 2 the western part is zone 30's."""
INLAND = (15.0, 45.0, 15.05, 45.05)


@pytest.fixture
def plan_of(stac, box, here, lake):
    """Plans a month of items of a box."""

    def make(items, place=BORDER, months=JULY, **sections):
        stac.pages = [items]
        aoi = Aoi(name="town", geometry=box(*place))
        return make_plan(run=RUN, request=Request(aoi=aoi, months=months, overrides={}), settings=here(**sections))

    return make


@pytest.fixture
def items(item, box):
    """A scene of either zone over the whole place, and one of zone 31 over its eastern edge alone."""
    return [
        {**item(name, **{"proj:code": f"EPSG:{epsg}"}), "geometry": box(*area)}
        for name, epsg, area in (
            ("a30", 32630, (-0.7, -0.5, 0.4, 0.5)),
            ("b31", 32631, (0.0, -0.5, 1.0, 0.5)),
            ("c31", 32631, (0.35, -0.5, 1.0, 0.5)),
        )
    ]


def published(lake, plan):
    """The plan's scenes as a run leaves them when all is done."""
    publish_scenes(lake, plan, *((scene, "done") for scene in read_manifest(plan.uri("scenes.ndjson.gz"))))


def cells(plan):
    return pq.read_table(io.BytesIO(store.read(plan.uri("cells.parquet"))))


def planned(plan):
    return {scene.id: scene.only_new_cells for scene in read_manifest(plan.uri("scenes.ndjson.gz"))}


OLD = {"grid": {"ownership": 1}}
MOVED = {"grid": {"ownership": 2}}


def test_an_aoi_that_has_published_nothing_begins_with_the_newest_rule(plan_of, items, lake):
    plan = plan_of(items)
    assert (plan.ownership, set(cells(plan)["epsg"].to_pylist())) == (2, {32630, 32631})
    assert plan.cells_digest == digest(cells(plan)["cell_id"].to_pylist(), 2)
    assert planned(plan) == {"a30": False, "b31": False, "c31": False}
    published(lake, plan)
    again = plan_of(items)
    assert (again.ownership, again.work, again.found.settled) == (2, "nothing", 3)


def test_an_aoi_that_began_with_rule_1_keeps_it(plan_of, items, lake):
    first = plan_of(items, **OLD)
    assert first.ownership == 1
    assert first.cells_digest == digest(cells(first)["cell_id"].to_pylist())
    published(lake, first)
    again = plan_of(items)
    assert (again.ownership, again.work, again.cells_digest) == (1, "nothing", first.cells_digest)
    later = [{**item, "id": f"later {item['id']}"} for item in items]
    assert plan_of(later).ownership == 1, "in other months, too"


def test_moved_on_only_new_cells_are_planned(plan_of, items, lake):
    first = plan_of(items, **OLD)
    published(lake, first)
    old = set(cells(first)["cell_id"].to_pylist())
    moved = plan_of(items, **MOVED)  # in the same run folder
    table = cells(moved)
    new = set(table["cell_id"].to_pylist()) - old
    assert new == set(table["cell_id"].filter(table[NEW]).to_pylist())
    assert {name[:5] for name in new} == {"32630"}
    assert planned(moved) == {"a30": True}, "the scenes of zone 31 show no new cell"
    assert (moved.ownership, moved.found.settled, moved.found.kept) == (2, 2, 1)
    assert moved.estimate.candidates == len(new) > 0
    assert moved.branch != first.branch

    published(lake, moved)
    again = plan_of(items)
    assert (again.ownership, again.work) == (2, "nothing"), "what moved on stays moved without the setting"


def test_a_scene_that_is_not_settled_is_planned_in_all_cells(plan_of, items, lake, item, box):
    first = plan_of(items[:2], **OLD)
    published(lake, first)
    items[1]["properties"]["updated"] = "2024-09-01T00:00:00Z"
    moved = plan_of(items, **MOVED)
    assert planned(moved) == {"a30": True, "b31": False, "c31": False}


def test_other_settings_settle_nothing(plan_of, items, lake):
    published(lake, plan_of(items, **OLD))
    moved = plan_of(items, **MOVED, selection={"min_clear_frac": 0.5})
    assert planned(moved) == {"a30": False, "b31": False, "c31": False}


def test_an_edited_aoi_begins_anew(plan_of, items, lake):
    published(lake, plan_of(items, **OLD))
    assert plan_of(items, (0.25, 0.1, 0.38, 0.2)).ownership == 2


def test_where_the_rules_agree_nothing_is_planned_again(plan_of, item, lake):
    first = plan_of([item("a")], INLAND, **OLD)
    published(lake, first)
    for sections in ({}, MOVED):
        again = plan_of([item("a")], INLAND, **sections)
        assert (again.ownership, again.work, again.cells_digest) == (2, "nothing", first.cells_digest)
        assert NEW not in cells(again).column_names


def test_moved_back_only_what_the_other_rule_lacks_is_planned(plan_of, items, lake):
    """Cells that rule 2 lacks lie in no tile, but the fixture's scenes reach there as none of ESA's does."""
    published(lake, plan_of(items))
    back = plan_of(items, **OLD)
    assert back.ownership == 1
    assert set(planned(back)) <= {"b31", "c31"}
    assert all(planned(back).values())


def test_a_plan_of_an_earlier_version_is_of_rule_1(plan_of, items, lake):
    document = plan_of(items).model_dump(mode="json")
    del document["ownership"], document["settings"]["grid"]
    document["settings"]["deployed"] |= {"lake": "s3://lake", "artifacts": "s3://lake/artifacts"}
    plan = Plan.model_validate(document)
    assert (plan.ownership, plan.settings.grid.ownership) == (1, "auto")


def test_digests_are_those_of_both_rules(box):
    both = cells_by_rule(Aoi(name="town", geometry=box(*BORDER)))
    assert both.digests[1] != both.digests[2]
