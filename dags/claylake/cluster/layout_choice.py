"""Which layout a run takes, and how many nodes.

The layout is the settings' own, or with ``compute: auto`` the cheaper of that and ``cpu``. The numbers are the
settings' own, or with ``counts: auto`` the larger ones that `claylake.cluster.more_nodes` suggests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.cluster.estimate import Workload, estimate
from claylake.cluster.more_nodes import suggested, with_counts
from claylake.plan import Choice, Estimate

if TYPE_CHECKING:
    from claylake.configuration.settings import Layout, Settings


def cheapest(load: Workload, settings: Settings) -> Estimate:
    """The estimate of the chosen layout, with the choice and its reason.

    A layout that would take longer than ``cluster.max_hours`` is chosen only where no other fits.
    """
    cluster = settings.cluster
    found: dict[Layout, Estimate] = {layout: estimate(load, settings, layout) for layout in cluster.layouts}
    best = min(found, key=lambda layout: (found[layout].cluster_hours > cluster.max_hours, found[layout].usd))
    choice = Choice(layout=best, why=_why(best, found, settings), usd={name: one.usd for name, one in found.items()})
    more = suggested(load, settings, best, found[best])
    return found[best].model_copy(update={"choice": choice, "more_nodes": more})


def planned(load: Workload, settings: Settings) -> tuple[Settings, Estimate]:
    """The estimate, and the settings with the numbers of units that the run takes: larger ones by ``counts: auto``.

    The layout stays the one that was chosen before.
    """
    found = cheapest(load, settings)
    more, choice = found.more_nodes, found.choice
    if settings.cluster.counts == "fixed" or more is None or choice is None:
        return settings, found
    larger = with_counts(settings, more.counts)
    taken = ", ".join(f"{name} {count}" for name, count in more.counts.items())
    why = f"{choice.why}; cluster.counts auto takes {taken}"
    again = estimate(load, larger, choice.layout)
    usd = {**choice.usd, choice.layout: again.usd}
    return larger, again.model_copy(update={"choice": choice.model_copy(update={"why": why, "usd": usd})})


def _why(best: Layout, found: dict[Layout, Estimate], settings: Settings) -> str:
    cluster = settings.cluster
    if len(found) == 1:
        note = ", where compute auto has nothing to compare" if cluster.compute == "auto" else ""
        return f"cluster.layout is {cluster.layout}{note}"
    [other] = [layout for layout in found if layout != best]
    comparison = f"about {found[best].usd:.2f} USD against {found[other].usd:.2f} of {other}"
    if found[other].usd < found[best].usd:
        return f"{comparison}, which would take {found[other].cluster_hours:.1f} h, longer than cluster.max_hours"
    return comparison
