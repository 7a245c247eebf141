"""A lean encoder as an exported program: written, read, and moved to a device."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.export.passes import move_to_device_pass

from model.config import CHIP_PX

MAX_BATCH = 512

Vectors: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(dn `[B, C, 256, 256]`, time `[B, 4]`, latlon `[B, 4]`), all float32, to `[B, out_dim]` float32."""


def save_program(module: nn.Module, bands: int, path: Path) -> None:
    """Trace a module for any batch from 1 to `MAX_BATCH`, and write it.

    Nothing in the program names a device but its weights, so it is traced on the CPU and moved when loaded.

    Args:
        module: Called as `Vectors` says.
        bands: Bands of a chip.
        path: A `.pt2`; replaced, never written into, since others may hold a link to the old file.
    """
    zeros = torch.zeros(2, bands, CHIP_PX, CHIP_PX), torch.zeros(2, 4), torch.zeros(2, 4)
    batch = {0: Dim("batch", min=1, max=MAX_BATCH)}
    exported = torch.export.export(module.eval(), zeros, dynamic_shapes=(batch, batch, batch))
    exported.example_inputs = None  # they would be stored: 5 MB of zeros
    path.unlink(missing_ok=True)
    torch.export.save(exported, path)


def load_program(path: Path, device: str = "cpu") -> Vectors:
    """Read a program onto a device."""
    with warnings.catch_warnings():
        # torch's own reader makes tensors over read-only bytes and copies them later.
        warnings.filterwarnings("ignore", message="The given buffer is not writable", category=UserWarning)
        exported = torch.export.load(path)
    if device != "cpu":
        exported = move_to_device_pass(exported, device)
    program: Vectors = exported.module()
    return program
