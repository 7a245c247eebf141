"""Which GPU a task was given by Spark, or takes on a machine of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark.embedding.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Sequence


def device_of_task() -> str | None:
    """`cuda:<n>` of the GPU that Spark assigned to the running task, or that is its own of several on one machine.

    None where there is nothing to choose.
    """
    from pyspark import TaskContext

    task = TaskContext.get()
    if task is None:
        return None
    import torch

    given, visible = task.resources().get("gpu"), torch.cuda.device_count()
    return own_device(task.partitionId(), visible) if given is None else visible_device(given.addresses, visible)


def own_device(partition: int, visible: int) -> str | None:
    """The device of a task where Spark assigns none: GPUs in turn, by the number of its partition.

    Args:
        partition: the task's.
        visible: number of GPUs that CUDA sees.
    """
    return f"cuda:{partition % visible}" if visible > 1 else None


def visible_device(addresses: Sequence[str], visible: int) -> str:
    """The device of the first address.

    YARN shows a container only its own GPUs, and CUDA counts what it sees from 0, while Spark passes on the address
    that the discovery script has printed: where just one is visible, it is that one.

    Args:
        addresses: indices of GPUs, as Spark's discovery script named them.
        visible: number of GPUs that CUDA sees.

    Raises:
        EmbeddingError: the address cannot be matched to a visible GPU.
    """
    if visible == 1:
        return "cuda:0"
    first = addresses[0] if addresses else ""
    if first.isdecimal() and int(first) < visible:
        return f"cuda:{int(first)}"
    raise EmbeddingError(
        f"Spark assigned GPU {first!r} to this task, but CUDA sees {visible} of them: look at nvidia-smi on the node, "
        "and at what the discovery script prints there"
    )
