"""Fold one sensor into an encoder: what depends on bands, wavelengths and ground sampling distance is computed once."""

from dataclasses import asdict

import torch
from torch import Tensor

from model.architecture import Encoder
from model.config import CHIP_PX, EncoderConfig
from model.lean import METADATA_DIMS, LeanConfig
from model.positions import grid_encoding
from model.sensor import Sensor

ARCHITECTURE = ("dim", "depth", "heads", "dim_head", "mlp_ratio", "out_dim", "patch")
"""Sizes that a lean encoder still needs; those of the wavelength network are folded away."""

BLOCK_NAMES = {
    "norm_attention.weight": "0.norm.weight",
    "norm_attention.bias": "0.norm.bias",
    "qkv.weight": "0.to_qkv.weight",
    "out.weight": "0.to_out.weight",
    "norm_mlp.weight": "1.net.0.weight",
    "norm_mlp.bias": "1.net.0.bias",
    "widen.weight": "1.net.1.weight",
    "widen.bias": "1.net.1.bias",
    "narrow.weight": "1.net.3.weight",
    "narrow.bias": "1.net.3.bias",
}
"""Lean name of a block's weight, and Clay's."""


def lean_config(config: EncoderConfig, sensor: Sensor) -> LeanConfig:
    """Sizes of an encoder with one sensor folded in."""
    sizes = {name: value for name, value in asdict(config).items() if name in ARCHITECTURE}
    return LeanConfig(**sizes, bands=len(sensor.bands), chip_px=CHIP_PX)


def fold(encoder: Encoder, sensor: Sensor) -> dict[str, Tensor]:
    """Compute the lean state; see `model.lean` for its names.

    `((dn - mean) / std) @ K + b` equals `dn @ (K / std) + (b - (mean / std) @ K)`, computed here in float64.

    Args:
        encoder: With its weights, float32, on the CPU.
        sensor: What to fold in.

    Returns:
        float32 weights by lean name; those of the blocks are shared with `encoder`, not copied.
    """
    config = encoder.config
    given = encoder.state_dict()
    side = CHIP_PX // config.patch
    with torch.no_grad():
        kernel, bias = encoder.patch_embedding.kernel(torch.tensor(sensor.wavelengths_um))
        grid = grid_encoding(side, side, config.dim - METADATA_DIMS, torch.tensor(sensor.gsd_m))
    means, stds = (
        torch.tensor(values, dtype=torch.float64).repeat_interleave(config.patch**2)[:, None]
        for values in (sensor.means, sensor.stds)
    )
    scaled = kernel.double() / stds
    shift = bias.double() - (means * scaled).sum(0)
    state = {
        "kernel": scaled.float(),
        "grid": (torch.nn.functional.pad(grid.double(), (0, METADATA_DIMS)) + shift).float(),
        "cls_token": given["cls_token"],
    }
    for block in range(config.depth):
        for lean, clays in BLOCK_NAMES.items():
            state[f"blocks.{block}.{lean}"] = given[f"transformer.layers.{block}.{clays}"]
    state |= {f"norm.{kind}": given[f"transformer.norm.{kind}"] for kind in ("weight", "bias")}
    if encoder.head is not None:
        state["head.weight"] = given["head.weight"]
    return {name: weight.detach().contiguous() for name, weight in state.items()}
