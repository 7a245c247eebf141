"""What a plan's estimate says of the number of nodes: sentences for the gate's log, the note and the receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.cluster.interruptions import chance, is_lone
from claylake.cluster.shape import shape_of

if TYPE_CHECKING:
    from claylake.configuration.settings import Settings
    from claylake.plan import Estimate


def about_nodes(estimate: Estimate, settings: Settings) -> tuple[str, ...]:
    """More nodes where they cost about the same, and one spot node that works alone for too long; mostly none.

    Args:
        estimate: the plan's.
        settings: of the run.
    """
    return tuple(text for text in (_more(estimate), lone_spot(estimate, settings)) if text)


def lone_spot(estimate: Estimate, settings: Settings) -> str:
    """What is wrong with one spot node that works alone for longer than the settings allow; empty where none does.

    Args:
        estimate: the plan's.
        settings: of the run.
    """
    cluster = settings.cluster
    if not estimate.instances or estimate.cluster_hours <= cluster.lone_spot_hours:
        return ""
    if not is_lone(settings, shape_of(cluster, estimate.choice.layout if estimate.choice else cluster.layout)):
        return ""
    lost = chance(settings, estimate.cluster_hours)
    return (
        f"one spot node would work alone for about {estimate.cluster_hours:.1f} h, above cluster.lone_spot_hours "
        f"{cluster.lone_spot_hours:g}: EC2 takes it back meanwhile with a chance of about {lost:.0%}, and a step that "
        "loses it twice fails"
    )


def _more(estimate: Estimate) -> str:
    more = estimate.more_nodes
    if more is None:
        return ""
    return (
        f"more nodes cost about the same and take fewer hours: {more.text}, instead of {estimate.usd:.2f} USD, "
        f"{estimate.cluster_hours:.1f} h (cluster.counts auto takes them; quotas must allow them)"
    )
