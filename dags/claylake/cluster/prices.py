"""What instances cost: the settings' list prices, spot share and EMR's fee."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claylake.cluster.shape import Nodes, Shape
    from claylake.configuration.settings import Settings


def node_usd_h(settings: Settings, kind: str, *, spot: bool) -> float:
    """US dollars per hour of one node. EMR's fee is on the on-demand price, of spot instances too.

    Args:
        settings: of the run.
        kind: instance type, one that the settings price.
        spot: whether it is a spot instance.
    """
    prices = settings.prices
    return prices.instance_usd_h[kind] * ((prices.spot_factor if spot else 1.0) + prices.emr_factor)


def nodes_usd_h(settings: Settings, nodes: Nodes) -> float:
    """US dollars per hour of a group of nodes, were it of the dearest of its types."""
    return max(nodes.count(kind) * node_usd_h(settings, kind.name, spot=settings.cluster.spot) for kind in nodes.types)


def cluster_usd(settings: Settings, shape: Shape, *, hours: float, task_hours: float) -> float:
    """US dollars of a cluster.

    Args:
        settings: of the run.
        shape: the cluster's nodes.
        hours: of the primary and core nodes.
        task_hours: of the GPU nodes that joined; without effect where `shape` has none.
    """
    primary = node_usd_h(settings, shape.primary.name, spot=False)
    task = nodes_usd_h(settings, shape.task) if shape.task else 0.0
    return hours * (primary + nodes_usd_h(settings, shape.core)) + task_hours * task


def counts(settings: Settings, *groups: Nodes | None) -> dict[str, int]:
    """Instance counts by type, each group taken as the dearest of its types."""
    listed = settings.prices.instance_usd_h
    found: dict[str, int] = {}
    for nodes in groups:
        if nodes is not None:
            prices = {kind: nodes.count(kind) * listed[kind.name] for kind in nodes.types}
            kind = max(prices, key=prices.__getitem__)
            found[kind.name] = found.get(kind.name, 0) + nodes.count(kind)
    return found


def market(settings: Settings) -> str:
    """How core and GPU nodes are bought, in words."""
    if not settings.cluster.spot:
        return "all nodes on demand"
    return f"core and GPU nodes spot at {settings.prices.spot_factor:g} of on demand"
