"""Which precision and path an encoder ends up with, and that none goes to work unproven."""

import json
import logging
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from model.processor import KINDS, Processor, onednn_refusal
from spark.encoding import device, proving
from spark.encoding.artefact import read_artefact
from spark.encoding.errors import ArtefactError, ChoiceError, EncoderError, ExecutionError, SelfCheckError, UnsoundError
from spark.encoding.selfcheck import read_reference
from tests.spark.encoding.loading import WHEN, chips, load, places, redescribe


@pytest.fixture
def copy(artefact: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(artefact, tmp_path / "copy"))


def spoil_reference(folder: Path, by: float) -> None:
    with np.load(folder / "reference.npz") as reference:
        arrays = dict(reference)
    arrays["vectors"][0, 1, 7] += by
    np.savez_compressed(folder / "reference.npz", **arrays)
    redescribe(folder)


def read(folder: Path):
    artefact = read_artefact(folder)
    return artefact, read_reference(artefact, "tutorial")


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(axis=1) / lengths).min())


def test_choices_not_built_for_name_those_that_are(artefact: Path):
    with pytest.raises(ChoiceError, match=r"'noon'.*tutorial, training, blank"):
        load(artefact, "noon")
    with pytest.raises(ChoiceError, match=r"'fp16'.*auto, fp32, bf16"):
        load(artefact, precision="fp16")


@pytest.mark.parametrize("absent", ["tpu", "cuda:7" if not torch.cuda.is_available() else "mps"])
def test_device_that_is_absent_is_named(absent: str):
    with pytest.raises(EncoderError, match=f"'{absent}' here; this machine has: cpu"):
        device.choose_device(absent, "cpu")


@pytest.mark.parametrize("spoilt", [1e-3, np.nan])
def test_fp32_is_held_to_every_component(copy: Path, spoilt: float):
    spoil_reference(copy, spoilt)
    with pytest.raises(SelfCheckError, match="Nothing was embedded"):
        load(copy)


def test_bf16_is_held_to_directions(copy: Path):
    spoil_reference(copy, 1e-3)
    assert load(copy, precision="bf16").precision == "bf16"
    spoil_reference(copy, 3.0)
    with pytest.raises(SelfCheckError, match=r"bf16 vectors on cpu .* allowed: cosine from 0\.9999"):
        load(copy, precision="bf16")


def test_self_check_needs_vectors_of_the_convention(copy: Path):
    redescribe(copy, conventions=["tutorial", "midnight"])
    with pytest.raises(EncoderError, match="midnight"):
        load(copy, "midnight")


@pytest.mark.parametrize(
    ("fast", "offered", "tried"),
    [
        ("bf16", ("fp32", "bf16"), ("bf16", "fp32")),
        ("fp32", ("fp32", "bf16"), ("fp32",)),
        ("fp16", ("fp32", "bf16"), ("fp32",)),
        ("fp16", ("fp32", "bf16", "fp16"), ("fp16", "fp32")),
        ("bf16", ("fp16",), ("fp16",)),
    ],
)
def test_auto_tries_what_is_fast_on_the_device_and_then_fp32(monkeypatch, fast, offered, tried):
    monkeypatch.setattr(device, "fast_precision", lambda _: fast)
    assert device.precisions_to_try("auto", offered, "cpu") == tried
    assert device.precisions_to_try(offered[0], offered, "cpu") == offered[:1]


@pytest.mark.parametrize(
    ("capability", "fast"), [((6, 1), "fp32"), ((7, 0), "fp16"), ((7, 5), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")]
)
def test_gpus_are_judged_by_their_capability(monkeypatch, capability, fast):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert device.fast_precision("cuda:0") == fast


@pytest.mark.parametrize("kind", KINDS)
def test_cpus_are_judged_by_their_instructions(monkeypatch, kind):
    monkeypatch.setattr(device, "this_processor", lambda: Processor("", kind))
    assert device.fast_precision("cpu") == ("bf16" if kind in {"avx512_bf16", "amx", "neon_bf16"} else "fp32")
    assert device.fast_precision("mps") == "fp32"


def test_a_processor_that_cannot_be_pretended_is_refused(artefact: Path, monkeypatch):
    monkeypatch.setenv("CLAYLAKE_CPU", "abacus")
    with pytest.raises(EncoderError, match="CLAYLAKE_CPU is 'abacus'"):
        load(artefact, precision="auto")


def test_auto_falls_back_to_fp32_when_the_fast_precision_fails_its_check(copy: Path, monkeypatch, caplog):
    monkeypatch.setattr(device, "fast_precision", lambda _: "bf16")
    assert load(copy, precision="auto").precision == "bf16"
    offers = {
        "fp32": {"program": "encoder-fp32.pt2", "max_error": 1e-4, "min_cosine": 0.99999},
        "bf16": {"program": "encoder-bf16.pt2", "max_error": None, "min_cosine": 0.99999999},
    }
    redescribe(copy, precisions=offers)
    with caplog.at_level(logging.WARNING):
        assert load(copy, precision="auto").precision == "fp32"
    assert "bf16 does not serve on cpu, going on with fp32" in caplog.text
    spoil_reference(copy, np.nan)
    with pytest.raises(SelfCheckError):
        load(copy, precision="auto")


# Another torch, or a program that cannot be loaded: the module with the same weights


def path_of(precision: str) -> str:
    return "auto" if onednn_refusal(precision) else "pt2"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_other_torch_runs_the_module_with_the_same_weights_and_says_so(copy: Path, precision: str, caplog):
    program = load(copy, precision=precision, path=path_of(precision))
    redescribe(copy, torch="2.4.0+cu121")
    (copy / f"encoder-{precision}.pt2").unlink()
    with caplog.at_level(logging.WARNING):
        module = load(copy, precision=precision, path="auto")
    assert "exported by torch 2.4.0+cu121" in caplog.text
    assert program.path == "pt2" or onednn_refusal(precision) is not None
    assert module.path in {"eager", "eager+onednn"}
    assert module.precision == precision
    given = chips(3), places(3), [WHEN] * 3
    one, other = program.encode(*given).vectors, module.encode(*given).vectors
    if precision == "fp32":
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert cosine(one, other) > 0.9999


def test_program_that_cannot_be_loaded_gives_way_to_the_module(copy: Path, caplog):
    with zipfile.ZipFile(copy / "encoder-fp32.pt2", "w") as archive:
        archive.writestr("nothing", b"of use")
    redescribe(copy)
    with caplog.at_level(logging.WARNING):
        assert load(copy, path="auto").path == "eager"
    assert "running by pt2 is passed over" in caplog.text
    assert "encoder-fp32.pt2 cannot be loaded: [enforce fail" in caplog.text
    assert "Traceback" not in caplog.text
    with pytest.raises(ExecutionError, match=r"encoder-fp32\.pt2 cannot be loaded"):
        load(copy)


def test_a_program_needs_no_weights_that_the_module_knows(copy: Path, caplog):
    """An encoder of another architecture has programs alone."""
    if onednn_refusal("fp32"):
        pytest.skip(onednn_refusal("fp32"))
    described = json.loads((copy / "model.json").read_text())
    redescribe(copy, architecture={name: size for name, size in described["architecture"].items() if name != "depth"})
    with caplog.at_level(logging.WARNING):
        assert load(copy, path="auto").path == "pt2"
    assert "running by eager is passed over" in caplog.text
    (copy / "encoder-fp32.pt2").unlink()
    with pytest.raises(ArtefactError, match=r"encoder-fp32\.pt2 is missing"):
        load(copy, path="auto")


def test_a_path_that_is_not_possible_names_those_that_are(artefact: Path):
    with pytest.raises(ChoiceError, match=r"unknown path 'compiled'; use one of auto, .*eager"):
        load(artefact, path="compiled")


def test_the_quickest_path_that_passes_its_check_is_taken_and_kept(copy: Path, monkeypatch, caplog):
    slow: list[str] = ["pt2"]
    monkeypatch.setattr(proving, "seconds_of_pass", lambda encoder, *_: 2.0 if encoder.path in slow else 1.0)
    assert load(copy, path="auto", tuning=copy).path == "eager"
    (kept,) = copy.glob("way-demo-random-*")
    assert kept.read_text() == "eager"
    slow[:] = ["eager"]
    assert load(copy, path="auto", tuning=copy).path == "eager"  # as the machine's first worker found
    assert load(copy, path="auto").path == "pt2"
    state = load_file(copy / "weights.safetensors")
    state["head.weight"] *= 1.01
    save_file(state, copy / "weights.safetensors")
    redescribe(copy)
    with caplog.at_level(logging.WARNING):
        assert load(copy, path="auto", tuning=copy).path == "pt2"
    assert "running by eager is passed over" in caplog.text


def test_a_precision_that_the_device_cannot_run_gives_way_to_fp32(artefact: Path, monkeypatch):
    real = proving.check

    def check(encoder, *given):
        if encoder.precision == "bf16":
            raise RuntimeError("no bf16 on this machine")
        return real(encoder, *given)

    monkeypatch.setattr(proving, "check", check)
    monkeypatch.setattr(device, "fast_precision", lambda _: "bf16")
    assert load(artefact, precision="auto").precision == "fp32"
    with pytest.raises(ExecutionError, match="no bf16 on this machine"):
        load(artefact, precision="bf16")


def test_a_path_that_the_device_cannot_run_is_passed_over(artefact: Path, monkeypatch, caplog):
    real = proving.check

    def check(encoder, *given):
        if encoder.path == "pt2":
            raise RuntimeError("mkldnn_linear_pointwise: needs the cpu support avx512\nat some line")
        return real(encoder, *given)

    monkeypatch.setattr(proving, "check", check)
    with caplog.at_level(logging.WARNING):
        assert load(artefact, path="auto").path == "eager"
    assert "does not run on cpu: mkldnn_linear_pointwise: needs the cpu support avx512" in caplog.text
    assert "at some line" not in caplog.text


def test_other_build_of_the_same_torch_runs_the_program(copy: Path):
    redescribe(copy, torch=torch.__version__.split("+")[0] + "+other")
    assert load(copy, "blank").path == "pt2"


def test_weights_that_do_not_fit_are_refused(copy: Path):
    state = load_file(copy / "weights.safetensors")
    del state["cls_token"]
    save_file(state, copy / "weights.safetensors")
    redescribe(copy, torch="2.4.0")
    with pytest.raises(ArtefactError, match=r"weights\.safetensors: .*cls_token is missing"):
        load(copy, path="auto")


def test_module_is_held_to_the_reference_too(copy: Path):
    state = load_file(copy / "weights.safetensors")
    state["head.weight"] *= 1.01
    save_file(state, copy / "weights.safetensors")
    redescribe(copy, torch="2.4.0")
    with pytest.raises(SelfCheckError):
        load(copy, path="auto")


# After loading


def test_an_encoder_that_ceases_to_reproduce_its_reference_blames_no_chip(artefact: Path):
    encoder = load(artefact)
    encoder.recheck()
    real = encoder.network

    def broken(dn, time, latlon):
        return real.forward(dn, time, latlon) * float("nan")

    encoder.network = type(real)(forward=broken, path="broken")
    with pytest.raises(UnsoundError, match="no chip is to blame"):
        encoder.encode(chips(2), places(2), [WHEN] * 2)


class Recording:
    """Stands for a CUDA graph: takes the shape that it was made for, and no other."""

    def __init__(self, forward, *, batch, chip_shape, device):
        self.forward, self.sizes, self.factor = forward, [], 1.0
        self.held = [torch.zeros((batch, *shape), device=device) for shape in (chip_shape, (4,), (4,))]

    def __call__(self, *given):
        for held, values in zip(self.held, given, strict=True):
            held.copy_(values)
        self.sizes.append(len(self.held[0]))
        return self.forward(*self.held) * self.factor


def test_recorded_network_is_checked_and_runs_in_one_shape(artefact: Path, monkeypatch):
    monkeypatch.setattr(proving, "Graph", Recording)
    encoder = load(artefact)
    expected = encoder.encode(chips(6), places(6), [WHEN] * 6).vectors
    proving.record(encoder, *read(artefact))
    assert encoder.path == "pt2+graph"
    np.testing.assert_allclose(encoder.encode(chips(6), places(6), [WHEN] * 6).vectors, expected, atol=1e-5)
    assert set(encoder.network.forward.sizes) == {4}


@pytest.mark.parametrize("fault", ["raises", "differs"])
def test_recording_that_fails_or_differs_is_left_out(artefact: Path, monkeypatch, caplog, fault):
    class Faulty(Recording):
        def __init__(self, *given, **how):
            super().__init__(*given, **how)
            if fault == "raises":
                raise RuntimeError("operation not permitted when stream is capturing")
            self.factor = 1.01

    monkeypatch.setattr(proving, "Graph", Faulty)
    encoder = load(artefact)
    with caplog.at_level(logging.WARNING):
        proving.record(encoder, *read(artefact))
    assert encoder.path == "pt2"
    assert "going on without a CUDA graph" in caplog.text
