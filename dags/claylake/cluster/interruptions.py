"""What the loss of spot nodes is expected to cost a run, in hours.

EC2 takes back each spot node at `prices.spot_interruptions_h`. So of n nodes n times as many are lost in an hour, but
each is only the nth part of the cluster, and only one of them runs the step's driver, without which the step begins
again from its last commit. What is lost in an hour does not depend on n, then: it depends on how many hours there are.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claylake.cluster.shape import Shape
    from claylake.configuration.settings import Settings

REPLACE_H: Final = 0.25
"""Until a node that EMR sends for a lost one works: as at a cluster's start."""
EXTRACT_COMMIT_H: Final = 400 / 3600
"""Between commits of extraction at most: a batch is 4 GB for each slot, which is 8,000 chips at 20 a second."""
EMBED_COMMIT_CHIPS: Final = 20_000
"""Whose vectors are committed at a time."""


def lost_h(settings: Settings, phases: Iterable[tuple[float, float]]) -> float:
    """Hours that a run is expected to lose; none on demand.

    Args:
        settings: of the run.
        phases: hours of each part of the work, and hours between its commits.
    """
    if not settings.cluster.spot:
        return 0.0
    # A driver is lost halfway between commits, on average.
    each = (hours * (REPLACE_H + min(hours, commit) / 2) for hours, commit in phases)
    return settings.prices.spot_interruptions_h * sum(each)


def is_lone(settings: Settings, shape: Shape) -> bool:
    """Whether all work of a kind may hang on one spot node."""
    groups = (shape.core, shape.task) if shape.task else (shape.core,)
    taken_back = settings.cluster.spot and settings.prices.spot_interruptions_h > 0
    return taken_back and any(nodes.fewest == 1 for nodes in groups)


def chance(settings: Settings, hours: float) -> float:
    """Chance that one spot node is taken back within so many hours."""
    return -math.expm1(-settings.prices.spot_interruptions_h * hours)
