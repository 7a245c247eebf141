"""Sine and cosine encodings of wavelengths and of patch positions.

Operation order follows Clay v1.5 exactly, so that converted weights meet the same numbers they were trained with.
"""

import torch
from torch import Tensor

TEMPERATURE = 10_000.0


def wave_encoding(waves: Tensor, dim: int) -> Tensor:
    """Encode wavelengths (Vaswani et al. 2017, section 3.5, with wavelengths in place of positions).

    Args:
        waves: `[C]` central wavelengths in micrometres.
        dim: Even width of the encoding.

    Returns:
        `[C, dim]`: all sines, then all cosines.
    """
    omega = torch.arange(dim // 2, device=waves.device) / (dim // 2 - 1)
    angles = waves[:, None] * (1.0 / TEMPERATURE**omega)[None, :]
    return torch.cat((angles.sin(), angles.cos()), dim=1)


def grid_encoding(rows: int, cols: int, dim: int, gsd: Tensor) -> Tensor:
    """Encode the places of patches, scaled by ground sampling distance (Reed et al. 2023, Scale-MAE).

    Clay divides the exponent by `dim` once more than the paper does, so that all frequencies lie close to `gsd`. Its
    weights were trained with that, so it is kept.

    Args:
        rows: Patches from north to south.
        cols: Patches from west to east.
        dim: Width of the encoding, a multiple of 4.
        gsd: Ground sampling distance in metres, a scalar or `[1]`.

    Returns:
        `[rows * cols, dim]`, row by row: sines of x, cosines of x, sines of y, cosines of y.
    """
    y, x = torch.meshgrid(torch.arange(rows, device=gsd.device), torch.arange(cols, device=gsd.device), indexing="ij")
    omega = torch.arange(dim // 4, device=gsd.device) / (dim // 4 - 1)
    omega = 1.0 / (TEMPERATURE ** (2 * omega / dim)) * gsd
    x_angles = x.flatten()[:, None] * omega[None, :]
    y_angles = y.flatten()[:, None] * omega[None, :]
    return torch.cat((x_angles.sin(), x_angles.cos(), y_angles.sin(), y_angles.cos()), dim=1)
