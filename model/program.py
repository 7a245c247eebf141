"""An encoder's program, read from its file and made ready to run.

Like `model.lean`, this module stands alone (torch and the standard library) and is shipped to executors.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor
from torch.export.passes import move_to_device_pass
from torch.fx import GraphModule, Node

Vectors: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(dn `[B, C, 256, 256]`, time `[B, 4]`, latlon `[B, 4]`), all float32, to `[B, out_dim]` float32."""


def load_program(path: Path, device: str = "cpu") -> Vectors:
    """Read a program onto a device; on CPUs with its weights laid out for oneDNN."""
    with warnings.catch_warnings():
        # torch's own reader makes tensors over read-only bytes and copies them later.
        warnings.filterwarnings("ignore", message="The given buffer is not writable", category=UserWarning)
        exported = torch.export.load(path)
    if device != "cpu":
        exported = move_to_device_pass(exported, device)
    program = exported.module()
    if device == "cpu":
        lay_out_weights(program)
    vectors: Vectors = program
    return vectors


def lay_out_weights(program: GraphModule) -> int:
    """Bring the weights of oneDNN's products (form `onednn` of `model.lean`) into the order that its kernels read.

    Each product would do so again in every pass. A file cannot hold weights in that order, which is the machine's own.
    A weight of which anything else makes use, such as a slice, stays as it is.

    Returns:
        How many were laid out.
    """
    uses: dict[str, list[Node]] = {}
    for node in program.graph.find_nodes(op="get_attr"):
        uses.setdefault(str(node.target), []).append(node)
    whole = [name for name, nodes in uses.items() if all(_only_multiplied(node) for node in nodes)]
    for name in whole:
        owner, _, leaf = name.rpartition(".")
        module = program.get_submodule(owner)
        weight = getattr(module, leaf).detach()
        delattr(module, leaf)  # a parameter's place takes no tensor of another layout
        setattr(module, leaf, torch.ops.mkldnn._reorder_linear_weight(weight))  # noqa: SLF001 - no public name
    return len(whole)


def _only_multiplied(node: Node) -> bool:
    """Whether all that is made of a tensor are oneDNN's products by it."""
    product = torch.ops.mkldnn._linear_pointwise.default  # noqa: SLF001 - no public name
    return bool(node.users) and all(
        user.target is product and user.args[1] is node and node not in (user.args[0], user.args[2])
        for user in node.users
    )
