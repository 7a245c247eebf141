"""From a module to a file that holds its program."""

from pathlib import Path

import torch
from torch import nn
from torch.export import Dim

from model.config import CHIP_PX

MAX_BATCH = 512


def save_program(module: nn.Module, bands: int, path: Path) -> None:
    """Trace a module for any batch from 1 to `MAX_BATCH`, and write it.

    Nothing in the program names a device but its weights, so it is traced on the CPU and moved when loaded.

    Args:
        module: Called as `model.program.Vectors` says.
        bands: Bands of a chip.
        path: A `.pt2`; replaced, never written into, since others may hold a link to the old file.
    """
    zeros = torch.zeros(2, bands, CHIP_PX, CHIP_PX), torch.zeros(2, 4), torch.zeros(2, 4)
    batch = {0: Dim("batch", min=1, max=MAX_BATCH)}
    exported = torch.export.export(module.eval(), zeros, dynamic_shapes=(batch, batch, batch))
    exported.example_inputs = None  # they would be stored: 5 MB of zeros
    path.unlink(missing_ok=True)
    torch.export.save(exported, path)
