"""The published encoder is the oracle: whatever ours does, it must give the same vectors."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.bench.chips import Chips, extreme_chips, realistic_chips
from model.bench.upstream import upstream_encoder
from model.config import EncoderConfig, named_config
from model.conventions import CONVENTIONS, time_and_place
from model.errors import ModelError
from model.parity import Parity
from model.processor import onednn_refusal
from tests.model.clays import MICRO, clay, needs_onednn, needs_upstream, published

pytestmark = needs_upstream

MAX_ERROR = 1e-5
MIN_COSINE = 0.9999


def embed(vectors: Callable[..., torch.Tensor], chips: Chips) -> torch.Tensor:
    with torch.inference_mode():
        return vectors(chips.dn, chips.time, chips.latlon)


def parity(config: EncoderConfig, precision: str, form: str, chips: Chips) -> Parity:
    got = embed(clay(config).module(precision, form), chips)
    assert got.dtype == torch.float32
    return Parity.measure(got.numpy(), embed(published(config), chips).numpy())


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("inputs", [realistic_chips(2, 5), extreme_chips()], ids=["realistic", "extreme"])
def test_fp32_repeats_the_published_encoder(inputs: Chips, convention: str):
    places = [(12.0, -5.0), (-179.9, 80.0)] * 4
    moments = [datetime(2020, 12, 31, 23, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)] * 4
    count = len(inputs.dn)
    time, latlon = time_and_place(convention, places[:count], moments[:count])
    chips = replace(inputs, time=time, latlon=latlon)
    for form in forms("fp32"):
        assert parity(MICRO, "fp32", form, chips).max_error <= MAX_ERROR
    assert embed(clay().reference, chips).sub(embed(published(), chips)).abs().max() <= MAX_ERROR


@pytest.mark.parametrize("inputs", [realistic_chips(2, 6), extreme_chips()], ids=["realistic", "extreme"])
@pytest.mark.parametrize(("precision", "form"), [("bf16", "plain"), ("bf16", "onednn"), ("fp16", "plain")])
def test_low_precision_points_the_same_way(inputs: Chips, precision: str, form: str):
    if form == "onednn":
        needs_onednn(precision)
    assert parity(MICRO, precision, form, inputs).min_cosine >= MIN_COSINE


def forms(precision: str) -> tuple[str, ...]:
    """Those that run here."""
    return ("plain",) if onednn_refusal(precision) else ("plain", "onednn")


def all_parities(size: str) -> dict[tuple[str, str], Parity]:
    config, chips = named_config(size), realistic_chips(1, 7)
    ways = [(precision, form) for precision in ("fp32", "bf16") for form in forms(precision)]
    return {way: parity(config, *way, chips) for way in ways}


def test_tiny_repeats_the_published_encoder():
    check(all_parities("tiny"))


@pytest.mark.slow
@pytest.mark.parametrize("size", ["small", "base"])
def test_every_size_repeats_the_published_encoder(size: str):
    check(all_parities(size))


@pytest.mark.skipif("CLAYLAKE_LARGE" not in os.environ, reason="5 GB and minutes; CLAYLAKE_LARGE=1 runs it")
def test_full_size_repeats_the_published_encoder():
    check(all_parities("large"))


def check(found: dict[tuple[str, str], Parity]) -> None:
    for (precision, form), measured in found.items():
        assert measured.min_cosine >= MIN_COSINE, (precision, form)
        assert precision != "fp32" or measured.max_error <= MAX_ERROR, form


@settings(max_examples=4, deadline=None)
@given(batch=st.integers(1, 33), seed=st.integers(0, 2**16), top=st.sampled_from([1, 300, 12_000, 65_535]))
def test_any_batch_of_any_pixels(batch: int, seed: int, top: int):
    generator = torch.Generator().manual_seed(seed)
    dn = torch.randint(0, top + 1, (batch, 10, 256, 256), generator=generator).float()
    time, latlon = (torch.rand(batch, 4, generator=generator) * 2 - 1 for _ in range(2))
    # Upstream is slow, and its vectors do not depend on each other: both ends of the batch stand for all of it.
    ends = sorted({0, batch - 1})
    few = Chips(dn=dn[ends], time=time[ends], latlon=latlon[ends])
    got = embed(clay().module("fp32", forms("fp32")[-1]), Chips(dn=dn, time=time, latlon=latlon))
    assert got.shape == (batch, MICRO.out_dim)
    assert (got[ends] - embed(published(), few)).abs().max() <= MAX_ERROR


def test_importing_it_leaves_this_process_as_it_was():
    torch.set_float32_matmul_precision("highest")
    environment, stubs = dict(os.environ), {name for name in sys.modules if name.startswith(("timm", "torchvision"))}
    upstream_encoder(named_config("tiny"))
    assert torch.get_float32_matmul_precision() == "highest"
    assert dict(os.environ) == environment
    assert {name for name in sys.modules if name.startswith(("timm", "torchvision"))} == stubs


def test_without_it_the_error_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="make setup"):
        upstream_encoder(named_config("tiny"), tmp_path)
