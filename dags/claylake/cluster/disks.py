"""The nodes' gp3 disks: how large, what they cost, and how long writing to them takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from claylake.cluster.shape import Nodes, Shape
    from claylake.configuration.settings import Cluster, Settings

ROOT_GIB: Final = 60
"""EMR's image, GPU drivers with CUDA's own tools, and the jobs' environments of up to 10 GB."""
DISK_BASE_GIB: Final = 40
"""HDFS with a step's jars, logs, and room for small shuffles."""
DISK_PER_STORED: Final = 3.0
"""Room over what a run stores: sorting writes it to disk once, maintenance again, each with its merge."""
REWRITTEN_SHARE: Final = 0.19
"""Of what is stored, what maintenance joins: 1.19 times the stored bytes were written in a year of a small area."""
WRITES_PER_REWRITTEN: Final = 3.0
"""To the disk for each byte that is joined: sorted, merged, and staged before it is stored."""
FREE_MIB_S: Final = 125
"""Throughput that is in gp3's price for its size."""
MONTH_H: Final = 730.0
_STEP_GIB: Final = 10
_MOST_GIB: Final = 2000
_MIB: Final = 1024 * 1024


def disk_gib(cluster: Cluster, store_gb: float, nodes: Nodes) -> int:
    """Disk of each node: as the settings say, else by what the run is expected to store.

    Args:
        cluster: of the settings.
        store_gb: that the run is expected to store.
        nodes: those that share it.
    """
    if cluster.ebs_gib is not None:
        return cluster.ebs_gib
    wanted = DISK_BASE_GIB + DISK_PER_STORED * store_gb / nodes.fewest
    return min(_MOST_GIB, math.ceil(wanted / _STEP_GIB) * _STEP_GIB)


def writing_h(cluster: Cluster, store_gb: float, nodes: Nodes) -> float:
    """Hours for which maintenance waits for its nodes' disks.

    Extraction and embedding write their files from memory to S3: no disk bounds them.

    Args:
        cluster: of the settings, which has the throughput of each disk.
        store_gb: that the run is expected to store.
        nodes: those that maintain.
    """
    written = store_gb * 1e9 * REWRITTEN_SHARE * WRITES_PER_REWRITTEN
    return written / (nodes.fewest * cluster.ebs_mib_s * _MIB) / 3600


def disks_usd(settings: Settings, shape: Shape, store_gb: float, *, hours: float, task_hours: float) -> float:
    """US dollars of all nodes' disks, root disks included, each group taken with the most nodes that it may have.

    Args:
        settings: of the run.
        shape: the cluster's nodes.
        store_gb: that the run is expected to store.
        hours: of the primary and core nodes.
        task_hours: of the GPU nodes that joined.
    """
    root = settings.prices.gp3_usd_gb_month * ROOT_GIB / MONTH_H
    core = _most(shape.core) * (root + _data_usd_h(settings, store_gb, shape.core))
    task = _most(shape.task) * (root + _data_usd_h(settings, store_gb, shape.task)) if shape.task else 0.0
    return hours * (root + core) + task_hours * task


def node_disks_usd_h(settings: Settings, shape: Shape, store_gb: float, kind: str) -> float:
    """US dollars per hour of the disks of one node: its root disk, and for data those of the group with its type.

    Args:
        settings: of the run.
        shape: the cluster's nodes.
        store_gb: that the run was expected to store, by which disks were sized.
        kind: instance type.
    """
    root = settings.prices.gp3_usd_gb_month * ROOT_GIB / MONTH_H
    groups = (shape.core, shape.task) if shape.task else (shape.core,)
    found = (nodes for nodes in groups if kind in {each.name for each in nodes.types})
    nodes = next(found, None)
    return root + (_data_usd_h(settings, store_gb, nodes) if nodes else 0.0)


def _data_usd_h(settings: Settings, store_gb: float, nodes: Nodes) -> float:
    """US dollars per hour of one node's disk for data: its size, and its throughput above what is free."""
    prices, cluster = settings.prices, settings.cluster
    size = prices.gp3_usd_gb_month * disk_gib(cluster, store_gb, nodes)
    return (size + prices.gp3_usd_mib_s_month * max(0, cluster.ebs_mib_s - FREE_MIB_S)) / MONTH_H


def _most(nodes: Nodes) -> int:
    return max(nodes.count(kind) for kind in nodes.types)
