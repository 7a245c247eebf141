"""An encoder's program, read from its file and made ready to run.

Like `model.lean`, this module is shipped to executors: it needs torch, the standard library, and what goes with it.
"""

import logging
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.export.passes import move_to_device_pass
from torch.fx import GraphModule, Node

from model.lean import PRECISIONS, LeanBlock, LeanEncoder
from model.processor import onednn_missing, onednn_refusal

Vectors: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(dn `[B, C, 256, 256]`, time `[B, 4]`, latlon `[B, 4]`), all float32, to `[B, out_dim]` float32."""

_PRECISION_OF = {dtype: name for name, dtype in PRECISIONS.items()}


def load_program(path: Path, device: str = "cpu") -> Vectors:
    """Read a program onto a device; on CPUs with its weights laid out for oneDNN."""
    with warnings.catch_warnings():
        # torch's own reader makes tensors over read-only bytes and copies them later.
        warnings.filterwarnings("ignore", message="The given buffer is not writable", category=UserWarning)
        exported = _read(path)
    if device != "cpu":
        exported = move_to_device_pass(exported, device)
    program = exported.module()
    if device == "cpu":
        lay_out_weights(program)
    vectors: Vectors = program
    return vectors


def _read(path: Path) -> torch.export.ExportedProgram:
    """What torch reads from a file; where it cannot, it raises the reason, which torch itself logs with a traceback.

    Raises:
        RuntimeError: Not a program of this torch.
    """
    reasons: list[object] = []

    def keep(record: logging.LogRecord) -> bool:
        reasons.append(record.exc_info[1] if record.exc_info else record.getMessage())
        return False

    log = logging.getLogger("torch.export")
    log.addFilter(keep)
    try:
        return torch.export.load(path)
    except RuntimeError as error:
        raise RuntimeError(str(reasons[0] if reasons else error)) from error
    finally:
        log.removeFilter(keep)


def lay_out_weights(program: GraphModule) -> int:
    """Bring the weights of oneDNN's products (form `onednn` of `model.lean`) into the order that its kernels read.

    Each product would do so again in every pass. A file cannot hold weights in that order, which is the machine's own.
    A weight of which anything else makes use, such as a slice, stays as it is; so does one of a precision in which this
    machine's oneDNN refuses.

    Returns:
        How many were laid out.
    """
    if onednn_missing() is not None:
        return 0
    uses: dict[str, list[Node]] = {}
    for node in program.graph.find_nodes(op="get_attr"):
        uses.setdefault(str(node.target), []).append(node)
    whole = [name for name, nodes in uses.items() if all(_only_multiplied(node) for node in nodes)]
    places = [(program.get_submodule(owner), leaf) for owner, _, leaf in (name.rpartition(".") for name in whole)]
    return sum(_lay_out(module, leaf) for module, leaf in places)


def lay_out_encoder(encoder: LeanEncoder) -> int:
    """Do the same to an encoder that is not a program; gives how many weights were laid out: none in the form `plain`.

    Of the last block's joined projection, slices are taken: it stays as it is.
    """
    blocks = cast("Iterable[LeanBlock]", encoder.blocks)
    layers = [layer for block in blocks if block.onednn for layer in (block.qkv, block.out, block.widen, block.narrow)]
    return sum(_lay_out(layer, "weight") for layer in layers if layer is not cast("LeanBlock", encoder.blocks[-1]).qkv)


def _lay_out(module: nn.Module, leaf: str) -> bool:
    """Whether a module's weight now lies in oneDNN's order."""
    weight = getattr(module, leaf).detach()
    if onednn_refusal(_PRECISION_OF[weight.dtype]) is not None:
        return False
    delattr(module, leaf)  # a parameter's place takes no tensor of another layout
    setattr(module, leaf, torch.ops.mkldnn._reorder_linear_weight(weight))  # noqa: SLF001 - no public name
    return True


def _only_multiplied(node: Node) -> bool:
    """Whether all that is made of a tensor are oneDNN's products by it."""
    product = torch.ops.mkldnn._linear_pointwise.default  # noqa: SLF001 - no public name
    return bool(node.users) and all(
        user.target is product and user.args[1] is node and node not in (user.args[0], user.args[2])
        for user in node.users
    )
