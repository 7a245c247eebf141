"""Seeded weights for the demonstration, and the digest that names any weights.

All numbers come from uniform draws and exact arithmetic, so that a seed gives the same bytes on every machine: normal
draws, QR and the like differ in their last bits between processors, and the digest would with them.
"""

import hashlib
import math
import zlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.architecture import Encoder
from model.spectral import ramp_layer, triangle_layer

WAVE_LAYERS = "patch_embedding.fclayer."
TOKEN_STD = 0.02
"""As Clay's own initialisation of learnt tokens."""


def seeded_state(encoder: Encoder, seed: int, *, by_hand: bool = True) -> dict[str, Tensor]:
    """Draw a state for `encoder`; each weight's draw depends on the seed and its own name only.

    Args:
        encoder: Its weights give names and shapes.
        seed: Any non-negative integer.
        by_hand: Set the wavelength features so that bands differ (`model.spectral`), else draw them, too. The steep
            ones of the demonstration are more than upstream's bf16 can bear, whose autocast rounds them as well.

    Returns:
        Float32 weights by name, in the encoder's order.
    """
    state = {
        name: torch.from_numpy(_draw(name, tuple(weight.shape), seed)) for name, weight in encoder.state_dict().items()
    }
    if not by_hand:
        return state
    ramps, offsets = ramp_layer(encoder.config.wave_dim)
    triangles = triangle_layer(encoder.config.wave_dim)
    set_here = {"l1.weight": ramps, "l1.bias": offsets, "l2.weight": triangles}
    return state | {WAVE_LAYERS + name: torch.from_numpy(weight) for name, weight in set_here.items()}


def _draw(name: str, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, zlib.crc32(name.encode())))))
    if name == "head.weight":
        return _orthonormal(rng, *shape)
    if "norm" in name or name.endswith("bias"):
        return np.full(shape, 1.0 if name.endswith("weight") else 0.0, dtype=np.float32)
    std = 1.0 / math.sqrt(shape[-1]) if name.endswith("weight") else TOKEN_STD
    bound = std * math.sqrt(3.0)
    return ((2.0 * rng.random(shape) - 1.0) * bound).astype(np.float32)


def _orthonormal(rng: np.random.Generator, rows: int, cols: int) -> NDArray[np.float32]:
    """`[rows, cols]` with orthonormal columns, rows a power of 2: columns of Sylvester's Hadamard matrix, signs drawn.

    Keeps lengths and angles of what it lifts, and spreads them over all components.
    """
    hadamard = np.ones((1, 1))
    while hadamard.shape[0] < rows:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    signs = np.where(rng.random((rows, 1)) < 0.5, -1.0, 1.0)
    chosen = np.argsort(rng.random(rows), kind="stable")[:cols]
    return (signs * hadamard[:rows, chosen] / math.sqrt(rows)).astype(np.float32)


def weights_digest(state: dict[str, Tensor]) -> str:
    """Name weights by content: sha256 over name, dtype, shape and little-endian bytes of each, sorted by name.

    Containers (zip, pickle) hold times and paddings, so their digests would change from build to build.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        array = state[name].detach().cpu().contiguous().numpy()
        digest.update(f"{name}\n{array.dtype.name}\n{array.shape}\n".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()
