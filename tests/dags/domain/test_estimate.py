import pytest
from hypothesis import given
from hypothesis import strategies as st

from claylake.cluster.estimate import Workload, embed_rate, estimate
from claylake.cluster.layout_choice import cheapest
from claylake.cluster.shape import shape_of
from claylake.configuration.instances import instance
from claylake.configuration.settings import Settings, assemble
from claylake.errors import BadInputError, BudgetError
from claylake.run.gate import decide_start

PRICED = sorted(Settings().prices.instance_usd_h)
GPU = [name for name in PRICED if instance(name).gpus]
CPU = [name for name in PRICED if not instance(name).gpus]
counts = st.integers(0, 10**7)
WORK = Workload(scenes=1, cells=100, candidates=400, chips=100, vectors=100)


@st.composite
def loads(draw):
    candidates = draw(counts)
    chips = draw(st.integers(0, candidates))
    return Workload(
        scenes=draw(counts),
        cells=draw(st.integers(1, 10**6)),
        candidates=candidates,
        chips=chips,
        vectors=chips + draw(counts),
    )


@st.composite
def any_settings(draw):
    cluster = {
        "layout": draw(st.sampled_from(["all_gpu", "split", "cpu"])),
        "compute": draw(st.sampled_from(["fixed", "auto"])),
        "gpu_types": draw(st.lists(st.sampled_from(GPU), min_size=1, unique=True)),
        "cpu_types": draw(st.lists(st.sampled_from(CPU), min_size=1, unique=True)),
        "gpu_count": draw(st.integers(1, 64)),
        "cpu_count": draw(st.integers(1, 64)),
        "spot": draw(st.booleans()),
        "keep_cluster_minutes": draw(st.integers(0, 720)),
    }
    return assemble({"x": {"cluster": cluster, "encoder": {"precision": draw(st.sampled_from(["fp32", "bf16"]))}}})


def settings_of(precision="fp32", **cluster):
    return assemble({"x": {"cluster": cluster, "encoder": {"precision": precision}}})


@given(loads(), any_settings(), st.integers(0, 10**6))
def test_more_chips_never_cost_less(load, settings, more):
    bigger = Workload(
        scenes=load.scenes,
        cells=load.cells,
        candidates=load.candidates + more,
        chips=load.chips + more,
        vectors=load.vectors + more,
    )
    one, two = estimate(load, settings), estimate(bigger, settings)
    for name in ("candidates", "chips", "read_gb", "store_gb", "gpu_hours", "cluster_hours", "usd"):
        assert getattr(one, name) <= getattr(two, name)


@given(loads(), any_settings())
def test_money_is_time_times_price(load, settings):
    """Where no node joins later, every instance lives as long as the cluster."""
    found = estimate(load, settings)
    listed, fee, cluster = settings.prices.instance_usd_h, settings.prices.emr_factor, settings.cluster
    spot = settings.prices.spot_factor if cluster.spot else 1.0
    workers = {**found.instances, cluster.primary_type: found.instances.get(cluster.primary_type, 1) - 1}
    hourly = sum(count * listed[kind] * (spot + fee) for kind, count in workers.items())
    whole = found.cluster_hours * (hourly + listed[cluster.primary_type] * (1 + fee))
    nodes = found.usd - found.disks_usd
    assert nodes <= whole * (1 + 1e-9)
    if cluster.layout != "split":
        assert nodes == pytest.approx(whole)
    assert found.gpu_hours <= found.cluster_hours * 64


@given(any_settings())
def test_nothing_to_do_costs_nothing(settings):
    found = cheapest(Workload(scenes=0, cells=100, candidates=0, chips=0, vectors=0), settings)
    assert (found.usd, found.cluster_hours, found.gpu_hours, found.instances) == (0, 0, 0, {})
    assert (found.disks_usd, found.lost_hours, found.more_nodes) == (0, 0, None)


@given(loads(), any_settings())
def test_the_choice_is_the_cheapest_that_lives_long_enough(load, settings):
    found = cheapest(load, settings)
    each = {layout: estimate(load, settings, layout) for layout in settings.cluster.layouts}
    longest = settings.cluster.max_hours
    assert found.choice.usd == {layout: one.usd for layout, one in each.items()}
    assert found.model_copy(update={"choice": None, "more_nodes": None}) == each[found.choice.layout]
    for one in each.values():
        if one.cluster_hours <= longest or found.cluster_hours > longest:
            assert found.usd <= one.usd
    if settings.cluster.compute == "fixed":
        assert found.choice.layout == settings.cluster.layout


def test_missing_vectors_alone_want_a_cluster():
    found = estimate(Workload(scenes=0, cells=100, candidates=0, chips=0, vectors=5000), Settings())
    assert found.usd > 0
    assert found.read_gb == 0


def test_emrs_fee_is_on_the_on_demand_price():
    settings = settings_of(gpu_types=["g6.2xlarge"], gpu_count=2)
    found = estimate(WORK, settings)
    assert found.usd - found.disks_usd == pytest.approx(
        found.cluster_hours * (0.2016 * 1.25 + 2 * 0.9776 * (0.4 + 0.25))
    )
    found = estimate(WORK, settings_of(gpu_types=["g6.2xlarge"], gpu_count=2, spot=False))
    assert found.usd - found.disks_usd == pytest.approx(found.cluster_hours * (0.2016 * 1.25 + 2 * 0.9776 * 1.25))


def test_one_type_for_both_is_counted_together():
    found = estimate(WORK, settings_of(layout="cpu", cpu_types=["m7i.xlarge"], cpu_count=2))
    assert found.instances == {"m7i.xlarge": 3}
    assert found.gpu_hours == 0


def test_of_several_types_the_slowest_and_the_dearest_count():
    both = settings_of(gpu_types=["g6.2xlarge", "g4dn.xlarge"])
    slow, dear = settings_of(gpu_types=["g4dn.xlarge"]), settings_of(gpu_types=["g6.2xlarge"])
    assert estimate(WORK, both).cluster_hours == estimate(WORK, slow).cluster_hours > estimate(WORK, dear).cluster_hours
    assert estimate(WORK, both).instances == {"g6.2xlarge": 1, "m7i.xlarge": 1}


def test_gpu_nodes_that_join_cost_for_their_own_time():
    found = estimate(WORK, settings_of(layout="split", cpu_types=["m7i.2xlarge"], gpu_types=["g6.2xlarge"]))
    embed_h = 100 / 15 / 3600
    assert found.gpu_hours == pytest.approx(0.2 + embed_h + 0.01 * embed_h * (0.25 + embed_h / 2))
    core = found.cluster_hours * (0.2016 * 1.25 + 0.4032 * 0.65)
    assert found.usd - found.disks_usd == pytest.approx(core + found.gpu_hours * 0.9776 * 0.65)


def test_large_months_pay_for_gpus_and_small_ones_do_not():
    settings = settings_of(precision="bf16", compute="auto")
    small, large = (
        cheapest(Workload(scenes=9, cells=n, candidates=4 * n, chips=n, vectors=n), settings) for n in (100, 50_000)
    )
    assert (small.choice.layout, large.choice.layout) == ("cpu", "all_gpu")
    assert small.choice.why == f"about {small.usd:.2f} USD against {small.choice.usd['all_gpu']:.2f} of all_gpu"


def test_a_layout_that_would_outlive_its_limit_is_not_taken():
    """A processor at a tenth of the price of all others would win, had it the time."""
    prices = {"instance_usd_h": {"m7i.xlarge": 0.2, "m7i.2xlarge": 0.01, "g6.2xlarge": 9.0}}
    cluster = {"compute": "auto", "gpu_types": ["g6.2xlarge"], "cpu_types": ["m7i.2xlarge"], "max_hours": 4}
    given = assemble({"x": {"cluster": cluster, "prices": prices, "encoder": {"precision": "fp32"}}})
    found = cheapest(Workload(scenes=9, cells=30_000, candidates=120_000, chips=30_000, vectors=30_000), given)
    assert found.choice.layout == "all_gpu"
    assert "longer than cluster.max_hours" in found.choice.why


def test_auto_without_gpus_has_nothing_to_compare():
    choice = cheapest(WORK, settings_of(layout="cpu", compute="auto")).choice
    assert choice.layout == "cpu"
    assert choice.why == "cluster.layout is cpu, where compute auto has nothing to compare"


@pytest.mark.parametrize(
    ("types", "precision", "rate"),
    [
        (["g6.2xlarge"], "fp32", 15),
        (["g6.2xlarge", "g5.12xlarge"], "bf16", 35),
        (["g5.12xlarge"], "auto", 35),
    ],
)
def test_embedding_goes_at_the_slowest_gpus_rate(types, precision, rate):
    cluster = Settings().cluster.model_copy(update={"gpu_types": tuple(types), "gpu_count": 4})
    assert embed_rate(shape_of(cluster, "all_gpu").core, precision) == rate


@pytest.mark.parametrize(
    ("kind", "precision", "rate"),
    [("m7i.2xlarge", "fp32", 1.28), ("m7i.2xlarge", "bf16", 4.8), ("m6i.large", "bf16", 0.32)],
)
def test_processors_with_amx_are_better_at_16_bit(kind, precision, rate):
    cluster = Settings().cluster.model_copy(update={"cpu_types": (kind,)})
    assert embed_rate(shape_of(cluster, "cpu").core, precision) == pytest.approx(rate)


def test_few_scenes_cannot_use_all_processors():
    """A scene is observed by one task, and read by six at most: 64 nodes are no faster than those that have work."""
    one = Workload(scenes=1, cells=1_764, candidates=7_000, chips=7_000, vectors=0)
    two = Workload(scenes=2, cells=1_764, candidates=7_000, chips=7_000, vectors=0)
    nodes = {"layout": "cpu", "cpu_types": ["m7i.2xlarge"]}
    hours = [estimate(one, settings_of(cpu_count=count, **nodes)) for count in (1, 8, 64)]
    # What is left are the disks, which more nodes have more of.
    assert hours[0].cluster_hours == pytest.approx(hours[2].cluster_hours, abs=0.003)
    assert hours[0].cluster_hours >= hours[1].cluster_hours >= hours[2].cluster_hours
    assert estimate(two, settings_of(cpu_count=8, **nodes)).cluster_hours < hours[1].cluster_hours
    assert any("of which the scenes give work to 6" in line for line in hours[1].assumptions)
    many = Workload(scenes=100, cells=1_764, candidates=7_000, chips=7_000, vectors=0)
    assert not any("give work" in line for line in estimate(many, settings_of(cpu_count=8, **nodes)).assumptions)


def test_assumptions_are_stated():
    text = " ".join(estimate(WORK, settings_of()).assumptions)
    for word in (
        "0.45 MB",
        "chips/s per vCPU",
        "15 chips/s per GPU of g6.2xlarge or g5.2xlarge or g6.4xlarge or g5.4xlarge in fp32",
        "spot at 0.4",
        "EMR fee 25%",
        "not included",
    ):
        assert word in text
    assert "0.2 h for GPU nodes to join" in " ".join(estimate(WORK, Settings(), "split").assumptions)


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
        ("g6e.2xlarge", 8, 64, 1),
        ("m7i-flex.2xlarge", 8, 32, 0),
    ],
)
def test_instance_names(name, vcpus, gib, gpus):
    found = instance(name)
    assert (found.vcpus, found.memory_gib, found.gpus) == (vcpus, gib, gpus)


@pytest.mark.parametrize("name", ["", "g6", "g6.huge", "2xlarge"])
def test_bad_instance_names_show_the_form(name):
    with pytest.raises(BadInputError, match=r"g6\.2xlarge"):
        instance(name)


@pytest.mark.parametrize("name", ["m7g.xlarge", "g5g.xlarge", "c7gn.2xlarge", "x2gd.xlarge"])
def test_arm_types_are_refused(name):
    with pytest.raises(BadInputError, match=f"{name}: an ARM processor, but the environments are built for x86-64"):
        instance(name)


@pytest.mark.parametrize("name", ["g4ad.xlarge", "p3.2xlarge", "g3.4xlarge"])
def test_gpus_that_cannot_embed_are_refused(name):
    with pytest.raises(BadInputError, match=f"{name}: no GPU family known here; there are g4dn"):
        instance(name)


@pytest.mark.parametrize("name", PRICED)
def test_every_priced_type_is_known(name):
    assert instance(name).vcpus >= 2


def costly(plan, usd=100.0, hours=0.5):
    return plan.model_copy(update={"estimate": plan.estimate.model_copy(update={"usd": usd, "cluster_hours": hours})})


def test_an_affordable_plan_goes(plan_of):
    verdict = decide_start(plan_of())
    assert verdict.go
    assert "0.60 USD" in verdict.why
    assert "budget 20.00" in verdict.why
    assert "layout all_gpu" in verdict.why


def test_the_layout_that_was_chosen_is_told_with_its_reason(plan_of):
    plan = plan_of({"cluster": {"compute": "auto"}})
    made = cheapest(Workload(scenes=2, cells=16, candidates=32, chips=20, vectors=20), plan.settings)
    why = decide_start(plan.model_copy(update={"estimate": made})).why
    assert f"layout cpu (about {made.usd:.2f} USD against" in why


def test_nothing_new_stops(plan_of):
    verdict = decide_start(plan_of(work="nothing"))
    assert not verdict.go
    assert verdict.why.startswith("nothing new for town in 2024-07: 3 scenes found")


def test_a_dry_run_stops_and_tells_the_cost(plan_of):
    plan = plan_of({"limits": {"dry_run": True}})
    verdict = decide_start(plan)
    assert not verdict.go
    assert "dry run: about 0.60 USD" in verdict.why
    assert "would be refused" not in verdict.why
    assert "it would be refused: the estimate of 100.00 USD" in decide_start(costly(plan)).why


def test_over_budget_fails_with_numbers_and_knobs(plan_of):
    plan = costly(plan_of({"cluster": {"spot": False}, "selection": {"passes_per_month": 4}}))
    with pytest.raises(BudgetError) as caught:
        decide_start(plan)
    for word in (
        "100.00 USD is above budget_usd 20.00",
        "2 scenes, 16 cells, 20 chips",
        "raise budget_usd",
        "max_scene_cloud (now 80)",
        "passes_per_month (now 4)",
        "fewer months",
        "set compute to auto",
        "set spot",
    ):
        assert word in str(caught.value)


def test_longer_than_a_cluster_may_live_fails_too(plan_of):
    with pytest.raises(BudgetError, match=r"30.0 h is above cluster.max_hours 12 .*raise gpu_count \(now 1\)"):
        decide_start(costly(plan_of(), usd=1.0, hours=30.0))


def test_without_gpus_other_knobs_are_named(plan_of):
    with pytest.raises(BudgetError, match=r"raise cpu_count \(now 2\)") as caught:
        decide_start(costly(plan_of({"cluster": {"layout": "cpu", "cpu_count": 2}}), hours=30.0))
    assert "compute" not in str(caught.value)


def test_exactly_the_budget_goes(plan_of):
    assert decide_start(costly(plan_of(), usd=20.0, hours=12.0)).go
