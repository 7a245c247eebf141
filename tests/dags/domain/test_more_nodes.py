"""Disks, the loss of spot nodes, and more nodes: by hand, by property, and by trying every number."""

import json
from dataclasses import replace
from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claylake.cluster.disks import writing_h
from claylake.cluster.estimate import Workload, estimate
from claylake.cluster.interruptions import lost_h
from claylake.cluster.layout_choice import cheapest, planned
from claylake.cluster.more_nodes import with_counts
from claylake.cluster.shape import shape_of
from claylake.configuration.settings import assemble
from claylake.errors import BudgetError
from claylake.plan import Estimate, Plan
from claylake.run.gate import decide_start
from claylake.run.nodes_advice import about_nodes

MILLION_KM2 = Workload(scenes=810, cells=154_236, candidates=930_000, chips=612_000, vectors=612_000)
"""The month of docs/scale.md."""
G6 = {"gpu_types": ["g6.2xlarge"]}
NEW = {"lost_hours", "disks_usd", "more_nodes"}
KINDS = {"gpu_types": ["g6.2xlarge"], "cpu_types": ["m7i.2xlarge"]}
sizes = st.integers(1, 10**6)


def settings_of(prices=None, precision="fp32", limits=None, **cluster):
    given = {"cluster": cluster, "prices": prices or {}, "encoder": {"precision": precision}, "limits": limits or {}}
    return assemble({"x": given})


def month(chips):
    """Of so many chips: each from one and a half observations, 760 of a scene."""
    return Workload(scenes=-(-chips // 760), cells=chips, candidates=chips + chips // 2, chips=chips, vectors=chips)


layouts = st.sampled_from(["all_gpu", "split", "cpu"])


@given(sizes, layouts, st.booleans(), st.integers(1, 63))
def test_more_nodes_never_take_more_hours(chips, layout, spot, count):
    of = [settings_of(layout=layout, spot=spot, gpu_count=n, cpu_count=n, **KINDS) for n in (count, count + 1)]
    few, more = (estimate(month(chips), each) for each in of)
    assert more.cluster_hours <= few.cluster_hours
    assert more.lost_hours <= few.lost_hours


@given(sizes, sizes, layouts, st.integers(1, 64))
def test_a_larger_area_never_takes_or_costs_less(chips, more, layout, count):
    given = settings_of(layout=layout, gpu_count=count, cpu_count=count, **KINDS)
    # Of scenes enough: one more gives work to more processors.
    small, large = (estimate(replace(month(n), scenes=10_000), given) for n in (chips, chips + more))
    for name in ("cluster_hours", "lost_hours", "disks_usd", "usd"):
        assert getattr(small, name) <= getattr(large, name)


@settings(max_examples=40)
@given(sizes, layouts, st.integers(1, 40), st.booleans())
def test_what_is_suggested_is_the_fewest_of_all_that_would_do(chips, layout, count, spot):
    """By trying every multiple of the counts."""
    given = settings_of(layout=layout, spot=spot, gpu_count=count, cpu_count=count, **KINDS)
    load, budget = month(chips), given.limits.budget_usd
    now = cheapest(load, given)
    names = {"all_gpu": ["gpu_count"], "cpu": ["cpu_count"], "split": ["gpu_count", "cpu_count"]}[layout]
    tried = [dict.fromkeys(names, count * times) for times in range(2, 65) if count * times <= 64]
    found = [(counts, estimate(load, with_counts(given, counts))) for counts in tried]
    lowest = min([now.usd, *(one.usd for _, one in found)])
    good = [
        (counts, one)
        for counts, one in found
        if one.usd <= 1.05 * lowest
        and (one.usd <= budget or now.usd > budget)
        and one.cluster_hours <= now.cluster_hours / 2
    ]
    if not good:
        assert now.more_nodes is None
        return
    near = [pair for pair in good if pair[1].cluster_hours <= 1.1 * min(one.cluster_hours for _, one in good)]
    counts, one = near[0]
    assert now.more_nodes.counts == counts
    assert (now.more_nodes.cluster_hours, now.more_nodes.usd) == (one.cluster_hours, one.usd)
    assert one.usd <= 1.05 * now.usd


def test_a_million_km2_on_one_spot_node_is_advised_against(plan_of):
    given = {"cluster": {**G6, "max_hours": 20}, "encoder": {"precision": "fp32"}}
    plan = plan_of(given)
    made = cheapest(MILLION_KM2, plan.settings)
    why = decide_start(plan.model_copy(update={"estimate": made})).why
    assert made.cluster_hours > 10
    assert made.more_nodes.cluster_hours < 2.5
    assert made.more_nodes.usd < made.usd
    assert f"gpu_count 8: {made.more_nodes.usd:.2f} USD, {made.more_nodes.cluster_hours:.1f} h, instead of" in why
    assert f"{made.cluster_hours:.1f} h (0.1 h of them for spot nodes that EC2 takes back)" in why
    assert "one spot node would work alone for about 13.2 h, above cluster.lone_spot_hours 4" in why
    assert f"with a chance of about {1 - exp(-0.01 * made.cluster_hours):.0%}" in why


@pytest.mark.parametrize(
    ("cluster", "prices", "warned"),
    [
        ({}, {}, True),
        ({"spot": False}, {}, False),
        ({"gpu_count": 2}, {}, False),
        ({"lone_spot_hours": 13.5}, {}, False),
        ({"layout": "split", "gpu_count": 2}, {}, True),
        ({"layout": "split", "gpu_count": 2, "cpu_count": 2}, {}, False),
        ({}, {"spot_interruptions_h": 0}, False),
    ],
)
def test_one_spot_node_is_warned_of_where_it_would_work_alone_for_long(cluster, prices, warned):
    given = settings_of(prices, **KINDS, **cluster)
    warnings = [text for text in about_nodes(cheapest(MILLION_KM2, given), given) if "one spot node" in text]
    assert len(warnings) == warned


def test_the_gate_refuses_one_spot_node_where_the_settings_say_so(plan_of):
    sections = {"cluster": {**G6, "lone_spot": "refuse", "lone_spot_hours": 2}, "limits": {"budget_usd": 50}}
    plan = plan_of(sections)
    made = cheapest(MILLION_KM2, plan.settings)
    with pytest.raises(BudgetError, match=r"one spot node would work alone .*take gpu_count 4: .*lone_spot to warn"):
        decide_start(plan.model_copy(update={"estimate": made}))
    assert decide_start(plan).go  # half an hour
    small = plan_of({**sections, "limits": {"dry_run": True}})
    assert "it would be refused: one spot" in decide_start(small.model_copy(update={"estimate": made})).why


def test_a_run_that_is_too_long_hears_of_the_number_that_is_not(plan_of):
    plan = plan_of({"cluster": {**G6, "max_hours": 3}})
    with pytest.raises(BudgetError, match=r"above cluster.max_hours 3 .*take gpu_count 4: 4\.\d\d USD, 1\.\d h"):
        decide_start(plan.model_copy(update={"estimate": cheapest(MILLION_KM2, plan.settings)}))


def test_more_nodes_never_break_a_budget_that_holds():
    """Two nodes at the price of one and a little: 10.00 would be above a budget that one keeps to."""
    free = settings_of(**G6, limits={"budget_usd": 100})
    one = cheapest(MILLION_KM2, free)
    tight = settings_of(**G6, limits={"budget_usd": one.usd * 1.001})
    assert cheapest(MILLION_KM2, tight).more_nodes.usd <= one.usd * 1.001


@pytest.mark.parametrize("layout", ["all_gpu", "split", "cpu"])
def test_auto_takes_what_would_be_suggested(layout):
    fixed, auto = (settings_of(layout=layout, counts=counts, **KINDS) for counts in ("fixed", "auto"))
    more = cheapest(MILLION_KM2, fixed).more_nodes
    taken, made = planned(MILLION_KM2, auto)
    assert {name: getattr(taken.cluster, name) for name in more.counts} == more.counts
    assert (
        (made.cluster_hours, made.usd)
        == (more.cluster_hours, more.usd)
        == (made.cluster_hours, made.choice.usd[layout])
    )
    assert "cluster.counts auto takes" in made.choice.why
    assert planned(MILLION_KM2, fixed) == (fixed, cheapest(MILLION_KM2, fixed))


def test_auto_leaves_a_small_month_alone():
    auto = settings_of(counts="auto")
    assert planned(month(100), auto) == (auto, cheapest(month(100), auto))


def test_disks_by_hand():
    """Two nodes of 60 + 230 GiB at 250 MiB/s beside the primary's root disk; 0.08 a GB and 0.04 a MiB/s above 125."""
    given = settings_of(layout="cpu", cpu_types=["m7i.2xlarge"], cpu_count=2)
    load = Workload(scenes=800, cells=260_000, candidates=260_000, chips=260_000, vectors=0)
    found = estimate(load, given)
    assert found.store_gb == pytest.approx(124.8)
    assert found.disks_usd == pytest.approx(found.cluster_hours / 730 * (2 * (290 * 0.08 + 125 * 0.04) + 60 * 0.08))
    dear = settings_of({"gp3_usd_gb_month": 0.16, "gp3_usd_mib_s_month": 0.08}, **given.cluster.model_dump())
    assert estimate(load, dear).disks_usd == pytest.approx(2 * found.disks_usd)
    assert estimate(load, dear).usd == pytest.approx(found.usd + found.disks_usd)


def test_slower_disks_take_longer_by_what_maintenance_writes():
    """0.19 of 100 GB, three times, on two nodes."""
    cluster = settings_of(gpu_count=2, ebs_mib_s=125, **G6).cluster
    nodes = shape_of(cluster, "all_gpu").core
    assert writing_h(cluster, 100, nodes) == pytest.approx(100e9 * 0.19 * 3 / (2 * 125 * 2**20) / 3600)
    hours = [estimate(MILLION_KM2, settings_of(ebs_mib_s=speed, **G6)).cluster_hours for speed in (750, 250, 125)]
    assert hours[0] < hours[1] < hours[2]


def test_nodes_on_demand_are_not_lost():
    assert estimate(MILLION_KM2, settings_of(spot=False)).lost_hours == 0
    assert estimate(MILLION_KM2, settings_of({"spot_interruptions_h": 0})).lost_hours == 0


def test_loss_by_hand():
    """Ten hours with a commit every two: at 1 % an hour a tenth of a loss, of a quarter and one hour."""
    assert lost_h(settings_of(), [(10, 2)]) == pytest.approx(0.01 * 10 * (0.25 + 1))
    assert lost_h(settings_of(), [(1, 2)]) == pytest.approx(0.01 * (0.25 + 0.5))


def test_a_plan_of_before_still_loads(plan_of, tmp_path):
    plan = plan_of()
    old = json.loads(plan.model_dump_json())
    for name in NEW:
        del old["estimate"][name]
    for section, names in {
        "cluster": ("counts", "lone_spot", "lone_spot_hours"),
        "prices": ("gp3_usd_gb_month", "gp3_usd_mib_s_month", "spot_interruptions_h"),
    }.items():
        for name in names:
            del old["settings"][section][name]
    (tmp_path / "plan.json").write_text(json.dumps(old))
    loaded = Plan.load(str(tmp_path / "plan.json"))
    assert loaded == plan
    assert NEW <= set(Estimate.model_fields)
    assert decide_start(loaded).go


@pytest.mark.parametrize("count", [1, 2, 4, 8, 16, 64])
def test_the_table_of_the_documentation_is_the_computed_one(count, pytestconfig):
    made = estimate(MILLION_KM2, settings_of(gpu_count=count, **G6))
    usd = f"{made.usd:.2f} | {made.disks_usd:.2f}"
    row = f"| {count} | {made.cluster_hours:.1f} | {usd} | {made.lost_hours:.3f} |"
    assert row in (pytestconfig.rootpath / "docs/cluster.md").read_text()
