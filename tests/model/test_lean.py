import ast
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import model.lean
from model.folding import lean_config
from model.lean import FORMS, PRECISIONS, LeanConfig, LeanEncoder, LeanError, load_lean
from model.sensor import SENTINEL_2
from tests.model.clays import MICRO, clay, needs_onednn

CONFIG = lean_config(MICRO, SENTINEL_2)


def given(batch: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    dn = torch.randint(0, 9000, (batch, 10, 256, 256), generator=generator).float()
    return [dn, *(torch.rand(batch, 4, generator=generator) for _ in range(2))]


def test_it_needs_torch_and_the_standard_library_alone():
    tree = ast.parse(Path(model.lean.__file__).read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= {"torch", *sys.stdlib_module_names}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_vectors_are_fp32_and_near_the_reference(precision: str, form: str):
    if form == "onednn":
        needs_onednn(precision)
    inputs = given(3)
    wanted = clay().reference(*inputs)
    with torch.inference_mode():
        vectors = clay().module(precision, form)(*inputs)
    assert vectors.dtype == torch.float32
    assert vectors.shape == (3, MICRO.out_dim)
    assert torch.cosine_similarity(vectors, wanted).min() > (0.9999 if precision != "fp32" else 1 - 1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_vector_does_not_depend_on_its_batch(form: str):
    if form == "onednn":
        needs_onednn("fp32")
    inputs = given(5)
    encoder = clay().module("fp32", form)
    together = encoder(*inputs)
    for row in range(5):
        alone = encoder(*(values[row : row + 1] for values in inputs))
        assert (alone - together[row : row + 1]).abs().max() < 1e-5


def test_low_precision_is_that_of_blocks_alone():
    types = {name: weight.dtype for name, weight in clay().module("bf16").state_dict().items()}
    low = {name for name, dtype in types.items() if dtype == torch.bfloat16}
    assert low == {name for name in types if name.startswith("blocks.") and "norm" not in name}
    assert {types[name] for name in types.keys() - low} == {torch.float32}


def test_weights_are_shared_with_the_encoder_they_come_from():
    weight = clay().weights()["blocks.1.widen.weight"]
    assert clay().module("fp32").blocks[1].widen.weight.data_ptr() == weight.data_ptr()


def test_every_wrong_weight_is_named():
    state = dict(clay().weights())
    del state["norm.bias"]
    state |= {"norm.weight": torch.ones(3), "extra": torch.zeros(1)}
    with pytest.raises(LeanError) as caught:
        load_lean(CONFIG, state)
    for part in ("norm.bias is missing", "norm.weight is [3], not [64]", "extra is unknown"):
        assert part in str(caught.value)


@pytest.mark.parametrize("bad", [{"precision": "int8"}, {"form": "fast"}])
def test_unknown_precisions_and_forms_are_refused(bad: dict[str, str]):
    with pytest.raises(LeanError, match="use one of"):
        LeanEncoder(CONFIG, **bad)


def test_head_lifts_where_the_vector_is_longer():
    with torch.device("meta"):
        assert LeanEncoder(replace(CONFIG, out_dim=128)).head.weight.shape == (128, 64)
        assert LeanEncoder(CONFIG).head is None


def test_description_must_say_all_sizes():
    sizes = dict(clay().architecture())
    assert LeanConfig.of_architecture(sizes, bands=len(SENTINEL_2.names), chip_px=256) == CONFIG
    for wrong in ({name: size for name, size in sizes.items() if name != "depth"}, sizes | {"depth": "deep"}):
        with pytest.raises(LeanError, match="depth"):
            LeanConfig.of_architecture(wrong, bands=10, chip_px=256)
