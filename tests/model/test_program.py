from pathlib import Path

import pytest
import torch
from torch import nn

from model import program
from model.config import CHIP_PX
from model.program import lay_out_encoder, lay_out_weights, load_program
from model.tracing import save_program
from tests.model.clays import MICRO, clay, needs_onednn

BANDS = 10


@pytest.fixture(scope="module")
def chips():
    seeded = torch.Generator().manual_seed(5)
    dn = torch.randint(0, 12_000, (3, BANDS, CHIP_PX, CHIP_PX), generator=seeded).float()
    return dn, torch.rand(3, 4, generator=seeded), torch.rand(3, 4, generator=seeded)


def laid_out(vectors) -> int:
    return sum(getattr(held, "is_mkldnn", False) for module in vectors.modules() for held in vars(module).values())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_weights_in_onednns_order_give_the_same_vectors(tmp_path: Path, monkeypatch, chips, precision):
    needs_onednn(precision)
    save_program(clay(MICRO).module(precision, "onednn"), BANDS, tmp_path / "a.pt2")
    quick = load_program(tmp_path / "a.pt2")
    monkeypatch.setattr(program, "lay_out_weights", lambda _: 0)
    plain = load_program(tmp_path / "a.pt2")
    assert laid_out(quick) == 4 * MICRO.depth - 1  # of the last block's joined projection, slices are taken
    assert laid_out(plain) == 0
    with torch.inference_mode():
        one, other = quick(*chips), plain(*chips)
    assert torch.cosine_similarity(one, other).min() > (0.9999 if precision == "bf16" else 1 - 1e-6)
    assert (one - other).abs().max() < (0.05 if precision == "bf16" else 1e-5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_module_in_onednns_order_gives_the_same_vectors(chips, precision):
    needs_onednn(precision)
    encoder = clay(MICRO).module(precision, "onednn")
    with torch.inference_mode():
        before = encoder(*chips)
        assert lay_out_encoder(encoder) == 4 * MICRO.depth - 1
        after = encoder(*chips)
    assert laid_out(encoder) == 4 * MICRO.depth - 1
    assert (before - after).abs().max() < (0.05 if precision == "bf16" else 1e-5)


def test_a_module_of_ordinary_operators_is_left_as_it_is():
    encoder = clay(MICRO).module("fp32", "plain")
    assert lay_out_encoder(encoder) == 0
    assert laid_out(encoder) == 0


def test_nothing_is_laid_out_where_onednn_refuses(tmp_path: Path, monkeypatch):
    needs_onednn("fp32")
    save_program(clay(MICRO).module("fp32", "onednn"), BANDS, tmp_path / "a.pt2")
    monkeypatch.setattr(program, "onednn_refusal", lambda precision: f"no {precision} here")
    assert laid_out(load_program(tmp_path / "a.pt2")) == 0
    assert lay_out_encoder(clay(MICRO).module("fp32", "onednn")) == 0


def test_a_torch_without_onednn_reads_programs_of_ordinary_operators(tmp_path: Path, monkeypatch):
    save_program(clay(MICRO).module("fp32", "plain"), BANDS, tmp_path / "a.pt2")
    monkeypatch.setattr(program, "onednn_missing", lambda: "this torch lacks it")
    monkeypatch.delattr(program.torch.ops, "mkldnn", raising=False)
    assert laid_out(load_program(tmp_path / "a.pt2")) == 0


def test_programs_of_ordinary_operators_are_left_as_they_are(tmp_path: Path):
    save_program(clay(MICRO).module("bf16", "plain"), BANDS, tmp_path / "a.pt2")
    assert laid_out(load_program(tmp_path / "a.pt2")) == 0


class Twice(nn.Module):
    """Multiplies by one weight and shows another that it multiplies by, too."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Parameter(torch.randn(8, 8))
        self.shown = nn.Parameter(torch.randn(8, 8))

    def forward(self, given):
        for weight in (self.hidden, self.hidden, self.shown):
            given = torch.ops.mkldnn._linear_pointwise(given, weight, None, "none", [-1], "")
        return given + self.shown


def test_a_weight_with_another_use_stays():
    needs_onednn("fp32")
    module = Twice().eval()
    given = torch.randn(8, 8)
    graph = torch.export.export(module, (given,)).module()
    expected = graph(given)
    assert lay_out_weights(graph) == 1
    assert torch.allclose(graph(given), expected, atol=1e-5)
    assert not graph.shown.is_mkldnn
