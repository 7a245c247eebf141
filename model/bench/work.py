"""How much arithmetic a chip costs, and how much a device can do."""

import time

import torch

from model.config import CHIP_PX, EncoderConfig


def flops_per_chip(config: EncoderConfig, bands: int) -> float:
    """Multiplications and additions of the whole encoder, each counted as one; upstream's last block is whole."""
    patches = (CHIP_PX // config.patch) ** 2
    tokens, inner, hidden = patches + 1, config.heads * config.dim_head, config.dim * config.mlp_ratio
    products = tokens * config.dim * (4 * inner + 2 * hidden)
    attention = 2 * tokens * tokens * inner
    return 2 * (patches * bands * config.patch**2 * config.dim + config.depth * (products + attention))


def matmul_rate(device: str, seconds: float = 2.0) -> float:
    """Measured rate of one large bf16 matrix product, floating-point operations a second."""
    side = 8192 if device != "cpu" else 2048
    one, other = (torch.randn(side, side, device=device).bfloat16() for _ in range(2))
    rates: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(rates) < 3:
        wait(device)
        begun = time.perf_counter()
        torch.mm(one, other)
        wait(device)
        rates.append(2 * side**3 / (time.perf_counter() - begun))
    return max(rates)


def wait(device: str) -> None:
    """Wait until a device has finished all work."""
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()
