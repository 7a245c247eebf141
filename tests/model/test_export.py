import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from model import arch, export
from model.__main__ import main
from model.arch import PRECISIONS_OF, contents, named_arch
from model.architecture import Encoder
from model.artefact import Built, describe
from model.check import check
from model.conventions import time_and_place
from model.errors import ArtefactError, ParityError, UnknownNameError
from model.execution import Execution, executions
from model.export import build, check_program, write
from model.format import read_description
from model.lean import LeanConfig, load_lean
from model.parity import BUILD_FP32, TOLERANCES, Parity
from model.processor import KINDS, Processor, onednn_missing, this_processor
from model.program import Vectors, load_program
from model.reference import Reference, reference_chips
from model.sensor import SENTINEL_2
from model.weights import weights_digest
from tests.model.clays import MICRO, clay


@pytest.fixture(scope="module")
def programs(folder: Path) -> dict[str, Vectors]:
    """By precision; where this machine cannot run a program, the module with the same weights."""
    module = partial(load_lean, config_of(folder), load_file(folder / "weights.safetensors"))
    return {
        precision: load_program(folder / f"encoder-{precision}.pt2")
        if any(execution.kind == "pt2" for execution in executions_of(folder, precision))
        else module(precision)
        for precision in ("fp32", "bf16")
    }


def config_of(folder: Path) -> LeanConfig:
    described = read_description(folder)
    return LeanConfig.of_architecture(described.architecture, bands=len(described.bands), chip_px=described.chip_px)


@pytest.fixture
def description(folder: Path) -> dict:
    return json.loads((folder / "model.json").read_text())


def test_description_says_what_was_built(folder: Path, description: dict, encoder: Encoder):
    assert description["format"] == 2
    assert description["name"] == "demo-random"
    assert description["arch"] == "cpu"
    assert description["weights_digest"] == weights_digest(encoder.state_dict())
    assert description["model_version"] == "demo-random+" + description["weights_digest"][:12]
    assert description["architecture"] == {
        "dim": 192,
        "depth": 2,
        "heads": 4,
        "dim_head": 48,
        "mlp_ratio": 2,
        "out_dim": 1024,
        "patch": 8,
    }
    assert description["torch"] == torch.__version__
    assert description["bands"] == list(SENTINEL_2.names)
    assert (description["input"], description["chip_px"], description["dim"]) == ("dn", 256, 1024)
    assert description["conventions"] == ["tutorial", "training", "blank"]
    assert description["default_convention"] == "tutorial"
    assert description["source"] == {"seed": 20240601}
    assert "no meaning" in description["note"]
    files = {"encoder-fp32.pt2", "encoder-bf16.pt2", "weights.safetensors", "reference.npz"}
    assert set(description["sha256"]) == files == {path.name for path in folder.iterdir()} - {"model.json"}
    for name, digest in description["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_description_holds_tolerances_and_what_was_measured(description: dict):
    fp32, bf16 = description["precisions"]["fp32"], description["precisions"]["bf16"]
    assert (fp32["program"], fp32["max_error"], fp32["min_cosine"]) == ("encoder-fp32.pt2", 1e-4, 0.99999)
    assert (bf16["program"], bf16["max_error"], bf16["min_cosine"]) == ("encoder-bf16.pt2", None, 0.9999)
    assert 0 < fp32["measured"]["max_error"] <= 1e-5 < bf16["measured"]["max_error"] < 0.05
    assert fp32["measured"]["min_cosine"] > bf16["measured"]["min_cosine"] > 0.9999
    assert fp32["measured"]["device"] == "cpu"


def test_weights_are_those_of_the_lean_encoder(folder: Path, programs: dict[str, Vectors]):
    lean = load_lean(config_of(folder), load_file(folder / "weights.safetensors"))
    dn = torch.from_numpy(reference_chips(10).astype(np.float32))
    zeros = torch.zeros(3, 4)
    assert (lean(dn, zeros, zeros) - programs["fp32"](dn, zeros, zeros)).abs().max() < 1e-5


def test_reference_reads_without_pickle(folder: Path):
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        assert reference["chips"].shape == (3, 10, 256, 256)
        assert reference["chips"].dtype == np.uint16
        assert reference["vectors"].shape == (3, 3, 1024)
        assert np.isfinite(reference["vectors"]).all()
        tutorial, training, blank = reference["vectors"]
    assert min(np.abs(tutorial - training).max(), np.abs(tutorial - blank).max()) > 0.01


@pytest.mark.parametrize("batch", [1, 2, 7, 33])
def test_programs_take_any_batch_and_normalise_within(programs: dict[str, Vectors], encoder: Encoder, batch: int):
    dn = torch.randint(0, 12_000, (batch, 10, 256, 256), generator=torch.Generator().manual_seed(batch)).float()
    time, latlon = time_and_place("tutorial", [(12.0, -5.0)] * batch, [datetime(2024, 2, 29, 10, tzinfo=UTC)] * batch)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (SENTINEL_2.means, SENTINEL_2.stds))
    last = slice(batch - 1, batch)
    waves, gsd = torch.tensor(SENTINEL_2.wavelengths_um), torch.tensor(10.0)
    expected = encoder((dn[last] - mean) / std, time[last], latlon[last], waves, gsd)
    fp32, bf16 = (programs[precision](dn, time, latlon) for precision in ("fp32", "bf16"))
    assert fp32.shape == bf16.shape == (batch, 1024)
    assert fp32.dtype == bf16.dtype == torch.float32
    assert torch.allclose(fp32[last], expected, atol=1e-5)
    assert torch.cosine_similarity(fp32, bf16).min() >= 0.9999


def test_programs_carry_neither_examples_nor_unused_weights(folder: Path):
    assert (folder / "encoder-fp32.pt2").stat().st_size < 5_000_000
    assert (folder / "encoder-bf16.pt2").stat().st_size < 3_500_000


def test_program_that_differs_is_refused(folder: Path):
    reference, program = Reference.read(folder / "reference.npz"), folder / "encoder-fp32.pt2"
    check_program(program, "fp32", reference)
    off = replace(reference, vectors=reference.vectors + np.float32(1e-3))
    with pytest.raises(ParityError, match=r"encoder-fp32.pt2 differs .* by 0\.001"):
        check_program(program, "fp32", off)
    with pytest.raises(ParityError, match=r"cosine of"):
        check_program(program, "bf16", replace(reference, vectors=reference.vectors[:, ::-1]))


def test_parity_by_hand():
    wanted = np.array([[3.0, 4.0], [1.0, 0.0]])
    measured = Parity.measure(np.array([[3.0, 4.0], [1.0, 0.5]]), wanted)
    assert measured.max_error == 0.5
    assert measured.min_cosine == pytest.approx(1 / np.sqrt(1.25))
    assert Parity.measure(wanted, wanted) == Parity(max_error=0.0, min_cosine=1.0)


@pytest.mark.parametrize("spoilt", [np.nan, np.inf, 0.0])
def test_vectors_that_are_no_vectors_pass_no_tolerance(spoilt: float):
    wanted = np.ones((2, 4))
    bad = wanted.copy()
    bad[1] = spoilt
    with np.errstate(invalid="ignore"):
        measured = Parity.measure(bad, wanted)
    for tolerance in (*TOLERANCES.values(), BUILD_FP32):
        with pytest.raises(ParityError):
            tolerance.check("x", measured)


def test_rebuilding_leaves_links_to_the_old_files_alone(tmp_path: Path):
    folder = write("micro", clay(), "cpu", tmp_path / "micro")
    (tmp_path / "link").hardlink_to(folder / "encoder-fp32.pt2")
    before = (tmp_path / "link").read_bytes()
    write("micro", clay(), "cpu", folder)
    assert (tmp_path / "link").read_bytes() == before
    assert not (folder / "encoder-fp32.pt2").samefile(tmp_path / "link")


def test_architecture_is_that_of_this_machine_unless_named():
    assert named_arch(None) in PRECISIONS_OF
    assert named_arch("cuda") == "cuda"
    with pytest.raises(UnknownNameError, match="cpu, cuda, mps"):
        named_arch("tpu")


def test_description_is_not_made_of_files_that_are_missing(tmp_path: Path):
    built = Built(form="plain", measured_form="plain", parity=Parity(max_error=0.0, min_cosine=1.0))
    with pytest.raises(FileNotFoundError):
        describe("micro", clay(), "cpu", {"fp32": built}, "cpu", tmp_path)


def executions_of(folder: Path, precision: str) -> tuple[Execution, ...]:
    described = json.loads((folder / "model.json").read_text())
    return executions(precision, described["precisions"][precision]["form"], "cpu", described["torch"])


def test_check_shows_every_precision_path_and_convention(folder: Path):
    table = check(folder)
    lines = [line for line in table.splitlines() if line.startswith("| demo-random")]
    shown = [
        (precision, execution.name) for precision in ("fp32", "bf16") for execution in executions_of(folder, precision)
    ]
    assert len(lines) == len(shown) * 3
    assert all(line.endswith("| ok |") for line in lines)
    for precision, path in shown:
        for convention in ("tutorial", "training", "blank"):
            assert any(f"| {precision} | {path} | {convention} |" in line for line in lines)


def test_check_of_what_another_torch_exported_runs_the_module(folder: Path, tmp_path: Path, description: dict, caplog):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.json").write_text(json.dumps(description | {"torch": "2.4.0+cu121"}))
    lines = [line for line in check(tmp_path).splitlines() if line.startswith("| demo-random")]
    assert {line.split("|")[3].strip() for line in lines} <= {"eager", "eager+onednn"}
    assert "it was exported by torch 2.4.0+cu121, this is" in caplog.text


def test_check_refuses_what_was_altered_or_is_off(folder: Path, tmp_path: Path, description: dict):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    reference = Reference.read(folder / "reference.npz")
    off = replace(reference, vectors=np.roll(reference.vectors, 1, axis=2))
    off.save(tmp_path / "reference.npz")
    with pytest.raises(ArtefactError, match=r"reference\.npz is missing or altered"):
        check(tmp_path)
    description["sha256"]["reference.npz"] = hashlib.sha256((tmp_path / "reference.npz").read_bytes()).hexdigest()
    (tmp_path / "model.json").write_text(json.dumps(description))
    with pytest.raises(ParityError, match=r"fp32 by (pt2|eager)"):
        check(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps(description | {"format": 1}))
    with pytest.raises(ArtefactError, match="is of format 1; this reader knows 2"):
        check(tmp_path)


def test_reference_chips_hold_nodata_and_extremes():
    slopes, cornered, extremes = reference_chips(10)
    assert slopes.min() > 0
    assert (cornered == 0).all(axis=0).any()
    assert set(np.unique(extremes)) == {1, 65535}


def test_unknown_model_names_those_that_exist(tmp_path: Path):
    with pytest.raises(UnknownNameError, match=r"'clay'.*demo-random, large-random, clay-v1.5"):
        build("clay", tmp_path)


def test_command_line_refuses_what_it_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["build", "--name", "clay", "--out", str(tmp_path)])
    assert "demo-random" in capsys.readouterr().err


def test_cache_is_built_once_and_its_folder_printed(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("CLAYLAKE_CACHE", str(tmp_path))
    monkeypatch.setattr("model.recipes.named_config", lambda _: MICRO)
    assert main(["build", "--arch", "cpu"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert folder.is_relative_to(tmp_path)
    stamp = (folder / "model.json").stat().st_mtime_ns
    assert main(["build", "--arch", "cpu"]) == 0
    assert Path(capsys.readouterr().out.strip()) == folder
    assert (folder / "model.json").stat().st_mtime_ns == stamp
    assert config_of(folder).dim == MICRO.dim


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("refusal", [None, "this torch lacks them", "wrong here"])
def test_a_build_for_cpus_holds_what_can_be_checked_quickly_and_what_is_named(monkeypatch, kind, refusal):
    monkeypatch.setattr(arch, "this_processor", lambda: Processor("", kind))
    monkeypatch.setattr(arch, "onednn_refusal", lambda _: refusal)
    form = "plain" if refusal else "onednn"
    fast = kind in {"avx512_bf16", "amx", "neon_bf16"}
    assert contents("cpu") == ({"fp32": form, "bf16": form} if fast else {"fp32": form})
    assert contents("cpu", ["bf16"]) == {"fp32": form, "bf16": form}
    assert contents("cuda") == {"fp32": "plain", "bf16": "plain", "fp16": "plain"}
    with pytest.raises(UnknownNameError, match=r"precision for cpu 'fp16'; use one of fp32, bf16"):
        contents("cpu", ["fp16"])


def test_what_this_machine_cannot_run_is_checked_in_the_plain_form_and_marked(tmp_path: Path, monkeypatch, caplog):
    if onednn_missing():
        pytest.skip(onednn_missing())
    monkeypatch.setattr(export, "onednn_refusal", lambda precision: "needs AVX-512" if precision == "bf16" else None)
    folder = write("micro", clay(), "cpu", tmp_path / "micro", {"fp32": "plain", "bf16": "onednn"})
    precisions = json.loads((folder / "model.json").read_text())["precisions"]
    assert (precisions["fp32"]["form"], precisions["fp32"]["measured"]["form"]) == ("plain", "plain")
    assert (precisions["bf16"]["form"], precisions["bf16"]["measured"]["form"]) == ("onednn", "plain")
    assert precisions["bf16"]["measured"]["min_cosine"] > 0.9999
    assert precisions["bf16"]["measured"]["processor"] == str(this_processor())
    assert "encoder-bf16.pt2 is checked in the plain form, which is slow: needs AVX-512" in caplog.text
