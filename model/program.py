"""The encoder with one sensor folded in: raw DN in, vectors out."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from model.architecture import Encoder, read_class_token, with_context
from model.config import METADATA_DIMS
from model.patches import embed_patches
from model.positions import grid_encoding
from model.sensor import Sensor

CHIP_PX = 256
MAX_BATCH = 512


@dataclass(frozen=True, kw_only=True)
class ProgramInput:
    """Example input that fixes shapes and types.

    Attributes:
        dn: `[B, C, 256, 256]` float32.
        time: `[B, 4]` float32.
        latlon: `[B, 4]` float32.
    """

    dn: Tensor
    time: Tensor
    latlon: Tensor

    @classmethod
    def zeros(cls, batch: int, bands: int) -> "ProgramInput":
        """Make an input of zeros."""
        return cls(
            dn=torch.zeros(batch, bands, CHIP_PX, CHIP_PX), time=torch.zeros(batch, 4), latlon=torch.zeros(batch, 4)
        )


class SensorProgram(nn.Module):
    """What is exported.

    The patch kernel and the position encoding depend on the sensor alone, so they are computed once, here. That leaves
    the program without any tensor it would create itself, and so free to move between devices.
    """

    mean: Tensor
    std: Tensor
    kernel: Tensor
    bias: Tensor
    grid: Tensor

    def __init__(self, encoder: Encoder, sensor: Sensor) -> None:
        """Fold `sensor` into `encoder`, whose weights are shared, not copied."""
        super().__init__()
        self.patch = encoder.config.patch
        self.cls_token = encoder.cls_token
        self.transformer = encoder.transformer
        self.head = encoder.head
        side = CHIP_PX // self.patch
        with torch.no_grad():
            kernel, bias = encoder.patch_embedding.kernel(torch.tensor(sensor.wavelengths_um))
            grid = grid_encoding(side, side, encoder.config.dim - METADATA_DIMS, torch.tensor(sensor.gsd_m))
        self.register_buffer("mean", torch.tensor(sensor.means).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(sensor.stds).view(-1, 1, 1))
        self.register_buffer("kernel", kernel)
        self.register_buffer("bias", bias)
        self.register_buffer("grid", grid)

    def forward(self, dn: Tensor, time: Tensor, latlon: Tensor) -> Tensor:
        """Embed chips.

        Args:
            dn: `[B, C, 256, 256]` float32 harmonised DN, 0 = nodata (an ordinary value to Clay).
            time: `[B, 4]`.
            latlon: `[B, 4]`.

        Returns:
            `[B, out_dim]` float32.
        """
        chips = (dn - self.mean) / self.std
        tokens = with_context(embed_patches(chips, self.kernel, self.bias, self.patch), self.grid, time, latlon)
        class_token = read_class_token(tokens, self.cls_token, self.transformer)
        return class_token if self.head is None else self.head(class_token)


def export_program(program: SensorProgram) -> ExportedProgram:
    """Trace the program for any batch from 1 to 512."""
    example = ProgramInput.zeros(2, program.mean.shape[0])
    batch = {0: Dim("batch", min=1, max=MAX_BATCH)}
    args = (example.dn, example.time, example.latlon)
    exported = torch.export.export(program.eval(), args, dynamic_shapes=(batch, batch, batch))
    exported.example_inputs = None  # they would be stored: 5 MB of zeros
    return exported
