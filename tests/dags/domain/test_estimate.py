import pytest
from hypothesis import given
from hypothesis import strategies as st

from claylake.errors import BadInputError, BudgetError
from claylake.estimate import Workload, estimate, instances_of, usd_per_hour
from claylake.gate import decide
from claylake.instances import instance
from claylake.settings import Settings, assemble

PRICED = sorted(Settings().prices.instance_usd_h)
counts = st.integers(0, 10**7)


@st.composite
def loads(draw):
    candidates = draw(counts)
    chips = draw(st.integers(0, candidates))
    return Workload(draw(counts), draw(st.integers(1, 10**6)), candidates, chips, chips + draw(counts))


@st.composite
def any_settings(draw):
    cluster = {
        "core_type": draw(st.sampled_from(PRICED)),
        "gpu_count": draw(st.integers(1, 64)),
        "spot": draw(st.booleans()),
        "keep_cluster_minutes": draw(st.integers(0, 720)),
    }
    return assemble({"x": {"cluster": cluster, "encoder": {"precision": draw(st.sampled_from(["fp32", "bf16"]))}}})


@given(loads(), any_settings(), st.integers(0, 10**6))
def test_more_chips_never_cost_less(load, settings, more):
    bigger = Workload(load.scenes, load.cells, load.candidates + more, load.chips + more, load.vectors + more)
    one, two = estimate(load, settings), estimate(bigger, settings)
    for name in ("candidates", "chips", "read_gb", "store_gb", "gpu_hours", "cluster_hours", "usd"):
        assert getattr(one, name) <= getattr(two, name)


@given(loads(), any_settings())
def test_money_is_time_times_price(load, settings):
    found = estimate(load, settings)
    assert found.usd == pytest.approx(found.cluster_hours * usd_per_hour(settings))
    assert found.usd >= 0
    assert found.gpu_hours <= found.cluster_hours * 64 * 8


@given(any_settings())
def test_nothing_to_do_costs_nothing(settings):
    found = estimate(Workload(0, 100, 0, 0, 0), settings)
    assert (found.usd, found.cluster_hours, found.gpu_hours, found.instances) == (0, 0, 0, {})


def test_missing_vectors_alone_want_a_cluster():
    found = estimate(Workload(0, 100, 0, 0, 5000), Settings())
    assert found.usd > 0
    assert found.read_gb == 0


def test_emrs_fee_is_on_the_on_demand_price():
    settings = assemble({"x": {"cluster": {"primary_type": "m7i.xlarge", "core_type": "g6.2xlarge", "gpu_count": 2}}})
    assert usd_per_hour(settings) == pytest.approx(0.2016 * 1.25 + 2 * 0.9776 * (0.4 + 0.25))
    on_demand = settings.model_copy(update={"cluster": settings.cluster.model_copy(update={"spot": False})})
    assert usd_per_hour(on_demand) == pytest.approx(0.2016 * 1.25 + 2 * 0.9776 * 1.25)


def test_one_type_for_both_is_counted_together():
    settings = assemble({"x": {"cluster": {"primary_type": "m7i.xlarge", "core_type": "m7i.xlarge", "gpu_count": 2}}})
    assert instances_of(settings) == {"m7i.xlarge": 3}
    assert estimate(Workload(1, 1, 1, 1, 1), settings).gpu_hours == 0


def test_assumptions_are_stated():
    text = " ".join(estimate(Workload(1, 1, 1, 1, 1), Settings()).assumptions)
    for word in ("0.45 MB", "chips/s per vCPU", "g6.2xlarge in fp32", "spot at 0.4", "EMR fee 25%", "not included"):
        assert word in text


@pytest.mark.parametrize(
    ("name", "vcpus", "gib", "gpus"),
    [
        ("g6.2xlarge", 8, 32, 1),
        ("g5.12xlarge", 48, 192, 4),
        ("g4dn.xlarge", 4, 16, 1),
        ("m7i.xlarge", 4, 16, 0),
        ("r7i.xlarge", 4, 32, 0),
        ("c7i.large", 2, 4, 0),
        ("p4d.24xlarge", 96, 384, 8),
    ],
)
def test_instance_names(name, vcpus, gib, gpus):
    found = instance(name)
    assert (found.vcpus, found.memory_gib, found.gpus) == (vcpus, gib, gpus)


@pytest.mark.parametrize("name", ["", "g6", "g6.huge", "2xlarge"])
def test_bad_instance_names_show_the_form(name):
    with pytest.raises(BadInputError, match=r"g6\.2xlarge"):
        instance(name)


@pytest.mark.parametrize("name", PRICED)
def test_every_priced_type_is_known(name):
    assert instance(name).vcpus >= 2


def costly(plan, usd=100.0, hours=0.5):
    return plan.model_copy(update={"estimate": plan.estimate.model_copy(update={"usd": usd, "cluster_hours": hours})})


def test_an_affordable_plan_goes(plan_of):
    verdict = decide(plan_of())
    assert verdict.go
    assert "0.60 USD" in verdict.why
    assert "budget 20.00" in verdict.why


def test_nothing_new_stops(plan_of):
    verdict = decide(plan_of(work="nothing"))
    assert not verdict.go
    assert verdict.why.startswith("nothing new for town in 2024-07: 3 scenes found")


def test_a_dry_run_stops_and_tells_the_cost(plan_of):
    plan = plan_of({"limits": {"dry_run": True}})
    verdict = decide(plan)
    assert not verdict.go
    assert "dry run: about 0.60 USD" in verdict.why
    assert "would be refused" not in verdict.why
    assert "it would be refused: the estimate of 100.00 USD" in decide(costly(plan)).why


def test_over_budget_fails_with_numbers_and_knobs(plan_of):
    plan = costly(plan_of({"cluster": {"spot": False}, "selection": {"passes_per_month": 4}}))
    with pytest.raises(BudgetError) as caught:
        decide(plan)
    for word in (
        "100.00 USD is above budget_usd 20.00",
        "2 scenes, 16 cells, 20 chips",
        "raise budget_usd",
        "max_scene_cloud (now 80)",
        "passes_per_month (now 4)",
        "fewer months",
        "set spot",
    ):
        assert word in str(caught.value)


def test_longer_than_a_cluster_may_live_fails_too(plan_of):
    with pytest.raises(BudgetError, match=r"30.0 h is above cluster.max_hours 12 .*raise gpu_count \(now 1\)"):
        decide(costly(plan_of(), usd=1.0, hours=30.0))


def test_exactly_the_budget_goes(plan_of):
    assert decide(costly(plan_of(), usd=20.0, hours=12.0)).go
