"""A month whose scenes cannot be used is red, one without scenes is green, and both say why."""

from datetime import UTC, datetime

import pytest

from claylake.area.aoi import Aoi
from claylake.errors import BadInputError, UnusableMonthError
from claylake.month import Month
from claylake.plan import Found, UsableScenes
from claylake.request.params import Request
from claylake.run.gate import decide_start
from claylake.run.planning import make_plan
from claylake.run.receipt import make_receipt
from claylake.run.receipt_note import note
from claylake.run.remarks import of_plan
from tests.dags.domain.conftest import JULY, RUN

AFTER = datetime(2024, 9, 1, tzinfo=UTC)


@pytest.fixture
def planned(stac, here, lake, request_of):
    """The plan of July 2024 over the items of the catalogue's pages."""

    def make(*pages, months=JULY, now=AFTER, aoi=None, **sections):
        stac.pages = list(pages)
        request = Request(aoi=aoi or request_of().aoi, months=months, overrides={})
        return make_plan(run=RUN, request=request, settings=here(**sections), now=now)

    return make


def without(item, *assets):
    return {**item, "assets": {key: asset for key, asset in item["assets"].items() if key not in assets}}


def test_a_month_of_unusable_scenes_is_red_and_says_why(planned, item, now):
    broken = [item(f"p{n}", **{"s2:datatake_id": None}) for n in range(9)]
    plan = planned([*broken, *(without(item(f"a{n}"), "scl", "nir08") for n in range(3))])
    assert plan.found.unusable == {"no_pass": 9, "missing_asset": 3}
    assert plan.work == "nothing"
    with pytest.raises(UnusableMonthError) as caught:
        decide_start(plan)
    for words in (
        "town: only 0 of 12 scenes of 2024-07 can be used, and min_usable_frac requires 0.5 of them",
        "Left out: no_pass 9, missing_asset 3; the log of task plan names each",
        "To go on: check that the catalogue (sentinel-2-c1-l2a, sentinel-2-l2a at http://127.0.0.1",
        "or lower min_usable_frac",
    ):
        assert words in str(caught.value)
    receipt = make_receipt(plan, cluster=None, steps=[], now=now)
    assert (receipt.outcome, receipt.unusable) == ("not started", {"no_pass": 9, "missing_asset": 3})
    assert "**Scenes left out as unusable: 12 (no_pass 9, missing_asset 3)**" in note(receipt)


def test_a_dry_run_is_red_too(planned, item):
    with pytest.raises(UnusableMonthError):
        decide_start(planned([item("a", **{"proj:code": None})], limits={"dry_run": True}))


@pytest.mark.parametrize(("good", "bad", "goes"), [(1, 1, True), (1, 2, False), (5, 4, True), (0, 1, False)])
def test_half_of_the_scenes_must_be_usable(planned, item, good, bad, goes):
    items = [*(item(f"g{n}") for n in range(good)), *(without(item(f"b{n}"), "blue") for n in range(bad))]
    plan = planned(items)
    assert (plan.found.kept, plan.found.unusable) == (good, {"missing_asset": bad})
    assert plan.estimate.scenes == good
    if goes:
        assert decide_start(plan).go
    else:
        with pytest.raises(UnusableMonthError, match=f"only {good} of {good + bad} scenes"):
            decide_start(plan)


@pytest.mark.parametrize(("least", "red"), [(0.75, True), (0.25, False), (0.0, False)])
def test_the_fraction_is_a_setting(planned, item, least, red):
    plan = planned([item("a"), item("b", **{"proj:code": None})], limits={"min_usable_frac": least})
    if red:
        with pytest.raises(UnusableMonthError):
            decide_start(plan)
    else:
        assert decide_start(plan).go


def test_cloudy_settled_and_other_scenes_are_no_loss(plan_of):
    found = Found(items=10, too_cloudy=5, settled=2, other_month=2, unusable={"no_pass": 1})
    decision = decide_start(plan_of(work="nothing", found=found))
    assert not decision.go
    assert "1 of 8 scenes cannot be used: no_pass 1" in decision.why


def test_the_report_says_it_in_sentences(plan_of):
    found = Found(items=3, kept=2, unusable={"no_pass": 1})
    plan = plan_of(found=found, remarks=("2024-07 is not over: run it again",))
    assert of_plan(plan) == (
        "1 of 3 scenes cannot be used: no_pass 1.",
        "2024-07 is not over: run it again.",
    )
    assert of_plan(plan_of()) == ()


def test_each_month_of_several_must_be_usable(planned, item):
    august = {"datetime": "2024-08-10T10:06:29Z"}
    good = [item(f"g{n}") for n in range(9)]
    bad = [item(f"b{n}", **august, **{"s2:datatake_id": None}) for n in range(2)]
    plan = planned([*good, *bad], months=(Month(2024, 7), Month(2024, 8)))
    assert plan.usable == {"2024-07": UsableScenes(listed=9, usable=9), "2024-08": UsableScenes(listed=2, usable=0)}
    with pytest.raises(UnusableMonthError, match="only 0 of 2 scenes of 2024-08"):
        decide_start(plan)


def test_a_month_without_scenes_is_green_and_names_what_was_searched(planned, stac, item, now):
    def pages(body):
        return {"features": [] if "datetime" in body else [item("a")], "links": []}

    stac.search = pages
    plan = planned()
    decision = decide_start(plan)
    assert not decision.go
    said = f"sentinel-2-c1-l2a, sentinel-2-l2a at {stac.url} has no scene of town in 2024-07"
    assert plan.remarks == (said,)
    assert said in decision.why
    receipt = make_receipt(plan, cluster=None, steps=[], now=now)
    assert (receipt.outcome, receipt.remarks) == ("nothing new", (said,))
    assert f"**{said}**" in note(receipt)


def test_an_area_that_never_had_a_scene_says_so(planned, stac):
    plan = planned([])
    assert "nor at any other time: is the area the right one?" in plan.remarks[0]
    first, second = stac.searches
    assert "datetime" in first
    assert ("datetime" in second, second["limit"]) == (False, 1)


def test_what_cannot_be_searched_without_dates_is_not_said(planned, stac, caplog):
    stac.answers = [None, None, None, (400, {"description": "give dates"})]
    plan = planned([])
    assert plan.remarks == (f"sentinel-2-c1-l2a, sentinel-2-l2a at {stac.url} has no scene of town in 2024-07",)
    assert "give dates" in caplog.text


def test_an_empty_month_among_several_is_named(planned, item):
    plan = planned([item("a")], months=(Month(2024, 6), Month(2024, 7)))
    (remark,) = plan.remarks
    assert remark.endswith("has no scene of town in 2024-06")
    assert decide_start(plan).go


def test_a_month_of_the_future_is_refused_before_the_catalogue_is_searched(planned, stac):
    with pytest.raises(BadInputError, match=r"2024-10, 2024-11 lies in the future.*months up to 2024-09"):
        planned([], months=(Month(2024, 9), Month(2024, 10), Month(2024, 11)), now=datetime(2024, 9, 1, tzinfo=UTC))
    assert stac.requests == 0


def test_a_month_that_is_not_over_runs_and_is_to_be_run_again(planned, item, now):
    plan = planned([item("a")], now=datetime(2024, 7, 20, tzinfo=UTC))
    said = "2024-07 is not over: run it again from 2024-08-11 on, when it has all its scenes"
    assert plan.remarks == (said,)
    assert decide_start(plan).go
    receipt = make_receipt(plan, cluster=None, steps=[], now=now)
    assert receipt.remarks == (said,)
    assert f"**{said}**" in note(receipt)
    assert planned([item("a")], now=datetime(2024, 8, 1, tzinfo=UTC)).remarks == ()


def test_scenes_without_any_date_are_no_empty_month(planned, item):
    nowhere = {"datetime": None, "s2:datatake_id": None}
    plan = planned([item(f"n{n}", **nowhere) for n in range(3)])
    assert plan.usable == {"2024-07": UsableScenes()}
    assert plan.remarks == ()
    with pytest.raises(UnusableMonthError, match="only 0 of 3 scenes of 2024-07"):
        decide_start(plan)


def test_what_was_repaired_of_the_area_is_said(planned, item, now):
    spike = [[15.0, 45.0], [15.05, 45.0], [15.05, 45.02], [15.1, 45.02], [15.05, 45.02], [15.05, 45.05], [15.0, 45.0]]
    plan = planned([item("a")], aoi=Aoi.from_geojson("spike", {"type": "Polygon", "coordinates": [spike]}))
    (remark,) = plan.remarks
    assert remark.startswith("the AOI's polygon was repaired at lon 15.1, lat 45.02")
    receipt = make_receipt(plan, cluster=None, steps=[], now=now)
    assert receipt.remarks == (remark,)
    assert remark in note(receipt)
