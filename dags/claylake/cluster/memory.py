"""How the driver and the executors of a step divide the memory that YARN has on each node.

A container that does not fit never starts, and its application waits for ever without being idle. So nothing is
assumed: the request states YARN's memory for each type, and `SLACK_MIB` of it stay free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claylake.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claylake.cluster.shape import Nodes, Shape
    from claylake.configuration.instances import Instance

SLACK_MIB: Final = 512
"""Stays free at least on a node that runs the driver and all its executors."""
DRIVER_OVERHEAD_GIB: Final = 1
_DRIVER_SHARE: Final = 0.2
_HEAP_SHARE: Final = 0.4
"""The rest of an executor is for Python workers: pixels live there."""
_LEAST_GIB: Final = 2
"""Heap and overhead of an executor."""


@dataclass(frozen=True, kw_only=True)
class Executor:
    """What each executor of a step gets."""

    cores: int
    heap_gib: int
    overhead_gib: int

    @property
    def mib(self) -> int:
        """Memory of its container."""
        return (self.heap_gib + self.overhead_gib) * 1024


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A node that runs the driver and all executors that its units stand for. Memory in MiB."""

    kind: Instance
    executors: int
    driver_mib: int
    executor_mib: int

    @property
    def slack_mib(self) -> int:
        """What stays free of YARN's memory."""
        return self.kind.yarn_mib - self.driver_mib - self.executors * self.executor_mib


def driver_heap_gib(shape: Shape) -> int:
    """Heap of the driver, which YARN may put on any node, beside that node's executors."""
    least = min(kind.yarn_mib for kind in worker_types(shape))
    return max(1, int(least / 1024 * _DRIVER_SHARE))


def executor_of(shape: Shape, workers: Nodes) -> Executor:
    """An executor that fits a unit of every type that EMR may choose, with the driver on its node.

    Args:
        shape: the cluster.
        workers: its nodes that the step runs on.

    Raises:
        BadInputError: a type has too little memory.
    """
    taken = _driver_mib(shape) + SLACK_MIB
    smallest = min(workers.types, key=lambda kind: (kind.yarn_mib - taken) / workers.weight(kind))
    gib = (smallest.yarn_mib - taken) // workers.weight(smallest) // 1024
    if gib < _LEAST_GIB:
        names = ", ".join(kind.name for kind in workers.types)
        msg = (
            f"instance type {smallest.name} has too little memory beside {names}: {smallest.yarn_mib} MiB for the "
            f"driver ({_driver_mib(shape)} MiB) and {workers.weight(smallest)} executor(s) of {_LEAST_GIB} GiB; "
            "take it out of the settings' section cluster, or use types with more memory"
        )
        raise BadInputError(msg)
    cores = min((kind.vcpus - 1) // workers.weight(kind) for kind in workers.types)
    heap_gib = max(1, int(gib * _HEAP_SHARE))
    return Executor(cores=max(1, cores), heap_gib=heap_gib, overhead_gib=gib - heap_gib)


def require_fit(shape: Shape) -> None:
    """Refuse a cluster on which some step could not run, before it costs anything.

    Raises:
        BadInputError: a type has too little memory.
    """
    for nodes in (shape.core, shape.embedders):
        executor_of(shape, nodes)


def fits(shape: Shape, workers: Nodes) -> Iterator[Fit]:
    """How each type of some nodes is filled, in the order of the settings.

    Args:
        shape: the cluster.
        workers: its nodes that a step runs on.
    """
    executor = executor_of(shape, workers)
    for kind in workers.types:
        yield Fit(kind=kind, executors=workers.weight(kind), driver_mib=_driver_mib(shape), executor_mib=executor.mib)


def worker_types(shape: Shape) -> tuple[Instance, ...]:
    """Types of all nodes that run containers."""
    return (*shape.core.types, *(shape.task.types if shape.task else ()))


def _driver_mib(shape: Shape) -> int:
    return (driver_heap_gib(shape) + DRIVER_OVERHEAD_GIB) * 1024
