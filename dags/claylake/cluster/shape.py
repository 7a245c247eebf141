"""What a cluster of each layout is made of: groups of interchangeable nodes, counted in units.

A unit is what one executor gets: a GPU with its share of the node, or a node of the smallest CPU
type. EMR fills a fleet's target, in units, with whichever types are cheap and there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake.configuration.instances import Instance, instance

if TYPE_CHECKING:
    from claylake.configuration.settings import Cluster, Layout


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """Interchangeable nodes: their types, and how many units of them there are to be."""

    types: tuple[Instance, ...]
    units: int

    @property
    def has_gpus(self) -> bool:
        """Whether the nodes have GPUs; all have, or none."""
        return self.types[0].gpus > 0

    def weight(self, kind: Instance) -> int:
        """Units that a node of one of the types is."""
        return kind.gpus or kind.vcpus // min(other.vcpus for other in self.types)

    def count(self, kind: Instance) -> int:
        """Nodes of one of the types that make up all units."""
        return math.ceil(self.units / self.weight(kind))

    @property
    def fewest(self) -> int:
        """Nodes that there will be at least."""
        return min(self.count(kind) for kind in self.types)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A cluster: its primary node, core nodes, and the GPU nodes that join for embedding, if any."""

    layout: Layout
    primary: Instance
    core: Nodes
    task: Nodes | None

    @property
    def embedders(self) -> Nodes:
        """The nodes that embed."""
        return self.task or self.core


def shape_of(cluster: Cluster, layout: Layout) -> Shape:
    """The cluster that the settings describe, in one of the layouts."""
    gpu = _nodes(cluster.gpu_types, cluster.gpu_count)
    cpu = _nodes(cluster.cpu_types, cluster.cpu_count)
    return Shape(
        layout=layout,
        primary=instance(cluster.primary_type),
        core=gpu if layout == "all_gpu" else cpu,
        task=gpu if layout == "split" else None,
    )


def _nodes(names: tuple[str, ...], units: int) -> Nodes:
    """Nodes of these types but for those that are more units than there are to be, unless all are."""
    everything = Nodes(types=tuple(map(instance, names)), units=units)
    needed = tuple(kind for kind in everything.types if everything.weight(kind) <= units)
    return Nodes(types=needed or everything.types, units=units)
