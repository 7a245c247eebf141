import math
from dataclasses import replace

import pytest
import torch

from model.architecture import Encoder
from model.config import SIZES, named_config
from model.errors import ShapeError, UnknownNameError
from model.patches import embed_patches
from model.positions import grid_encoding, wave_encoding
from model.sensor import SENTINEL_2

WAVES = torch.tensor(SENTINEL_2.wavelengths_um)
GSD = torch.tensor(10.0)


def given(batch: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    return [torch.randn(batch, *shape, generator=generator) for shape in ((10, 256, 256), (4,), (4,))]


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max())


def test_large_has_as_many_weights_as_clay():
    with torch.device("meta"):
        large = Encoder(named_config("large"))
    assert sum(weight.numel() for weight in large.parameters()) == 311_442_944


def test_weights_are_named_as_in_clays_checkpoint():
    with torch.device("meta"):
        names = set(Encoder(replace(SIZES["tiny"], depth=1)).state_dict())
    wave = "patch_embedding.weight_generator"
    pairs = [
        "patch_embedding.fclayer.l1",
        "patch_embedding.fclayer.l2",
        f"{wave}.fc_weight",
        f"{wave}.fc_bias",
        f"{wave}.encoder.layers.0.self_attn.out_proj",
        f"{wave}.encoder.layers.0.linear1",
        f"{wave}.encoder.layers.0.linear2",
        f"{wave}.encoder.layers.0.norm1",
        f"{wave}.encoder.layers.0.norm2",
        "transformer.norm",
        "transformer.layers.0.0.norm",
        "transformer.layers.0.1.net.0",
        "transformer.layers.0.1.net.1",
        "transformer.layers.0.1.net.3",
    ]
    single = [
        "cls_token",
        f"{wave}.weight_tokens",
        f"{wave}.bias_token",
        f"{wave}.encoder.layers.0.self_attn.in_proj_weight",
        f"{wave}.encoder.layers.0.self_attn.in_proj_bias",
        "transformer.layers.0.0.to_qkv.weight",
        "transformer.layers.0.0.to_out.weight",
    ]
    assert names == {f"{pair}.{kind}" for pair in pairs for kind in ("weight", "bias")} | set(single)


def test_wave_encoding_by_hand():
    encoded = wave_encoding(torch.tensor([0.665]), 128)[0]
    for place in (0, 1, 40, 63):
        angle = 0.665 / 10_000 ** (place / 63)
        assert encoded[place] == pytest.approx(math.sin(angle), abs=1e-6)
        assert encoded[64 + place] == pytest.approx(math.cos(angle), abs=1e-6)


def test_grid_encoding_by_hand():
    dim, row, col = 184, 3, 5
    encoded = grid_encoding(32, 32, dim, GSD)[row * 32 + col]
    for place in (0, 17, 45):
        omega = 10 / 10_000 ** (2 * (place / 45) / dim)
        expected = [math.sin(col * omega), math.cos(col * omega), math.sin(row * omega), math.cos(row * omega)]
        assert encoded[place::46].tolist() == pytest.approx(expected, abs=1e-4)


def test_patches_are_a_strided_convolution():
    generator = torch.Generator().manual_seed(1)
    chips = torch.randn(2, 3, 32, 16, generator=generator)
    kernel, bias = torch.randn(3 * 64, 5, generator=generator), torch.randn(5, generator=generator)
    as_convolution = kernel.T.reshape(5, 3, 8, 8)
    expected = torch.nn.functional.conv2d(chips, as_convolution, bias, stride=8).flatten(2).transpose(1, 2)
    assert apart(embed_patches(chips, kernel, bias, 8), expected) < 1e-4


def test_keeping_the_class_token_only_changes_no_value(encoder: Encoder):
    tokens = torch.randn(2, 40, 192, generator=torch.Generator().manual_seed(3))
    whole = encoder.transformer(tokens)
    assert apart(encoder.transformer(tokens, keep=1), whole[:, :1]) < 1e-5


def test_vector_does_not_depend_on_its_batch(encoder: Encoder):
    chips, time, latlon = given(7)
    together = encoder(chips, time, latlon, WAVES, GSD)
    assert together.shape == (7, 1024)
    for row in range(7):
        one = slice(row, row + 1)
        assert apart(encoder(chips[one], time[one], latlon[one], WAVES, GSD), together[one]) < 1e-5


@pytest.mark.parametrize("changed", ["chips", "time", "latlon", "waves", "gsd"])
def test_vector_depends_on_every_input(encoder: Encoder, changed: str):
    inputs = dict(zip(("chips", "time", "latlon"), given(1), strict=True), waves=WAVES, gsd=GSD)
    other = inputs | {changed: inputs[changed] * 0.5}
    assert apart(encoder(**inputs), encoder(**other)) > 1e-3


def test_any_number_of_bands_and_patches(encoder: Encoder):
    chips, time, latlon = given(1)
    assert encoder(chips[:, :4, :64, :128], time, latlon, WAVES[:4], GSD).shape == (1, 1024)


@pytest.mark.parametrize("change", [{"dim": 190}, {"dim": 8}, {"wave_dim": 126}, {"out_dim": 100}])
def test_sizes_that_do_not_fit_are_refused(change: dict[str, int]):
    with pytest.raises(ShapeError):
        replace(SIZES["demo"], **change)


def test_unknown_size_names_those_that_exist():
    with pytest.raises(UnknownNameError, match=r"huge.*demo, tiny, small, base, large"):
        named_config("huge")
