"""More nodes than the settings give a run, where they cost about the same and take far fewer hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claylake.cluster.estimate import Workload, estimate
from claylake.configuration.cluster_settings import MOST_UNITS
from claylake.errors import BadInputError
from claylake.plan import MoreNodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claylake.configuration.settings import Layout, Settings
    from claylake.plan import Estimate

DEARER: Final = 1.05
"""Times the lowest price, of any number of nodes, that more nodes may cost."""
SHORTER: Final = 0.5
"""Of the hours that they may take."""
_NEAR: Final = 1.1
"""Times the fewest hours that fewer nodes may take: quotas are easier to have for these."""
_COUNTS: Final[dict[Layout, tuple[str, ...]]] = {
    "all_gpu": ("gpu_count",),
    "cpu": ("cpu_count",),
    "split": ("gpu_count", "cpu_count"),
}


def suggested(load: Workload, settings: Settings, layout: Layout, now: Estimate) -> MoreNodes | None:
    """The fewest nodes that are about as fast as any within a few per cent of the lowest price; None where none help.

    Where the run is within its budget now, it is so with more nodes.

    Args:
        load: what there is to do.
        settings: of the run, with the counts that it has now.
        layout: of the cluster.
        now: the estimate with these.
    """
    if not now.cluster_hours:
        return None
    larger = [
        MoreNodes(counts=counts, cluster_hours=one.cluster_hours, usd=one.usd)
        for counts, one in _larger(load, settings, layout)
    ]
    most_usd = DEARER * min([now.usd, *(one.usd for one in larger)])
    if now.usd <= settings.limits.budget_usd:
        most_usd = min(most_usd, settings.limits.budget_usd)
    found = [one for one in larger if one.usd <= most_usd and one.cluster_hours <= SHORTER * now.cluster_hours]
    if not found:
        return None
    fewest = min(one.cluster_hours for one in found)
    return next(one for one in found if one.cluster_hours <= _NEAR * fewest)


def with_counts(settings: Settings, counts: dict[str, int]) -> Settings:
    """The settings with other numbers of units."""
    return settings.model_copy(update={"cluster": settings.cluster.model_copy(update=counts)})


def _larger(load: Workload, settings: Settings, layout: Layout) -> Iterator[tuple[dict[str, int], Estimate]]:
    """Whole multiples of the counts, as far as the settings allow, with their estimates; smallest first."""
    counts = {name: getattr(settings.cluster, name) for name in _COUNTS[layout]}
    for times in range(2, MOST_UNITS // max(counts.values()) + 1):
        larger = {name: count * times for name, count in counts.items()}
        try:
            yield larger, estimate(load, with_counts(settings, larger), layout)
        except BadInputError:  # larger types, which fewer units leave out, may not fit beside the others
            continue
