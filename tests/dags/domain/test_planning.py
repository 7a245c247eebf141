import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claylake import store
from claylake.area.cells import cells_of, digest
from claylake.catalogue.manifest import read_manifest
from claylake.configuration.settings import Settings
from claylake.errors import BadInputError, CatalogueError, SettingsError, StoreError
from claylake.month import Month
from claylake.plan import selection_digest
from claylake.release import model_version
from claylake.request.params import Request
from claylake.run import published
from claylake.run.planning import make_plan, work_of
from tests.dags.domain.conftest import CARD, RUN
from tests.shared import all_zones

JULY = (Month(2024, 7),)


def publish_scenes(lake, plan, *rows):
    names = ("scene_id", "updated", "cells_digest", "selection_digest", "status")
    schema = pa.schema([*((name, pa.string()) for name in names), ("datetime", pa.timestamp("us", "UTC"))])
    made = [
        {
            "scene_id": scene.id,
            "updated": scene.updated,
            "cells_digest": plan.cells_digest,
            "selection_digest": plan.selection_digest,
            "status": status,
            "datetime": scene.datetime,
        }
        for scene, status in rows
    ]
    lake.create_table_if_not_exists(("claylake", "scenes"), schema).append(pa.Table.from_pylist(made, schema))


def test_a_plan_says_all_and_leaves_its_files(stac, item, here, lake, request_of):
    cloudy, june = (
        item("cloudy", **{"eo:cloud_cover": 81.0}),
        item("june", **{"s2:datatake_id": "GS2A_20240630T235959_1_N05.10"}),
    )
    broken, other = (
        item("broken", **{"proj:code": None}),
        item("b", **{"s2:datatake_id": "GS2A_20240711T100559_1_N05.10"}),
    )
    stac.pages = [[item("a"), cloudy, june], [broken, other]]
    settings = here()
    plan = make_plan(run=RUN, request=request_of(), settings=settings)

    assert plan.work == "full"
    assert plan.found.model_dump() == {
        "items": 5,
        "unusable": {"no_utm": 1},
        "other_month": 1,
        "other_date": 0,
        "too_cloudy": 1,
        "settled": 0,
        "kept": 2,
    }
    assert plan.model_version == "demo-random+0123456789ab"
    assert plan.selection_digest == selection_digest(settings.selection)
    assert (plan.aoi_name, plan.months, plan.missing_vectors) == ("town", ("2024-07",), 0)
    assert plan.estimate.candidates == 2 * plan.cells
    assert plan.estimate.chips == -(-2 * plan.cells * 875 // 1000)
    assert plan.estimate.scenes == 2
    assert plan.estimate.usd > 0

    assert json.loads(store.read(plan.uri("plan.json"))) == plan.model_dump(mode="json")
    cells = pq.read_table(io.BytesIO(store.read(plan.uri("cells.parquet"))))
    assert cells.num_rows == plan.cells
    assert digest(cells["cell_id"].to_pylist()) == plan.cells_digest
    assert [scene.id for scene in read_manifest(plan.uri("scenes.ndjson.gz"))] == ["b", "a"]


def test_settled_scenes_are_left_out_unless_they_were_updated(stac, item, here, lake, request_of):
    baseline = {"s2:processing_baseline": "05.11"}
    stac.pages = [[item("a"), item("b", **baseline), item("c", **baseline)]]
    first = make_plan(run=RUN, request=request_of(), settings=here())
    scenes = read_manifest(first.uri("scenes.ndjson.gz"))
    publish_scenes(lake, first, (scenes[0], "done"), (scenes[1], "partial"), (scenes[2], "done"))
    stac.pages = [[item("a"), item("b", **baseline), item("c", updated="2024-09-01T00:00:00Z", **baseline)]]
    second = make_plan(run=RUN, request=request_of(), settings=here())
    assert second.found.settled == 1
    assert [scene.id for scene in read_manifest(second.uri("scenes.ndjson.gz"))] == ["b", "c"]


def test_a_settled_half_is_planned_again_beside_a_late_one_and_counts_no_candidates(stac, item, here, lake, request_of):
    halves = [item("a"), item("other", **{"s2:processing_baseline": "05.11"})]
    stac.pages = [halves]
    first = make_plan(run=RUN, request=request_of(), settings=here())
    publish_scenes(lake, first, *((scene, "done") for scene in read_manifest(first.uri("scenes.ndjson.gz"))))
    stac.pages = [halves]
    assert make_plan(run=RUN, request=request_of(), settings=here()).work == "nothing"
    stac.pages = [[*halves, item("late")]]
    second = make_plan(run=RUN, request=request_of(), settings=here())
    assert (second.found.settled, second.found.kept) == (1, 2)
    planned = read_manifest(second.uri("scenes.ndjson.gz"))
    assert {scene.id: scene.settled for scene in planned} == {"a": True, "late": False}
    assert second.estimate.candidates == first.estimate.candidates


def test_what_is_settled_depends_on_whether_chips_are_replaced_and_the_branch_does_not(
    stac, here, lake, request_of, monkeypatch
):
    stac.pages, asked = [[]], []
    monkeypatch.setattr(published, "settled_scenes", lambda *given: asked.append(given[2].replaces) or set())
    plans = []
    for way in ("keep", "replace"):
        settings = here()
        catalogue = settings.catalogue.model_copy(update={"on_reprocessed": way})
        settings = settings.model_copy(update={"catalogue": catalogue})
        plans.append(make_plan(run=RUN, request=request_of(), settings=settings))
    assert not any(asked[: len(asked) // 2])
    assert all(asked[len(asked) // 2 :])
    assert plans[0].branch == plans[1].branch


def test_a_changed_selection_settles_nothing(stac, item, here, lake, request_of):
    stac.pages = [[item("a")]]
    first = make_plan(run=RUN, request=request_of(), settings=here())
    publish_scenes(lake, first, (read_manifest(first.uri("scenes.ndjson.gz"))[0], "done"))
    assert make_plan(run=RUN, request=request_of(), settings=here()).work == "nothing"
    changed = make_plan(run=RUN, request=request_of(), settings=here(selection={"min_clear_frac": 0.5}))
    assert changed.work == "full"


def test_an_empty_month_is_nothing_to_do(stac, here, lake, request_of):
    stac.pages = [[]]
    plan = make_plan(run=RUN, request=request_of(), settings=here())
    assert plan.work == "nothing"
    assert (plan.estimate.usd, plan.estimate.instances) == (0, {})
    assert read_manifest(plan.uri("scenes.ndjson.gz")) == []


def test_missing_vectors_alone_are_work(stac, here, lake, request_of, monkeypatch):
    stac.pages = [[]]
    monkeypatch.setattr(published, "missing_vectors", lambda *_work: 7)
    plan = make_plan(run=RUN, request=request_of(), settings=here())
    assert (plan.work, plan.missing_vectors) == ("vectors", 7)
    assert plan.estimate.usd > 0


@pytest.mark.parametrize(
    ("scenes", "missing", "work"), [(1, 0, "full"), (1, 5, "full"), (0, 5, "vectors"), (0, 0, "nothing")]
)
def test_kinds_of_work(scenes, missing, work):
    assert work_of(scenes, missing) == work


def test_a_dead_catalogue_leaves_no_plan(stac, here, lake, request_of, tmp_path):
    stac.answers = [(500, {})] * 9
    with pytest.raises(CatalogueError):
        make_plan(run=RUN, request=request_of(), settings=here())
    assert list(store.names(str(tmp_path / "lake"))) == []


def test_nothing_deployed_is_told_first(request_of):
    with pytest.raises(SettingsError, match=r"no deployed\.json"):
        make_plan(run=RUN, request=request_of(), settings=Settings())


def test_a_scene_across_180_degrees_is_planned_however_it_is_written(stac, item, here, lake):
    zone, (west, north) = 32601, (300_000, 7_600_020)  # tile 01WCR
    corners = [(west, north - 109_800), (west + 109_800, north - 109_800), (west + 109_800, north), (west, north)]
    aoi = all_zones.aoi_around(180.0, 68.0)
    cells = sum(epsg == zone for epsg in cells_of(aoi)["epsg"].to_pylist())
    assert cells > 0
    for geometry in all_zones.writings(zone, corners).values():
        stac.pages = [[{**item("a", **{"proj:code": f"EPSG:{zone}"}), "geometry": geometry}]]
        plan = make_plan(run=RUN, request=Request(aoi=aoi, months=JULY, overrides={}), settings=here())
        assert (plan.found.kept, plan.estimate.candidates) == (1, cells)


def test_an_encoder_that_is_not_there_names_those_that_are(here):
    with pytest.raises(BadInputError, match=r"encoder.model 'clay-v2': .*is not there; set it to one of clay-v1\.5"):
        model_version(here(encoder={"model": "clay-v2"}))


@pytest.mark.parametrize(
    ("encoder", "says"),
    [
        (
            {"convention": "training"},
            "does not offer convention 'training': set encoder.convention to one of tutorial, blank",
        ),
        ({"precision": "bf16"}, "does not offer precision 'bf16': set encoder.precision to one of fp32"),
    ],
)
def test_what_an_encoder_does_not_offer_is_refused(here, encoder, says):
    with pytest.raises(BadInputError, match=says):
        model_version(here(encoder=encoder))


@pytest.mark.parametrize(
    ("card", "error", "says"),
    [
        ("{", StoreError, "is not JSON"),
        ("[]", StoreError, "expected an object"),
        ("{}", BadInputError, "does not offer"),
        (json.dumps({**CARD, "model_version": ""}), StoreError, "names no model_version"),
    ],
)
def test_a_broken_model_card_is_named(here, tmp_path, card, error, says):
    (tmp_path / "artifacts/model/clay-v1.5/model.json").write_text(card)
    with pytest.raises(error, match=says):
        model_version(here())


def test_a_plan_takes_the_numbers_of_nodes_that_its_settings_leave_to_it(
    stac, item, here, lake, request_of, monkeypatch
):
    """On processors so slow that the month would take a day on one node."""
    monkeypatch.setattr("claylake.cluster.estimate.CPU_CHIPS_S_VCPU", 1e-5)
    stac.pages = [[item("a")]]
    cluster = {"layout": "cpu", "cpu_types": ["m7i.2xlarge"]}
    fixed, auto = (
        make_plan(
            run=RUN,
            request=request_of(),
            settings=here(cluster={**cluster, "counts": counts}, encoder={"precision": "fp32"}),
        )
        for counts in ("fixed", "auto")
    )
    suggested = fixed.estimate.more_nodes
    assert auto.settings.cluster.cpu_count == suggested.counts["cpu_count"] > 1
    assert (auto.estimate.usd, auto.estimate.more_nodes) == (suggested.usd, None)
    assert any(suggested.text in remark for remark in fixed.remarks)
    assert not any("more nodes" in remark for remark in auto.remarks)
