"""Whether a plan may start a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claylake.errors import BudgetError, UnusableMonthError
from claylake.run.nodes_advice import about_nodes, lone_spot
from claylake.run.remarks import left_out, reasons

if TYPE_CHECKING:
    from claylake.plan import Plan


_ROUNDING: Final = 1e-9
_SHOWN_H: Final = 0.05
"""Which one decimal shows."""


@dataclass(frozen=True, kw_only=True)
class StartDecision:
    """`go`: start the cluster. `why`: one line for people."""

    go: bool
    why: str


def decide_start(plan: Plan) -> StartDecision:
    """Stop a run with nothing to do, or a dry run; let an affordable one go, and any on this machine.

    Raises:
        UnusableMonthError: if too few of a month's scenes can be used; also in a dry run.
        BudgetError: if the estimate is above the budget, or longer than a cluster or one spot node may live;
            the message has the numbers, and what lowers them.
    """
    estimate, limits = plan.estimate, plan.settings.limits
    unusable = too_few_usable(plan)
    if unusable:
        raise UnusableMonthError(unusable)
    if plan.work == "nothing":
        what = "; ".join((_found(plan), *plan.remarks))
        return StartDecision(go=False, why=f"nothing new for {plan.aoi_name} in {plan.period}: {what}")
    if plan.settings.local is not None:
        sizes = f"about {estimate.read_gb:.2g} GB to read, {estimate.store_gb:.2g} GB to store, {_size(plan)}"
        return StartDecision(go=not limits.dry_run, why=f"dry run: {sizes}" if limits.dry_run else sizes)
    cost = f"about {estimate.usd:.2f} USD, {_hours(plan)}, {_size(plan)}; layout {_layout(plan)}"
    if plan.kept_year:
        cost += f"; {plan.kept_year.text}"
    cost = "; ".join((cost, *about_nodes(estimate, plan.settings)))
    excess = _excess(plan)
    if limits.dry_run:
        return StartDecision(go=False, why=f"dry run: {cost}" + (f"; it would be refused: {excess}" if excess else ""))
    if excess:
        msg = f"{plan.aoi_name} {plan.period}: {excess} ({_size(plan)}). {_remedies(plan)}"
        raise BudgetError(msg)
    return StartDecision(go=True, why=f"{cost}; budget {limits.budget_usd:.2f} USD")


def too_few_usable(plan: Plan) -> str:
    """What is wrong with the scenes of the plan's months, and what to do; empty where enough of them can be used."""
    least = plan.settings.limits.min_usable_frac
    # Of an unusable scene the month may not be known: the sum has all of them.
    counts = [(plan.period, plan.found.usable, plan.found.listed)]
    counts += [(month, of.usable, of.listed) for month, of in plan.usable.items() if month != plan.period]
    few = [(period, usable, listed) for period, usable, listed in counts if usable < least * listed - _ROUNDING]
    if not few:
        return ""
    found = ", ".join(f"{usable:,} of {listed:,} scenes of {period}" for period, usable, listed in few)
    where = f"{', '.join(plan.settings.selection.collections)} at {plan.settings.catalogue.url}"
    return (
        f"{plan.aoi_name}: only {found} can be used, and min_usable_frac requires {least:g} of them. "
        f"Left out: {reasons(plan.found.unusable)}; the log of task plan names each item and what is wrong with it. "
        f"To go on: check that the catalogue ({where}) is the one meant, or lower min_usable_frac to do without them."
    )


def _layout(plan: Plan) -> str:
    choice = plan.estimate.choice
    return f"{choice.layout} ({choice.why})" if choice else plan.layout


def _hours(plan: Plan) -> str:
    hours, lost = plan.estimate.cluster_hours, plan.estimate.lost_hours
    return f"{hours:.1f} h" + (
        f" ({lost:.1f} h of them for spot nodes that EC2 takes back)" if lost >= _SHOWN_H else ""
    )


def _excess(plan: Plan) -> str:
    estimate, budget, longest = plan.estimate, plan.settings.limits.budget_usd, plan.settings.cluster.max_hours
    reasons = []
    if estimate.usd > budget:
        reasons.append(f"the estimate of {estimate.usd:.2f} USD is above budget_usd {budget:.2f}")
    if estimate.cluster_hours > longest:
        reasons.append(f"the estimate of {estimate.cluster_hours:.1f} h is above cluster.max_hours {longest}")
    if _refuses_alone(plan):
        reasons.append(lone_spot(estimate, plan.settings))
    return " and ".join(reasons)


def _refuses_alone(plan: Plan) -> bool:
    return plan.settings.cluster.lone_spot == "refuse" and bool(lone_spot(plan.estimate, plan.settings))


def _size(plan: Plan) -> str:
    estimate = plan.estimate
    vectors = f", {plan.missing_vectors:,} vectors missing" if plan.missing_vectors else ""
    return f"{estimate.scenes:,} scenes, {estimate.cells:,} cells, {estimate.chips:,} chips{vectors}"


def _found(plan: Plan) -> str:
    found = plan.found
    return (
        f"{found.items} scenes found, {found.settled} of them done before, {found.too_cloudy} too cloudy, "
        f"{found.other_month} of another month"
        + (f", {found.other_date} outside the dates" if found.other_date else "")
    ) + (f"; {left_out(found)}" if found.unusable else "")


def _remedies(plan: Plan) -> str:
    cluster, selection = plan.settings.cluster, plan.settings.selection
    remedies = [
        "raise budget_usd",
        f"lower max_scene_cloud (now {selection.max_scene_cloud:g})",
        f"set passes_per_month (now {selection.passes_per_month or 'all'})",
        "take fewer months or a smaller AOI",
    ]
    if cluster.compute == "fixed" and cluster.layout != "cpu":
        remedies.append("set compute to auto")
    if not cluster.spot:
        remedies.append("set spot")
    if plan.estimate.more_nodes:
        remedies.append(f"take {plan.estimate.more_nodes.text}")
    elif plan.estimate.cluster_hours > cluster.max_hours or _refuses_alone(plan):
        count = "cpu_count" if plan.layout == "cpu" else "gpu_count"
        remedies.append(f"raise {count} (now {getattr(cluster, count)}) or cluster.max_hours")
    if _refuses_alone(plan):
        remedies.append("set cluster.lone_spot to warn, or spot to false")
    return "To go on: " + "; ".join(remedies) + "."
