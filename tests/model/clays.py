"""Encoders with seeded weights, ours and the published one's, for tests."""

import functools
from dataclasses import replace

import pytest
import torch

from model.bench.upstream import FOLDER, UpstreamVectors, upstream_encoder
from model.clay import Clay, bare_encoder
from model.config import SIZES, EncoderConfig
from model.processor import onednn_refusal
from model.sensor import SENTINEL_2
from model.weights import seeded_state

MICRO = replace(SIZES["tiny"], dim=64, depth=2, heads=2, dim_head=32, out_dim=64)
"""Too small to be published; every part of the encoder is in it."""

needs_upstream = pytest.mark.skipif(
    not (FOLDER / "model.py").exists(), reason="claymodel is not installed; `make setup` does it"
)


def needs_onednn(precision: str) -> None:
    """Skip where this processor, or this torch, has no such products."""
    refusal = onednn_refusal(precision)
    if refusal is not None:
        pytest.skip(refusal)


@functools.lru_cache(maxsize=2)
def clay(config: EncoderConfig = MICRO) -> Clay:
    torch.set_float32_matmul_precision("highest")
    state = seeded_state(bare_encoder(config), 1, by_hand=False)
    return Clay(bare_encoder(config), state, SENTINEL_2, source={"seed": 1}, note="a test")


@functools.lru_cache(maxsize=2)
def published(config: EncoderConfig = MICRO) -> UpstreamVectors:
    encoder = upstream_encoder(config)
    encoder.load_state_dict(seeded_state(bare_encoder(config), 1, by_hand=False), strict=True)
    return UpstreamVectors(encoder, SENTINEL_2)
